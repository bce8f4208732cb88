"""Epochs of a large run on 1, 8 and 1,000 GPUs, computed from the formulas of step_costs.py and stated assumptions.

Nothing here was run on more than one GPU. Taken from measurements are the turns of the recurrence on an H200
(results/gpu.json), and two rates of this processor for work that each rank repeats: digests and answers. The rest are
figures of data sheets, of which a share is assumed to be reached, and round numbers.
"""

import hashlib
import json
import pickle
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from math import ceil
from typing import Any

import torch
from measuring import RESULTS, interleaved
from step_costs import (
    NUMBER,
    Link,
    Setting,
    all_reduce_seconds,
    gradient_sizes,
    message_bytes,
    most_rows,
    ring_seconds,
    step_flops,
    texts_of_rank,
)

from mtlkit.training.evaluation import decisions_of_split

REACHED = 0.8
"""Share of a link's data sheet that all-reduces are assumed to reach, and of the memory's that optimizers do."""
PRODUCTS = 0.3
"""Share of the rate of products of a data sheet that is assumed for those of an LSTM's sizes."""
FP32, MEMORY = 67e12, 4.8e12
"""FLOP and bytes per second of an H200 (data sheet; bf16, dense: 989e12)."""
BF16 = 989e12
NVLINK, NETWORK = Link(2e-6, REACHED * 450e9), Link(5e-6, REACHED * 50e9)
"""NVLink 4 (900 GB/s both ways together), and 400 Gb/s for each GPU; the time of a hop is assumed."""
OF_A_MACHINE = 8
DISK = 1e9
"""Bytes per second at which the first rank writes a checkpoint; assumed."""
PASSES = 9
"""Times that a trained number is read or written: zeros, the norm, and Adam's seven."""
RANK_TEXTS, TRAIN_TEXTS, DEV_TEXTS = 64, 10_000_000, 200_000
MODEL = Setting("indirect", 16, 130, RANK_TEXTS, 300, 200, 400_000)
"""Of D=200 and T=130, since that was measured on an H200; the table has the size of GloVe's."""


@dataclass(frozen=True)
class Repeated:
    """What this processor needs for work that every rank does in full."""

    digest_bytes: float
    """Bytes per second of the digest by which ranks check that their weights are equal."""
    answer_seconds: float
    """To unpickle and name the answer of one text."""
    answer_bytes: float
    """Of one text's answer, pickled."""

    @classmethod
    def measured(cls) -> "Repeated":
        """Measures it, in CPU time."""
        block, labels = bytes(2**24), ["no", "yes"]
        batches = [(torch.arange(64) + 64 * number, torch.zeros(64, dtype=torch.int64)) for number in range(64)]
        pickled = pickle.dumps(batches)
        texts: Any = range(64 * 64)  # only its length is asked for

        def answer() -> None:
            decisions_of_split(texts, labels, pickle.loads(pickled))

        timings = interleaved({"digest": partial(hashlib.sha256, block), "answer": answer}, rounds=3)
        return cls(
            len(block) / timings.median("digest"), timings.median("answer") / len(texts), len(pickled) / len(texts)
        )


def turn_seconds() -> float:
    """Seconds of a word's turn on an H200, forward and backward: in the recurrence that reads, and in the mailbox."""
    found = json.loads((RESULTS / "gpu.json").read_text())["milliseconds"]["indirect T=130 B=64"]
    return float(found["graphs"]["median"] + found["lstm"]["median"]) / 1e3 / 130


def link_of(num_ranks: int) -> Link:
    """What connects so many ranks: within one machine NVLink, else the network."""
    return NVLINK if num_ranks <= OF_A_MACHINE else NETWORK


def own_seconds(setting: Setting, num_ranks: int) -> dict[str, float]:
    """What a rank computes in a step: turns of the recurrence, one after another, products, and passes over weights."""
    return {
        "recurrence": turn_seconds() * setting.num_words,
        "products": step_flops(setting, num_ranks) / (PRODUCTS * FP32),
        "weights": PASSES * NUMBER * sum(gradient_sizes(setting)) / (REACHED * MEMORY),
    }


def exchange_seconds(setting: Setting, num_ranks: int) -> float:
    """The all-reduces of a step as they are now: after the backward pass, and of the rows that some rank has read."""
    link = link_of(num_ranks)
    return sum(all_reduce_seconds(size, num_ranks, link) for size in message_bytes(setting, num_ranks))


