"""The recurrences on a CUDA device: `make bench-gpu`, under 4 minutes.

First every way of recurrence_cases.py must give what the plain way gives, states and gradients, in float64 and in
float32. Then one forward and backward pass is timed between two events on the device, many times, the ways taking
turns; ratios are of medians. `lstm` is cuDNN's. The networks of direct communication that only send are timed apart:
side by side in one recurrence against one `torch.nn.LSTM` after the other. TF32 is off throughout.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from measuring import Row, Timings, at_most, command_line, untargeted, write_result
from recurrence_cases import Case, RecurrenceInputs
from torch import Tensor, nn

from mtlkit.kernels.side_by_side import run_side_by_side

SMALL = [Case(7, None, 3, 6), Case(19, None, 2, 20), Case(7, 3, 3, 6), Case(19, 5, 2, 20)]
TIMED = [Case(130, tasks, batch) for tasks in (None, 4) for batch in (8, 64)]
SENDERS = [(4, 130, 8), (4, 130, 64), (16, 130, 8)]
ERRORS = {torch.float64: 1e-10, torch.float32: 1e-4}
"""Largest error of a whole tensor, relative to its norm."""
TARGET = 5.0
"""Most time of graphs over that of cuDNN's LSTM."""


def gradients(batch: RecurrenceInputs, run: Callable[[], Tensor]) -> list[Tensor]:
    """The states and every gradient of a generic scalar."""
    states_BTD = run()
    generic = torch.arange(1, states_BTD.numel() + 1, device=states_BTD.device).view(states_BTD.shape).sin()
    return [states_BTD.detach(), *torch.autograd.grad((states_BTD * generic).sum(), batch.leaves())]


def error(actual: list[Tensor], expected: list[Tensor]) -> float:
    """The largest relative error of a tensor."""
    pairs = zip(actual, expected, strict=True)
    return max(float((one.double() - other.double()).norm() / other.double().norm()) for one, other in pairs)


def equality() -> list[dict[str, Any]]:
    """Errors of every way against the naive one in float64. Raises AssertionError where one is too large."""
    found = []
    for case in SMALL:
        exact = RecurrenceInputs(case, "cuda", torch.float64)
        expected = gradients(exact, exact.ways()["naive"])
        for dtype, most in ERRORS.items():
            batch = RecurrenceInputs(case, "cuda", dtype)
            with torch.no_grad():
                for leaf, single in zip(exact.leaves(), batch.leaves(), strict=True):
                    leaf.copy_(single)
            expected = gradients(exact, exact.ways()["naive"])
            for name, run in batch.ways().items():
                if name == "lstm":
                    continue
                errors = [error(gradients(batch, run), expected) for _ in range(2)]  # captured, then replayed
                found.append({"case": case.name, "way": name, "dtype": str(dtype), "error": max(errors)})
                assert max(errors) <= most, found[-1]
    return found


def on_the_device(runs: dict[str, Callable[[], object]], rounds: int) -> Timings:
    """The time on the device of each, in turns, between two events."""
    for run in runs.values():
        for _ in range(3):
            run()
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
            start.record()
            run()
            end.record()
            end.synchronize()
            found[name].append(start.elapsed_time(end) / 1000)
    return Timings(found)


def recurrences(rounds: int) -> dict[Case, Timings]:
    """Times of a pass of LSTM', given its sources, and of cuDNN's LSTM."""
    found = {}
    for case in TIMED:
        batch = RecurrenceInputs(case, "cuda")
        ways = {name: run for name, run in batch.ways().items() if name != "naive"}
        found[case] = on_the_device({name: partial(_pass, batch, run) for name, run in ways.items()}, rounds)
    return found


def _pass(batch: RecurrenceInputs, run: Callable[[], Tensor]) -> None:
    batch.backward(run())


def senders(rounds: int) -> dict[str, Timings]:
    """Times of K plain LSTMs over the same batch."""
    found = {}
    for number, steps, size in SENDERS:
        lstms = [nn.LSTM(200, 200, batch_first=True).cuda() for _ in range(number)]
        inputs_BTE = torch.randn(size, steps, 200, device="cuda", requires_grad=True)
        runs = {"side by side": _side_by_side, "one by one": _one_by_one}
        times = on_the_device({name: partial(run, lstms, inputs_BTE) for name, run in runs.items()}, rounds)
        found[f"{number} networks T={steps} B={size}"] = times
    return found


def _side_by_side(lstms: list[nn.LSTM], inputs_BTE: Tensor) -> None:
    _back(lstms, inputs_BTE, run_side_by_side(lstms, inputs_BTE.expand(len(lstms), -1, -1, -1)))


def _one_by_one(lstms: list[nn.LSTM], inputs_BTE: Tensor) -> None:
    _back(lstms, inputs_BTE, [lstm(inputs_BTE)[0] for lstm in lstms])


def _back(lstms: list[nn.LSTM], inputs_BTE: Tensor, states: Sequence[Tensor]) -> None:
    leaves = [inputs_BTE, *(parameter for lstm in lstms for parameter in lstm.parameters())]
    torch.autograd.grad(torch.stack(list(states)).sum(), leaves)


def judge(found: dict[Case, Timings], together: dict[str, Timings]) -> list[Row]:
    """Graphs have a target; what they gain over the others is told, and what Triton kernels do."""
    rows = [
        at_most("`graphs` recurrence over cuDNN's LSTM, GPU", case.name, times.ratio("graphs", "lstm"), TARGET)
        for case, times in found.items()
    ]
    rows += [
        untargeted("`graphs` recurrence against `pure`, GPU", case.name, times.ratio("pure", "graphs"))
        for case, times in found.items()
    ]
    for rival in ("lstm", "graphs"):
        name = {"lstm": "cuDNN's LSTM", "graphs": "`graphs`"}[rival]
        rows += [
            untargeted(f"`triton` recurrence over {name}, GPU", case.name, times.ratio("triton", rival))
            for case, times in found.items()
            if "triton" in times.seconds
        ]
    rows += [
        untargeted("LSTMs side by side against one by one, GPU", name, times.ratio("one by one", "side by side"))
        for name, times in together.items()
    ]
    return rows


def main() -> None:
    """Checks, measures, prints the rows and writes the result."""
    arguments = command_line(__doc__, "gpu", rounds=50)
    if not torch.cuda.is_available():
        sys.exit("there is no CUDA device")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    errors = equality()
    found, together = recurrences(arguments.rounds), senders(arguments.rounds)
    milliseconds = {case.name: times.milliseconds() for case, times in found.items()}
    milliseconds |= {name: times.milliseconds() for name, times in together.items()}
    write_result(arguments, judge(found, together), milliseconds=milliseconds, equality=errors)


if __name__ == "__main__":
    main()
