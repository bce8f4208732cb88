"""How dear the message-passing recurrence is: `python benchmarks/recurrence.py`, under a minute.

Times one forward and backward pass of LSTM' over one batch, given the sources of its messages, in three ways:

    split      what models run: a communicator of mtlkit, the gate, and `lstm_prime`
    reference  the equations of Liu et al. 2019 read literally, one source at a time
    lstm       `torch.nn.LSTM` of the same size on the same batch: a task's own network without messages

Gradients go to the inputs, the sources and every parameter. Time is the process's CPU time with one thread, so that
other work on the machine disturbs it little, and the three take turns within every round, so that what does disturb
them hits all alike. Only ratios from one run compare.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

import mtlkit
from mtlkit.communicators import Communicator, DirectCommunicator, IndirectCommunicator
from mtlkit.config import Lazy
from mtlkit.kernels.message_passing import (
    FusionWeights,
    LstmWeights,
    ScorerWeights,
    lstm_prime,
    reference_direct,
    reference_indirect,
)
from mtlkit.sharing.one_way_network import Channel

OUTPUT = Path(__file__).parent / "results" / "recurrence.json"
SHORTEST = 0.05
"""Seconds that one timing should last at least; short passes are repeated within it."""


@dataclass(frozen=True)
class Case:
    """One size. `senders`: sending tasks of direct communication; None is indirect, which reads all T positions."""

    steps: int
    senders: int | None
    batch: int = 8
    dim: int = 100

    @property
    def name(self) -> str:
        """As the table says it."""
        kind = "indirect" if self.senders is None else f"direct, {self.senders} senders"
        return f"{kind}, T={self.steps} B={self.batch} D={self.dim}"


CASES = [Case(20, None), Case(60, None), Case(20, 3), Case(60, 3), Case(60, 15)]


@dataclass(frozen=True)
class Timing:
    """Milliseconds of CPU time of one pass, over the rounds."""

    median: float
    least: float
    most: float


def passes(case: Case) -> dict[str, Callable[[], Tensor]]:
    """What is timed: each returns the states (B, T, D), made from the same parameters and inputs."""
    torch.manual_seed(0)
    lstm = nn.LSTM(case.dim, case.dim, batch_first=True)
    component = IndirectCommunicator if case.senders is None else DirectCommunicator
    lazy: Lazy[Communicator] = Lazy.of(component)
    communicator: Any = lazy.build(input_dim=case.dim, state_dim=case.dim, tasks=["a", "b"])
    gate = Channel(communicator, case.dim).gate
    inputs_BTE = torch.randn(case.batch, case.steps, case.dim, requires_grad=True)
    shape = (case.batch, case.steps) if case.senders is None else (case.batch, case.steps, case.senders)
    sources = torch.randn(*shape, case.dim).tanh().requires_grad_()
    mask_BT = torch.arange(case.steps) < torch.linspace(case.steps // 2, case.steps, case.batch).unsqueeze(1)

    def split() -> Tensor:
        memory = communicator.prepare(inputs_BTE, sources, mask_BT)
        return lstm_prime(inputs_BTE, lstm, lambda step, state_BD: communicator.step(step, state_BD, memory), gate)[0]

    def reference() -> Tensor:
        attention, own = communicator.attention, LstmWeights.of(lstm)
        parts = [attention.from_input.weight, attention.from_state.weight, attention.from_source.weight]
        scorer = ScorerWeights(torch.cat(parts, dim=1), attention.score.weight[0])
        fusion = FusionWeights(gate.gate_message.weight, gate.gate_cell.weight, gate.fusion.weight)
        if case.senders is None:
            return reference_indirect(inputs_BTE, sources.unbind(1), mask_BT, own, scorer, fusion)[0]
        senders = [states_BTD.unbind(1) for states_BTD in sources.unbind(2)]
        return reference_direct(inputs_BTE, senders, own, scorer, fusion)[0]

    def plain() -> Tensor:
        states_BTD: Tensor = lstm(inputs_BTE)[0]
        return states_BTD

    torch.testing.assert_close(split(), reference(), rtol=1e-4, atol=1e-5)
    return {"split": split, "reference": reference, "lstm": plain}


def seconds(run: Callable[[], Tensor], times: int) -> float:
    """CPU time of one forward and backward pass, the mean of so many."""
    started = time.process_time()
    for _ in range(times):
        run().sum().backward()  # type: ignore[no-untyped-call]  # untyped in torch
    return (time.process_time() - started) / times


def measure(case: Case, rounds: int) -> dict[str, Any]:
    """The timings of a case and their ratios, of medians and at their least and most in any round."""
    runs = passes(case)
    times = {name: ceil(SHORTEST / max(seconds(run, 1), 1e-6)) for name, run in runs.items()}
    found = [{name: seconds(run, times[name]) for name, run in runs.items()} for _ in range(rounds)]
    timings = {name: _timing(1000 * each[name] for each in found) for name in runs}

    def ratio(above: str, below: str) -> dict[str, float]:
        each = [one[above] / one[below] for one in found]
        of_medians = timings[above].median / timings[below].median
        return {"of_medians": round(of_medians, 3), "least": round(min(each), 3), "most": round(max(each), 3)}

    return {
        "case": {"name": case.name, **asdict(case)},
        "milliseconds": {name: asdict(timing) for name, timing in timings.items()},
        "split_over_lstm": ratio("split", "lstm"),
        "reference_over_split": ratio("reference", "split"),
    }


def _timing(milliseconds: Iterable[float]) -> Timing:
    values = sorted(milliseconds)
    return Timing(round(median(values), 3), round(values[0], 3), round(values[-1], 3))


def _range(ratio: dict[str, float]) -> str:
    return f"{ratio['of_medians']:.1f} ({ratio['least']:.1f} to {ratio['most']:.1f})"


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "threads": torch.get_num_threads(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "mtlkit": mtlkit.__version__,
    }


def main() -> None:
    """Measures every case, prints a line each and writes the result."""
    parser = argparse.ArgumentParser(description="Time the message-passing recurrence.")
    parser.add_argument("--rounds", type=int, default=5, help="timings of each variant; default 5")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the JSON goes")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    facts = {"made": datetime.now(UTC).isoformat(timespec="seconds"), "rounds": arguments.rounds, **machine()}
    cases = []
    for case in CASES:
        cases.append(measure(case, arguments.rounds))
        slower, faster = (_range(cases[-1][name]) for name in ("split_over_lstm", "reference_over_split"))
        print(f"{case.name:<36} split = {slower} x LSTM, reference = {faster} x split")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps({"machine": facts, "cases": cases}, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {arguments.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