def hierarchical_seconds(num_bytes: float, num_ranks: int) -> float:
    """An all-reduce within machines, of an eighth of it between them by each GPU, and within machines again."""
    machines = ceil(num_ranks / OF_A_MACHINE)
    between = all_reduce_seconds(num_bytes / OF_A_MACHINE, machines, NETWORK)
    return ring_seconds(num_bytes, min(num_ranks, OF_A_MACHINE), NVLINK) + between


def rows_bytes(setting: Setting, num_ranks: int) -> float:
    """Bytes of the rows of the word table that a rank's texts read, at most, with their numbers."""
    return texts_of_rank(setting, num_ranks) * setting.num_words * (NUMBER * setting.input_dim + 8)


def remedies(setting: Setting, num_ranks: int) -> dict[str, float]:
    """Seconds that the exchange of gradients would add to a step, as it is and in other forms."""
    link, sizes = link_of(num_ranks), gradient_sizes(setting)
    dense, others = NUMBER * sum(sizes), NUMBER * sum(sizes[1:])
    read = NUMBER * setting.input_dim * most_rows(setting) + others
    rest = hierarchical_seconds(others, num_ranks)
    backward = 2 / 3 * (own_seconds(setting, num_ranks)["recurrence"] + own_seconds(setting, num_ranks)["products"])
    hops, rows = (num_ranks - 1) * link.hop_seconds, rows_bytes(setting, num_ranks)
    return {
        "rows that some GPU has read, after the backward pass (as it is)": exchange_seconds(setting, num_ranks),
        "the same, within machines first": hierarchical_seconds(read, num_ranks),
        "the same, all of it hidden behind the backward pass": max(
            0.0, exchange_seconds(setting, num_ranks) - backward
        ),
        "all rows, after the backward pass": all_reduce_seconds(dense, num_ranks, link),
        "rows that each has read, gathered by all": rest + hops + (num_ranks - 1) * rows / link.bytes_per_second,
        "rows that each has read, each sent to the one rank that keeps it, and back": rest
        + 2 * (link.hop_seconds + rows / link.bytes_per_second),
    }


def most_ranks_for_rows(setting: Setting) -> int:
    """The most ranks for which gathered rows are fewer bytes than rows that are added up, by then the whole table."""
    dense = 2 * NUMBER * setting.num_rows * setting.input_dim
    return int(dense / rows_bytes(setting, 1))


@dataclass(frozen=True)
class Epoch:
    """Seconds of an epoch on so many GPUs."""

    num_ranks: int
    recurrence: float
    products: float
    weights: float
    exchange: float
    evaluation: float
    answers: float
    digest: float
    checkpoint: float

    @property
    def total(self) -> float:
        """Seconds."""
        return sum(self.parts().values())

    def parts(self) -> dict[str, float]:
        """Seconds of each part."""
        return {name: value for name, value in asdict(self).items() if name != "num_ranks"}


def epoch_of(setting: Setting, num_ranks: int, repeated: Repeated) -> Epoch:
    """An epoch of a setting whose batches are those of all ranks together."""
    steps = ceil(TRAIN_TEXTS / setting.num_texts)
    own = own_seconds(setting, num_ranks)
    passes = ceil(DEV_TEXTS / num_ranks / texts_of_rank(setting, num_ranks))
    trained = NUMBER * sum(gradient_sizes(setting))
    gathered = DEV_TEXTS * repeated.answer_bytes / link_of(num_ranks).bytes_per_second
    return Epoch(
        num_ranks,
        **{name: steps * seconds for name, seconds in own.items()},
        exchange=steps * exchange_seconds(setting, num_ranks),
        evaluation=passes * (own["recurrence"] + own["products"]) / 3,
        answers=DEV_TEXTS * repeated.answer_seconds + (gathered if num_ranks > 1 else 0),
        digest=trained / repeated.digest_bytes if num_ranks > 1 else 0,
        checkpoint=3 * trained / DISK,
    )


NAMES = {
    "recurrence": "recurrence, a turn for each word",
    "products": "products",
    "weights": "passes over weights and Adam's moments",
    "exchange": "exchange of gradients",
    "evaluation": "scoring dev texts, shared",
    "answers": "gathering answers, by each rank in full",
    "digest": "digest of the weights, by each rank in full",
    "checkpoint": "checkpoint, by the first rank",
}
RANKS = (1, 8, 1000)


