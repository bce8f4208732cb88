"""What running independent LSTMs in two threads saves: `python benchmarks/senders.py`, about a minute.

K LSTMs read one batch, forward and backward, as direct communication's senders and cross-stitch's networks do: one
after the other, and two at once (`trainer.network_threads` = 2), after both have given the same bits. This one is in
time by the clock, since that is what threads save, and they save it where two cores are idle. So each timing waits a
while for a moment in which nothing else runs; how many began in one, and the CPU time, stand in the result.

Shapes: K networks, B batch, T time steps, D the size of everything.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import torch
from measuring import Timings, command_line, untargeted, write_result
from torch import Tensor, nn

from mtlkit.kernels.networks_in_threads import set_network_threads
from mtlkit.kernels.side_by_side import run_side_by_side

WAYS = {"one by one": 1, "two at once": 2}
BATCH = 8
PATIENCE = 0.3
"""Seconds that a timing waits for a quiet moment at most."""


@dataclass(frozen=True)
class Case:
    """One size."""

    steps: int
    networks: int
    dim: int

    @property
    def name(self) -> str:
        """As tables say it."""
        return f"{self.networks} networks T={self.steps} B={BATCH}, size {self.dim}"


CASES = [Case(steps, networks, dim) for steps, networks in ((130, 4), (20, 16), (130, 16)) for dim in (100, 200)]


class Networks:
    """The networks of a case and their input."""

    def __init__(self, case: Case) -> None:
        torch.manual_seed(0)
        self.lstms = nn.ModuleList(nn.LSTM(case.dim, case.dim, batch_first=True) for _ in range(case.networks))
        self.inputs_BTD = torch.randn(BATCH, case.steps, case.dim, requires_grad=True)

    def run(self, threads: int) -> list[Tensor]:
        """States and gradients."""
        set_network_threads(threads)
        lstms = [lstm for lstm in self.lstms if isinstance(lstm, nn.LSTM)]
        states = run_side_by_side(lstms, self.inputs_BTD.expand(len(lstms), -1, -1, -1))
        leaves = [self.inputs_BTD, *self.lstms.parameters()]
        return [*states, *torch.autograd.grad(torch.stack(states).square().sum(), leaves)]


@dataclass(frozen=True)
class Found:
    """Of one case, by way: seconds by the clock and CPU seconds, and the share of timings that began in quiet."""

    clock: Timings
    processor: Timings
    quiet: float


def measure(case: Case, rounds: int) -> Found:
    """Both ways in turns."""
    networks = Networks(case)
    for one, other in zip(*(networks.run(threads) for threads in WAYS.values()), strict=True):
        assert torch.equal(one, other)
    clock, processor = (Timings({name: [] for name in WAYS}) for _ in range(2))
    quiet = 0
    for _ in range(rounds):
        for name, threads in WAYS.items():
            quiet += is_quiet()
            began, used = time.perf_counter(), time.process_time()
            networks.run(threads)
            clock.seconds[name].append(time.perf_counter() - began)
            processor.seconds[name].append(time.process_time() - used)
    return Found(clock, processor, quiet / (rounds * len(WAYS)))


def is_quiet() -> bool:
    """Waits until nothing but this process runs; false if that does not come, or the system does not tell."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            running = Path("/proc/loadavg").read_text().split()[3].split("/")[0]
        except OSError:
            return False
        if running == "1":
            return True
        time.sleep(0.01)
    return False


def main() -> None:
    """Measures every case and writes the result."""
    arguments = command_line(__doc__, "senders", rounds=15)
    found = {case: measure(case, arguments.rounds) for case in CASES}
    rows = [
        untargeted("LSTMs by the clock, one by one over two at once", case.name, its.clock.ratio(*WAYS))
        for case, its in found.items()
    ]
    details = {
        case.name: {
            "clock": its.clock.milliseconds(),
            "processor": its.processor.milliseconds(),
            "quiet": round(its.quiet, 2),
        }
        for case, its in found.items()
    }
    write_result(arguments, rows, milliseconds=details)


if __name__ == "__main__":
    main()
