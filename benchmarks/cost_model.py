"""How well the time of a step that two processes share is predicted from its FLOP, bytes and messages: a minute.

Two processes with one thread each measure, by the clock and at the same time, steps of `ALONE` without any exchange,
and all-reduces of gradients of several sizes. Fitted to these are the seconds for a FLOP, for a hyperbolic tangent of a
scorer, for a word's turn in a network, for a number that is trained, and for the step as such; and of the exchange,
those for a hop and for a byte. The model then predicts the whole steps of `TOGETHER`, which two processes share, of
other sizes than those that it was fitted on. The last part, for GPUs, is computed and not measured: cluster_costs.py.

Of each measurement the fastest of all rounds counts, in the slower of both processes. The machine must have two idle
cores; the result says how busy it was.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from statistics import mean, median
from typing import Any

import numpy
import torch
from cluster_costs import page_of_clusters
from measuring import command_line, machine, untargeted, write_result
from scipy.optimize import nnls
from shared_step import in_processes, num_read, step_of
from step_costs import (
    Link,
    Setting,
    gradient_sizes,
    message_bytes,
    num_networks,
    ring_seconds,
    scored_numbers,
    step_flops,
)

ALONE = [
    Setting("shared", 4, 20, 8, 100, 100, 2_000),
    Setting("shared", 4, 80, 16, 100, 100, 2_000),
    Setting("shared", 4, 20, 8, 100, 100, 30_000),
    Setting("shared", 4, 40, 8, 100, 250, 2_000),
    Setting("indirect", 4, 20, 8, 100, 100, 2_000),
    Setting("indirect", 4, 60, 8, 100, 100, 10_000),
    Setting("indirect", 4, 40, 16, 100, 200, 2_000),
    Setting("direct", 4, 20, 8, 100, 100, 2_000),
    Setting("direct", 8, 40, 8, 100, 100, 2_000),
    Setting("direct", 4, 60, 16, 100, 150, 10_000),
]
"""Batches of one process."""
TOGETHER = [
    Setting("shared", 4, 50, 32, 100, 150, 5_000),
    Setting("shared", 4, 30, 16, 100, 100, 50_000),
    Setting("indirect", 8, 30, 32, 100, 100, 5_000),
    Setting("indirect", 8, 50, 24, 100, 150, 20_000),
    Setting("direct", 6, 30, 32, 100, 100, 5_000),
    Setting("direct", 3, 50, 16, 100, 200, 20_000),
]
"""Batches that two processes share; none is in `ALONE` with half as many texts."""
SIZES = [1, 10_000, 100_000, 500_000, 2_000_000, 5_000_000]
"""Numbers of a gradient that is exchanged."""
FITTED = ("FLOP", "tanh", "word", "number", "step")
"""What the fitted seconds are for, in the order of `amounts`."""
SHORTEST = 0.15
"""Seconds that one measurement lasts at least."""


def amounts(setting: Setting, num_ranks: int = 1) -> list[float]:
    """What a rank's share of a step consists of, one amount for each of the fitted seconds."""
    turns = setting.num_words * num_networks(setting)
    scored = scored_numbers(setting, num_ranks)
    return [step_flops(setting, num_ranks), scored, turns, sum(gradient_sizes(setting)), 1]


def fitted(rows: Sequence[Sequence[float]], seconds: Sequence[float]) -> list[float]:
    """Coefficients, none below zero, whose products with the rows come nearest to the seconds, by relative error."""
    scaled = numpy.array(rows, dtype=float) / numpy.array(seconds)[:, None]
    largest = scaled.max(axis=0)
    found, _ = nnls(scaled / largest, numpy.ones(len(rows)))
    return [float(each) for each in found / largest]


def link_of(seconds: Sequence[float]) -> Link:
    """The link of two ranks, from the time of an exchange of gradients of `SIZES` numbers."""
    rows = [[4.0, 4.0 * (size + 1) + 2] for size in SIZES]  # two messages, with a heading of two bytes
    hop, byte = fitted(rows, seconds)
    return Link(hop, 1 / byte)


def own_seconds(setting: Setting, num_ranks: int, coefficients: Sequence[float]) -> float:
    """What a rank computes in a step."""
    each = zip(coefficients, amounts(setting, num_ranks), strict=True)
    return sum(coefficient * amount for coefficient, amount in each)


def exchange_seconds(setting: Setting, num_ranks: int, link: Link) -> float:
    """What the messages of a step take."""
    return sum(ring_seconds(size, num_ranks, link) for size in message_bytes(setting, num_ranks, num_read(setting)))


def exchange_of(group: Any, size: int) -> Callable[[], object]:
    """An exchange of one gradient of so many numbers, as a step has it."""
    parameter = torch.nn.Parameter(torch.zeros(size))
    sound = torch.ones((), dtype=torch.bool)

    def exchange() -> None:
        parameter.grad = torch.zeros(size)
        group.sum_gradients([parameter], sound)

    return exchange


