"""What running independent LSTMs in two threads saves, and what one batched form of them costs: a minute.

K LSTMs read one batch, forward and backward, as direct communication's senders and cross-stitch's networks do: one
after the other, and two at once (`trainer.network_threads` = 2), after both have given the same bits.

What threads save is time by the clock, which other work on the machine disturbs much. So the rows have what that comes
to at best, on two idle cores: the CPU time of one by one over that of two at once along what waits for each other, the
thread that called and the busier one of the others. Times by the clock stand in the result, with the load.

The batched form advances all networks together, one product over K a step, as CUDA runs it. On a CPU it reads the
weights of every network anew at each step, where one network's stay in the cache as long as its own steps last.

Shapes: K networks, B batch, T time steps, D the size of everything.
"""

import threading
import time
from dataclasses import dataclass

import torch
from measuring import Timings, command_line, interleaved, untargeted, write_result
from torch import Tensor, nn

from mtlkit.kernels.compute import Compute
from mtlkit.kernels.side_by_side import batched, run_backward, run_forward, run_side_by_side
from mtlkit.process.subnormals import flushed_subnormals

WAYS = {"one by one": 1, "two at once": 2}
BATCH = 8


@dataclass(frozen=True)
class SendersCase:
    """One size."""

    steps: int
    networks: int
    dim: int

    @property
    def name(self) -> str:
        """The name of the case in a table."""
        return f"{self.networks} networks T={self.steps} B={BATCH}, size {self.dim}"


CASES = [SendersCase(steps, networks, dim) for steps, networks in ((130, 4), (20, 16), (130, 16)) for dim in (100, 200)]


class Networks:
    """The networks of a case and their input."""

    def __init__(self, case: SendersCase) -> None:
        torch.manual_seed(0)
        self.lstms = nn.ModuleList(nn.LSTM(case.dim, case.dim, batch_first=True) for _ in range(case.networks))
        self.inputs_BTD = torch.randn(BATCH, case.steps, case.dim, requires_grad=True)

    def one_by_one(self) -> list[Tensor]:
        """States and gradients, a network after the other."""
        return self.run(1)

    def batched(self) -> list[Tensor]:
        """States and gradients, all networks a step at a time."""
        lstms = [lstm for lstm in self.lstms if isinstance(lstm, nn.LSTM)]
        states_KBTD = batched(lstms, self.inputs_BTD.expand(len(lstms), -1, -1, -1), run_forward, run_backward)
        leaves = [self.inputs_BTD, *self.lstms.parameters()]
        return [*states_KBTD, *torch.autograd.grad(states_KBTD.square().sum(), leaves)]

    def run(self, threads: int) -> list[Tensor]:
        """States and gradients."""
        lstms = [lstm for lstm in self.lstms if isinstance(lstm, nn.LSTM)]
        inputs_KBTD = self.inputs_BTD.expand(len(lstms), -1, -1, -1)
        states = run_side_by_side(lstms, inputs_KBTD, Compute(network_threads=threads))
        leaves = [self.inputs_BTD, *self.lstms.parameters()]
        return [*states, *torch.autograd.grad(torch.stack(states).square().sum(), leaves)]


@dataclass(frozen=True)
class Found:
    """Seconds of one case, by way."""

    clock: Timings
    processor: Timings
    """CPU time of all threads."""
    chain: Timings
    """CPU time of the calling thread and the busiest other one: nothing takes less by the clock."""


def measure(case: SendersCase, rounds: int) -> Found:
    """Both ways in turns."""
    networks = Networks(case)
    for one, other in zip(*(networks.run(threads) for threads in WAYS.values()), strict=True):
        assert torch.equal(one, other)
    found = Found(*(Timings({name: [] for name in WAYS}) for _ in range(3)))
    for _ in range(rounds):
        for name, threads in WAYS.items():
            used, of_threads, began = time.process_time(), seconds_of_threads(), time.perf_counter()
            with flushed_subnormals():  # as the trainer has them
                networks.run(threads)
            found.clock.seconds[name].append(time.perf_counter() - began)
            found.processor.seconds[name].append(time.process_time() - used)
            own, *others = (now - before for now, before in zip(seconds_of_threads(), of_threads, strict=True))
            found.chain.seconds[name].append(own + max(others))
    return found


def measure_batched(case: SendersCase, rounds: int) -> Timings:
    """Both forms in turns, in CPU time, once they have been found to be equal."""
    networks = Networks(case)
    torch.testing.assert_close(networks.batched(), networks.one_by_one(), rtol=1e-3, atol=1e-3)
    return interleaved({"batched": networks.batched, "one by one": networks.one_by_one}, rounds)


def seconds_of_threads() -> list[float]:
    """CPU time of this thread, then of those that run networks."""
    others = [thread.ident for thread in threading.enumerate() if thread.name.startswith("mtlkit-network")]
    clocks = [time.pthread_getcpuclockid(ident) for ident in others if ident is not None]
    return [time.thread_time(), *map(time.clock_gettime, clocks)]


def main() -> None:
    """Measures every case and writes the result."""
    arguments = command_line(__doc__, "senders", rounds=6)
    found = {case: measure(case, arguments.rounds) for case in CASES}
    rows = [
        untargeted("LSTMs one by one over two at once, best case", case.name, its.chain.ratio(*WAYS))
        for case, its in found.items()
    ]
    forms = {case: measure_batched(case, max(arguments.rounds // 3, 1)) for case in CASES}
    rows += [
        untargeted("LSTMs in one batched recurrence over one by one", case.name, its.ratio("batched", "one by one"))
        for case, its in forms.items()
    ]
    details = {
        case.name: {
            "forms": forms[case].milliseconds(),
            "clock": its.clock.milliseconds(),
            "processor": its.processor.milliseconds(),
            "chain": its.chain.milliseconds(),
        }
        for case, its in found.items()
    }
    write_result(arguments, rows, milliseconds=details)


if __name__ == "__main__":
    main()
