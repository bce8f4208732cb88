"""The recurrences on a CUDA device: `make bench-gpu`, under 4 minutes.

First every way of recurrence_cases.py must give what the plain way gives, states and gradients, in float64 and in
float32. Then one forward and backward pass is timed between two events on the device, many times, the ways taking
turns; ratios are of medians. `lstm` is cuDNN's. The networks of direct communication that only send are timed apart:
side by side in one recurrence against one `torch.nn.LSTM` after the other. TF32 is off throughout.
"""

import argparse
import json
import platform
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from recurrence_cases import Batch, Case
from torch import Tensor, nn

import mtlkit
from mtlkit.kernels.side_by_side import run_side_by_side

OUTPUT = Path(__file__).parent / "results" / "gpu.json"
SMALL = [Case(7, None, 3, 6), Case(19, None, 2, 20), Case(7, 3, 3, 6), Case(19, 5, 2, 20)]
TIMED = [Case(130, tasks, batch) for tasks in (None, 4) for batch in (8, 64)]
SENDERS = [(4, 130, 8), (4, 130, 64), (16, 130, 8)]
ERRORS = {torch.float64: 1e-10, torch.float32: 1e-4}
"""Largest error of a whole tensor, relative to its norm."""
TARGETS = {"graphs": 5.0}
"""Largest time over that of cuDNN's LSTM."""


def gradients(batch: Batch, run: Callable[[], Tensor]) -> list[Tensor]:
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
        exact = Batch(case, "cuda", torch.float64)
        expected = gradients(exact, exact.ways()["naive"])
        for dtype, most in ERRORS.items():
            batch = Batch(case, "cuda", dtype)
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


def milliseconds(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, dict[str, float]]:
    """The time on the device of each, in turns."""
    for run in runs.values():
        for _ in range(3):
            run()
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            run()
            end.record()
            end.synchronize()
            found[name].append(start.elapsed_time(end))
    return {
        name: {"median": round(median(each), 4), "least": round(min(each), 4), "most": round(max(each), 4)}
        for name, each in found.items()
    }


def recurrences(rounds: int) -> list[dict[str, Any]]:
    """Times of a pass of LSTM', given its sources, and over cuDNN's LSTM."""
    rows = []
    for case in TIMED:
        batch = Batch(case, "cuda")
        ways = {name: run for name, run in batch.ways().items() if name != "naive"}
        times = milliseconds({name: partial(_pass, batch, run) for name, run in ways.items()}, rounds)
        ratios = {name: round(time["median"] / times["lstm"]["median"], 2) for name, time in times.items()}
        rows.append({"case": case.name, "milliseconds": times, "over_lstm": ratios})
        verdicts = [
            f"{name} {ratio:.2f}{_verdict(ratio, TARGETS[name]) if name in TARGETS else ''}"
            for name, ratio in ratios.items()
        ]
        print(f"{case.name:<24} x cuDNN LSTM ({times['lstm']['median']:.2f} ms):", ", ".join(verdicts), flush=True)
    return rows


def _pass(batch: Batch, run: Callable[[], Tensor]) -> None:
    batch.backward(run())


def _verdict(ratio: float, target: float) -> str:
    reached = "reached" if ratio <= target else "within 20 %" if ratio <= 1.2 * target else "short"
    return f" (<= {target:g}: {reached})"


def senders(rounds: int) -> list[dict[str, Any]]:
    """Times of K plain LSTMs over the same batch."""
    rows = []
    for number, steps, size in SENDERS:
        lstms = [nn.LSTM(200, 200, batch_first=True).cuda() for _ in range(number)]
        inputs_BTE = torch.randn(size, steps, 200, device="cuda", requires_grad=True)
        runs = {"side by side": _side_by_side, "one by one": _one_by_one}
        times = milliseconds({name: partial(run, lstms, inputs_BTE) for name, run in runs.items()}, rounds)
        speedup = round(times["one by one"]["median"] / times["side by side"]["median"], 2)
        name = f"{number} networks T={steps} B={size}"
        rows.append({"case": name, "milliseconds": times, "speedup": speedup})
        print(f"{name:<24} one by one / side by side: {speedup:.2f}", flush=True)
    return rows


def _side_by_side(lstms: list[nn.LSTM], inputs_BTE: Tensor) -> None:
    _back(lstms, inputs_BTE, run_side_by_side(lstms, inputs_BTE.expand(len(lstms), -1, -1, -1)))


def _one_by_one(lstms: list[nn.LSTM], inputs_BTE: Tensor) -> None:
    _back(lstms, inputs_BTE, [lstm(inputs_BTE)[0] for lstm in lstms])


def _back(lstms: list[nn.LSTM], inputs_BTE: Tensor, states: Sequence[Tensor]) -> None:
    leaves = [inputs_BTE, *(parameter for lstm in lstms for parameter in lstm.parameters())]
    torch.autograd.grad(torch.stack(list(states)).sum(), leaves)


def main() -> None:
    """Checks, measures, prints a line per case and writes the result."""
    parser = argparse.ArgumentParser(description="Check and time the recurrences on a CUDA device.")
    parser.add_argument("--rounds", type=int, default=50, help="timings of each way; default 50")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the JSON goes")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("there is no CUDA device")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    result: dict[str, Any] = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": torch.cuda.get_device_name(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "cudnn": torch.backends.cudnn.version(),
        "mtlkit": mtlkit.__version__,
        "rounds": arguments.rounds,
        "equality": equality(),
    }
    worst = {dtype: max(row["error"] for row in result["equality"] if row["dtype"] == str(dtype)) for dtype in ERRORS}
    print("equality: largest error", ", ".join(f"{dtype} {each:.1e}" for dtype, each in worst.items()), flush=True)
    result["recurrences"], result["senders"] = recurrences(arguments.rounds), senders(arguments.rounds)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {arguments.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