def timed(group: Any, rounds: int) -> dict[str, list[float]]:
    """Seconds of everything, each the median of its calls in one round; all processes measure the same at a time."""
    measured = {f"alone {setting}": step_of(setting) for setting in ALONE}
    measured |= {f"together {setting}": step_of(setting, group) for setting in TOGETHER}
    measured |= {f"exchange {size}": exchange_of(group, size) for size in SIZES}
    times = {}
    for name, call in measured.items():
        call()
        microseconds = int(1e6 * min(seconds_of(call) for _ in range(2)))
        # The same number in all processes: what they do together must happen as often.
        times[name] = max(3, int(SHORTEST * 1e6 / max(1, group.least(microseconds))))
    found: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(rounds):
        for name, call in measured.items():
            group.least(0)
            found[name].append(median(seconds_of(call) for _ in range(times[name])))
    return found


def seconds_of(call: Callable[[], object]) -> float:
    """Seconds that a function takes by the clock."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def compared(seconds: dict[str, float], coefficients: Sequence[float], link: Link) -> list[dict[str, Any]]:
    """Each step that two processes share: predicted beside measured, in milliseconds."""
    found = []
    for setting in TOGETHER:
        exchanged = exchange_seconds(setting, 2, link)
        messages = message_bytes(setting, 2, num_read(setting))
        predicted = own_seconds(setting, 2, coefficients) + exchanged
        measured = seconds[f"together {setting}"]
        found.append(
            {
                "setting": str(setting),
                "mflop": step_flops(setting, 2) / 1e6,
                "megabytes": sum(messages) / 1e6,
                "messages": len(messages),
                "predicted": 1e3 * predicted,
                "exchange": 1e3 * exchanged,
                "measured": 1e3 * measured,
                "error": 100 * (predicted / measured - 1),
            }
        )
    return found


def page_of_fit(found: Sequence[dict[str, Any]], coefficients: Sequence[float], link: Link) -> Iterator[str]:
    """The lines of docs/scale.md about what was measured."""
    flop, tanh, word, number, step = coefficients
    facts = machine()
    errors = [abs(row["error"]) for row in found]
    yield (
        f"Fitted on {facts['processor']} (two processes of one thread each, gloo, load average "
        f"{facts['load_average'][0]:.1f}): {1e12 * flop:.3g} us per MFLOP, {1e9 * tanh:.3g} ns per tanh of a scorer, "
        f"{1e6 * word:.3g} us per word and network, {1e9 * number:.3g} ns per trained number, {1e3 * step:.3g} ms per "
        f"step; in all-reduces {1e6 * link.hop_seconds:.3g} us per hop and {link.bytes_per_second / 1e9:.3g} GB/s. "
        f"Steps of two processes, of sizes that nothing was fitted on, are predicted with a mean error of "
        f"{mean(errors):.0f} % (at most {max(errors):.0f} %):"
    )
    yield ""
    yield "| step of two processes | MFLOP each | MB each | messages | ms predicted | exchange | measured | error |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in found:
        yield (
            f"| {row['setting']} | {row['mflop']:,.0f} | {row['megabytes']:.2f} | {row['messages']} "
            f"| {row['predicted']:.1f} | {row['exchange']:.1f} | {row['measured']:.1f} | {row['error']:+.0f} % |"
        )


def main() -> None:
    """Measures, fits, predicts, and writes the result with the section of docs/scale.md."""
    arguments = command_line(__doc__, "cost_model", rounds=3)
    step_of(ALONE[4])()  # compiles kernels where the cache has none
    both = in_processes(timed, arguments.rounds)
    seconds = {name: max(min(one[name]) for one in both) for name in both[0]}
    alone = [seconds[f"alone {setting}"] for setting in ALONE]
    coefficients = fitted([amounts(setting) for setting in ALONE], alone)
    link = link_of([seconds[f"exchange {size}"] for size in SIZES])
    found = compared(seconds, coefficients, link)
    errors = [abs(row["error"]) for row in found]
    own = [
        100 * abs(own_seconds(setting, 1, coefficients) / measured - 1)
        for setting, measured in zip(ALONE, alone, strict=True)
    ]
    rows = [
        untargeted("error of the steps that the cost model was fitted on", "10 settings", mean(own), unit=" %"),
        untargeted("error of predicted steps of two processes, mean", "6 other settings", mean(errors), unit=" %"),
        untargeted("error of predicted steps of two processes, most", "6 other settings", max(errors), unit=" %"),
    ]
    clusters, page = page_of_clusters()
    page = "\n".join([*page_of_fit(found, coefficients, link), "", page])
    print(page)
    fit = {**dict(zip(FITTED, coefficients, strict=True)), "hop": link.hop_seconds, "bytes": link.bytes_per_second}
    write_result(arguments, rows, fit=fit, predictions=found, seconds=seconds, clusters=clusters, page=page)


if __name__ == "__main__":
    main()
