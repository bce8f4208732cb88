"""What a training step costs: FLOP, messages and bytes, as functions of the sizes of model, batch and run.

    setting = Setting("indirect", 16, num_words=130, num_texts=512, input_dim=300, hidden_dim=200, num_rows=400_000)
    step_flops(setting, num_ranks=8)          # of the products that one rank computes
    sum(message_bytes(setting, num_ranks=8))  # that a rank puts into all-reduces

A step is what `mtlkit train --processes N` does with one batch of one task: N ranks each compute B / N of its texts and
exchange two kinds of messages by all-reduce, in this order: a heading of bytes, which says whether a signal has come,
which parameters have gradients and which rows of the word table the batch has; and in one or a few buckets these rows
of the table's gradient, the other gradients on the way of that task, whether all is finite, and the loss. Texts all
have T words, so nothing is padded. Schemes that add losses of a whole batch, such as a discriminator's, exchange states
besides; this is left out.

Letters in the formulas: K tasks, T words of a text, B texts of a batch, E dimensions of a word, D of a state (and of
the scorer of messages), V rows of the word table, M of them that the batch has, L labels, N ranks.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, log2
from typing import Literal

NUMBER = 4
"""Bytes of a number in float32."""
SMALLEST_TABLE = 2**16
"""Numbers of a word table from which on rows are exchanged, `mtlkit.training.shared_tables.SMALLEST` of CPUs."""


@dataclass(frozen=True)
class Setting:
    """The sizes of a model, its tasks and its batches.

    Attributes:
        scheme: `shared`, one LSTM for all tasks; `indirect`, IC-MTL, or `direct`, DC-MTL (Liu et al. 2019).
        num_tasks: K.
        num_words: T.
        num_texts: B, of the whole batch.
        input_dim: E.
        hidden_dim: D.
        num_rows: V, of which the optimizer trains every one.
        num_labels: L of each task.
    """

    scheme: Literal["shared", "indirect", "direct"]
    num_tasks: int
    num_words: int
    num_texts: int
    input_dim: int
    hidden_dim: int
    num_rows: int
    num_labels: int = 2

    def __str__(self) -> str:
        sizes = f"K={self.num_tasks} T={self.num_words} B={self.num_texts} E={self.input_dim} D={self.hidden_dim}"
        return f"{self.scheme} {sizes} V={self.num_rows:,}"


def texts_of_rank(setting: Setting, num_ranks: int) -> int:
    """Texts of the batch that the busiest rank computes: B / N, rounded up."""
    return ceil(setting.num_texts / num_ranks)


def num_networks(setting: Setting) -> int:
    """LSTMs that run for a batch of one task: one; with the mailbox two; with every task's as a sender K."""
    return {"shared": 1, "indirect": 2, "direct": setting.num_tasks}[setting.scheme]


def num_sources(setting: Setting) -> int:
    """States that a word's message is read from: all T positions of the mailbox, or the K - 1 other tasks' states."""
    return {"shared": 0, "indirect": setting.num_words, "direct": setting.num_tasks - 1}[setting.scheme]


def scored_numbers(setting: Setting, num_ranks: int = 1) -> int:
    """Hyperbolic tangents of one rank's scorer in the forward pass: B T S D with S sources. They are no products."""
    texts = texts_of_rank(setting, num_ranks)
    return texts * setting.num_words * num_sources(setting) * setting.hidden_dim


def step_flops(setting: Setting, num_ranks: int = 1) -> int:
    """FLOP of all products of one rank's forward and backward pass, a multiplication and an addition being two.

    The backward pass takes twice the forward pass, less the gradient of the initial states, which are constant. That is
    8 B T D (E + D) forward for each LSTM, and for messages 2 B T D E of the scorer's input, 2 B T D D for each of its
    state and the gate's three products, 2 B M D D of its keys with M states that are read, and 4 B T S D for S sources.
    """
    batch, words = texts_of_rank(setting, num_ranks), setting.num_words
    inputs, hidden = setting.input_dim, setting.hidden_dim
    forward = num_networks(setting) * 8 * batch * words * hidden * (inputs + hidden)
    constant = num_networks(setting) * 8 * batch * hidden**2
    forward += 2 * batch * hidden * setting.num_labels
    if sources := num_sources(setting):
        read = words if setting.scheme == "indirect" else words * sources
        forward += 2 * batch * words * hidden * (inputs + 4 * hidden + 2 * sources) + 2 * batch * read * hidden**2
        constant += 2 * batch * hidden**2
    return 3 * forward - constant