def page_of_clusters() -> tuple[dict[str, Any], str]:
    """All figures, and the part of docs/scale.md about GPUs."""
    repeated = Repeated.measured()
    epochs = [epoch_of(replace(MODEL, num_texts=number * RANK_TEXTS), number, repeated) for number in RANKS]
    forms = {number: remedies(replace(MODEL, num_texts=number * RANK_TEXTS), number) for number in RANKS[1:]}
    small = [epoch_of(MODEL, number, repeated) for number in RANKS]
    lines = [*_of_epochs(epochs), "", *_of_remedies(forms), "", *_in_words(epochs, small, repeated)]
    return {"epochs": [asdict(epoch) for epoch in epochs], "exchange": forms, **asdict(repeated)}, "\n".join(lines)


def _of_epochs(epochs: list[Epoch]) -> Iterator[str]:
    yield (
        f"An epoch of {TRAIN_TEXTS:,} texts and {DEV_TEXTS:,} dev texts on H200s, each with {RANK_TEXTS} texts of a "
        f"batch ({MODEL}), computed:"
    )
    yield ""
    yield "| seconds of an epoch | " + " | ".join(f"{epoch.num_ranks:,} GPU" for epoch in epochs) + " |"
    yield "|---|" + "---|" * len(epochs)
    for part, name in NAMES.items():
        yield f"| {name} | " + " | ".join(f"{epoch.parts()[part]:,.2f}" for epoch in epochs) + " |"
    yield "| all | " + " | ".join(f"{epoch.total:,.1f}" for epoch in epochs) + " |"
    times = (epochs[0].total / epoch.total for epoch in epochs)
    yield "| times as fast as one | " + " | ".join(f"{each:,.1f}" for each in times) + " |"


def _of_remedies(forms: dict[int, dict[str, float]]) -> Iterator[str]:
    yield "| what the exchange adds to a step, milliseconds | " + " | ".join(f"{each:,} GPU" for each in forms) + " |"
    yield "|---|" + "---|" * len(forms)
    for form in next(iter(forms.values())):
        yield f"| {form} | " + " | ".join(f"{1e3 * found[form]:,.1f}" for found in forms.values()) + " |"


def _in_words(epochs: list[Epoch], small: list[Epoch], repeated: Repeated) -> Iterator[str]:
    many = epochs[-1]
    serial = {name: many.parts()[name] for name in ("exchange", "checkpoint", "digest", "answers")}
    lost = sorted(serial, key=lambda name: -serial[name])
    shares = ", ".join(f"{NAMES[name]} {100 * serial[name] / many.total:.0f} %" for name in lost)
    yield f"Of an epoch on {many.num_ranks:,} GPUs, largest first: {shares}."
    yield (
        f"If the whole batch stays at {RANK_TEXTS} texts, {small[1].num_ranks} GPUs are "
        f"{small[0].total / small[1].total:.2f} times as fast as one, and {small[2].num_ranks:,} "
        f"{small[0].total / small[2].total:.2f} times. Gathered rows are fewer bytes than added up ones up to "
        f"{most_ranks_for_rows(MODEL)} GPUs. bf16 would save {1e3 * _saved_by_bf16():.1f} ms of a step's "
        f"{1e3 * sum(own_seconds(MODEL, 1).values()):.1f}."
    )
    yield (
        f"Assumed: products at {100 * PRODUCTS:.0f} % of {FP32 / 1e12:.0f} TFLOP/s (fp32; bf16 {BF16 / 1e12:.0f}), "
        f"memory at {100 * REACHED:.0f} % of {MEMORY / 1e12:g} TB/s, NVLink at {100 * REACHED:.0f} % of 450 GB/s each "
        f"way and {1e6 * NVLINK.hop_seconds:g} us a hop, a network at {100 * REACHED:.0f} % of 400 Gb/s for each GPU "
        f"and {1e6 * NETWORK.hop_seconds:g} us a hop, checkpoints at {DISK / 1e9:g} GB/s. Measured: "
        f"{1e3 * turn_seconds():.2f} ms a word's turn (one H200), and on this processor digests at "
        f"{repeated.digest_bytes / 1e9:.2f} GB/s and {1e6 * repeated.answer_seconds:.2f} us for each answer."
    )


def _saved_by_bf16() -> float:
    return step_flops(MODEL) / PRODUCTS * (1 / FP32 - 1 / BF16)
