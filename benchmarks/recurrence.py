"""How dear the message-passing recurrence is: `python benchmarks/recurrence.py`, about a minute.

Times one forward and backward pass of LSTM' over one batch in the ways that recurrence_cases.py lists, and holds the
ratios to targets. Gradients go to the inputs, the sources and every parameter. Time is the process's CPU time with
one thread, so that other work on the machine disturbs it little, and the ways take turns within every round, so that
what does disturb them hits all alike. Only ratios from one run compare; between runs they move by 15 to 20 %, and
within 20 % of a target counts as reached. Memory is what a fresh process grows by in one pass.

The floor of a case is its products, counted in `split`, which does nothing twice, at the best rate of products, and a
copy of the numbers of which scores take hyperbolic tangents.
"""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from floors import copy_rate, counted_flops, over_floor, product_rate
from measuring import Row, Timings, at_least, at_most, command_line, interleaved, write_result
from recurrence_cases import Case, RecurrenceInputs
from torch import Tensor

SHORT, LONG, FEW, MANY = Case(20), Case(130), Case(130, tasks=4), Case(130, tasks=16)
CASES = [SHORT, LONG, FEW, MANY]
AGAINST = "recurrence against a literal implementation of the paper"
OVER = "recurrence over torch.nn.LSTM"


def measure(case: Case, rounds: int) -> Timings:
    """Times of a pass, by way. All ways must give the same states first."""
    batch = RecurrenceInputs(case)
    ways = batch.ways()
    with torch.no_grad():
        expected_BTD = ways["naive"]()
        for name in ways.keys() - {"lstm"}:
            torch.testing.assert_close(ways[name](), expected_BTD, rtol=1e-4, atol=1e-5)
    return interleaved({name: partial(_pass, batch, run) for name, run in ways.items()}, rounds)


def floor(case: Case) -> float:
    """Seconds of a forward and a backward pass, as the docstring says."""
    batch = RecurrenceInputs(case)
    flops = counted_flops(partial(_pass, batch, batch.ways()["split"]))
    sources = case.steps if case.tasks is None else case.tasks - 1
    tangents = case.batch * case.steps * sources * batch.communicator.attention.score.in_features
    return flops / product_rate() + 8 * tangents / copy_rate()


def _pass(batch: RecurrenceInputs, run: Callable[[], Tensor]) -> None:
    batch.backward(run())


def grown_by(case: Case, way: str) -> float:
    """MiB that a process of its own grows by at most in one pass."""
    sizes = map(str, (case.steps, case.tasks or 0, case.batch, case.dim))
    command = [sys.executable, __file__, "--memory", way, *sizes]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def print_growth(way: str, length: int, tasks: int, batch: int, dim: int) -> None:
    """What `grown_by` runs in the other process."""
    small, large = (
        RecurrenceInputs(Case(steps, tasks or None, *sizes)) for steps, sizes in ((2, (2, 4)), (length, (batch, dim)))
    )
    small.backward(small.ways()[way]())  # libraries set themselves up
    run = large.ways()[way]
    before = resident("VmRSS")
    large.backward(run())
    print(resident("VmHWM") - before)


def resident(field: str) -> float:
    """MiB that are in memory now (VmRSS) or were at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def judge(timings: dict[Case, Timings], memory: dict[str, float], floors: dict[Case, float]) -> list[Row]:
    """The targets of what this machine has; it may have no compiler."""
    speedups = [(LONG, "pure", 8), (LONG, "compiled", 20), (SHORT, "pure", 3.5), (SHORT, "compiled", 7)]
    speedups += [(FEW, "pure", 4), (FEW, "compiled", 8), (MANY, "pure", 6), (MANY, "compiled", 10)]
    costs = [(LONG, "pure", 9), (LONG, "compiled", 3), (FEW, "compiled", 2.3), (MANY, "compiled", 4.2)]
    rows = [
        over_floor(
            at_least(f"`{way}` {AGAINST}", case.name, timings[case].ratio("naive", way), target),
            timings[case].median(way),
            floors[case],
        )
        for case, way, target in speedups
        if way in timings[case].seconds
    ]
    rows += [
        at_most(f"`{way}` {OVER}", case.name, timings[case].ratio(way, "lstm"), target)
        for case, way, target in costs
        if way in timings[case].seconds
    ]
    rows += [
        at_most(f"memory of `{way}` {OVER}", LONG.name, memory[way] / memory["lstm"], target)
        for way, target in (("pure", 3), ("compiled", 2))
        if way in memory
    ]
    return rows


def main() -> None:
    """Measures every case, prints the rows and writes the result."""
    if sys.argv[1:2] == ["--memory"]:
        torch.set_num_threads(1)
        return print_growth(sys.argv[2], *map(int, sys.argv[3:]))
    arguments = command_line(__doc__, "recurrence", rounds=3)
    timings = {case: measure(case, arguments.rounds) for case in CASES}
    memory = {way: round(grown_by(LONG, way), 1) for way in timings[LONG].seconds}
    floors = {case: floor(case) for case in CASES}
    milliseconds = {case.name: found.milliseconds() for case, found in timings.items()}
    write_result(arguments, judge(timings, memory, floors), milliseconds=milliseconds, memory_mebibytes=memory)


if __name__ == "__main__":
    main()