def gradient_sizes(setting: Setting) -> list[int]:
    """Numbers of the gradient of each parameter that a step changes, in the model's order: the word table, whose
    gradient is dense; the LSTMs on the way; scorer and gate; the head. Other tasks' heads have none.
    """
    inputs, hidden, gates = setting.input_dim, setting.hidden_dim, 4 * setting.hidden_dim
    lstm = [gates * inputs, gates * hidden, gates, gates]
    messages = [hidden * inputs, hidden**2, hidden**2, hidden, hidden**2, hidden**2, hidden**2]
    return [
        setting.num_rows * inputs,
        *(num_networks(setting) * lstm),
        *(messages if num_sources(setting) else []),
        *(setting.num_labels * hidden, setting.num_labels),
    ]


def num_parameters(setting: Setting) -> int:
    """Parameters of the whole model, also those off the way of the task: a table, LSTMs, scorer and gate, heads."""
    networks = {"shared": 1, "indirect": setting.num_tasks + 1, "direct": setting.num_tasks}[setting.scheme]
    return 1 + 4 * networks + (7 if num_sources(setting) else 0) + 2 * setting.num_tasks


def bucket_sizes(sizes: Iterable[int], largest: int) -> list[int]:
    """Numbers of each bucket in which gradients of these sizes are exchanged: as many as fit, or one that is larger."""
    found: list[int] = []
    for size in sizes:
        if found and found[-1] + size <= largest:
            found[-1] += size
        else:
            found.append(size)
    return found


def most_rows(setting: Setting) -> int:
    """Rows of the word table that a batch can have: M where all its words differ."""
    return min(setting.num_rows, setting.num_texts * setting.num_words)


def message_bytes(
    setting: Setting,
    num_ranks: int,
    num_read: int | None = None,
    *,
    largest: int = 2**24,
    smallest: int = SMALLEST_TABLE,
) -> list[int]:
    """Bytes that each rank puts into each all-reduce of a step; none of a single rank.

    Args:
        num_read: M, if it is not the most.
        largest: numbers of a bucket, `mtlkit.process.exchanged.LARGEST_BUCKET`.
        smallest: numbers of a table from which on rows are exchanged.
    """
    if num_ranks == 1:
        return []
    table, *others = gradient_sizes(setting)
    heading = 1 + num_parameters(setting)
    if table >= smallest:
        heading += setting.num_rows
        table = setting.input_dim * (most_rows(setting) if num_read is None else num_read)
    sizes = [table, *others, 1, 1]  # whether all is finite, and the loss
    return [heading, *(NUMBER * size for size in bucket_sizes(sizes, largest))]


@dataclass(frozen=True)
class Link:
    """What connects ranks.

    Attributes:
        hop_seconds: from when a rank sends until the next one has the first byte.
        bytes_per_second: that a rank sends, while it receives as many.
    """

    hop_seconds: float
    bytes_per_second: float


def ring_seconds(num_bytes: float, num_ranks: int, link: Link) -> float:
    """An all-reduce in a ring: 2 (N - 1) hops, in which each rank sends 2 (N - 1) / N times the bytes: the fewest."""
    hops = 2 * (num_ranks - 1)
    return hops * link.hop_seconds + hops / num_ranks * num_bytes / link.bytes_per_second


def tree_seconds(num_bytes: float, num_ranks: int, link: Link) -> float:
    """An all-reduce in a pipelined binary tree, up and down: 2 log2 N hops, and two times the bytes."""
    if num_ranks == 1:
        return 0.0
    return 2 * ceil(log2(num_ranks)) * link.hop_seconds + 2 * num_bytes / link.bytes_per_second


def all_reduce_seconds(num_bytes: float, num_ranks: int, link: Link) -> float:
    """The faster one of ring and tree, which NCCL chooses between by size."""
    return min(ring_seconds(num_bytes, num_ranks, link), tree_seconds(num_bytes, num_ranks, link))
