"""Batches of one task's split, gathered on the device and bucketed by length.

Shapes: B batch, T words of the longest text, n texts, N tokens of the split.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from mtlkit.data.batch import Batch, Text
from mtlkit.data.columns import CostsOfForms, FormTables, MakeTables, Table
from mtlkit.data.corpus import NO_TARGET, Corpus
from mtlkit.data.instance import Target
from mtlkit.data.vocabulary import Vocabulary
from mtlkit.data.word_columns import KeptVectors, WordColumns


@final
class TaskSplit:
    """A split with its columns, stored on `device` as a whole, so that a batch is a gather and needs no copy per step.

    Args:
        task: the task that the split belongs to.
        corpus: the texts.
        vocabulary: contains the task's labels.
        columns: creates the tables of the corpus's forms, like `Embedder.tables`; None for word ids only.
        costs: what it costs to read each form, given the tables, like `Embedder.costs`; None if all cost the same.
        device: the device on which batches are created.
    """

    def __init__(
        self,
        task: str,
        corpus: Corpus,
        vocabulary: Vocabulary,
        *,
        columns: MakeTables | None = None,
        costs: CostsOfForms | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.task = task
        self.corpus = corpus
        self.lengths = torch.from_numpy(corpus.lengths)
        self._device = torch.device(device)
        self._offsets = torch.from_numpy(corpus.offsets).to(device)
        self._tokens_N = torch.from_numpy(corpus.tokens).to(device)
        tables = columns(corpus.forms) if columns is not None else {"words": vocabulary.word_ids(corpus.forms)}
        self._tables = FormTables(tables, len(corpus.forms), device)
        self.costs = self.lengths if costs is None else _costs_of_texts(corpus, costs(tables))
        """What it costs to read each text, int64 (n,), on the CPU: the number of its words, or what `costs` sums to."""
        targets = _target_ids(task, corpus, vocabulary)
        self._targets = None if targets is None else targets.to(device)

    def __len__(self) -> int:
        return len(self.corpus)

    def gold(self, index: int) -> Target | None:
        """Returns the target of one text as it is in the file, even if it does not occur in the training data."""
        return self.corpus.target(index)

    def num_tokens(self, indices_B: Tensor) -> int:
        """Returns the number of words of the texts at these positions (int64, on the CPU), without padding."""
        return int(self.lengths[indices_B].sum())

    def words(self) -> Text:
        """Returns one text with each form that occurs in the split, once."""
        forms_1F = torch.from_numpy(np.flatnonzero(self.corpus.form_counts())).to(self._device).unsqueeze(0)
        return Text(torch.ones_like(forms_1F, dtype=torch.bool), WordColumns(self._tables, forms_1F))

    def places(self, order: Sequence[Tensor]) -> list[Tensor]:
        """Copies the positions of many batches to the device at once, since the host waits for each transfer."""
        if not order:
            return []
        return list(torch.split(torch.cat(list(order)).to(self._device), [len(indices_B) for indices_B in order]))

    def batch(self, indices_B: Tensor, places_B: Tensor | None = None, kept: KeptVectors | None = None) -> Batch:
        """Gathers the texts at these positions, in this order.

        Args:
            indices_B: the positions, int64, on the CPU.
            places_B: the same positions on the device, if they have been copied already.
            kept: where a pass over this split keeps the vectors of forms (see `Text.once_per_form`); None keeps none.
        """
        num_steps = int(self.lengths[indices_B].max())
        if places_B is None:
            places_B = indices_B.to(self._device)
        starts_B = self._offsets[places_B]
        steps_T = torch.arange(num_steps, device=self._device)
        mask_BT = steps_T < (self._offsets[places_B + 1] - starts_B).unsqueeze(1)
        positions_BT = (starts_B.unsqueeze(1) + steps_T).clamp(max=len(self._tokens_N) - 1)
        forms_BT = self._tokens_N[positions_BT].long().masked_fill(~mask_BT, self._tables.padding_form)
        text = Text(mask_BT, WordColumns(self._tables, forms_BT, kept))
        return Batch(self.task, text, self._batch_targets(places_B, positions_BT, mask_BT), indices_B)

    def _batch_targets(self, places_B: Tensor, positions_BT: Tensor, mask_BT: Tensor) -> Tensor | None:
        if self._targets is None:
            return None
        if self.corpus.target_kind == "label":
            return self._targets[places_B]
        return self._targets[positions_BT].masked_fill(~mask_BT, NO_TARGET)


def bucketed_order(
    lengths: Tensor, batch_size: int, generator: torch.Generator | None, batch_tokens: int | None = None
) -> list[Tensor]:
    """Splits one pass over n texts into batches of similar length; every position occurs exactly once.

    Texts are sorted by length with ties shuffled and cut into batches, which are then shuffled. Without a generator
    they are only sorted.

    Args:
        lengths: the number of words of each text, or another measure of its length, (n,), on the CPU.
        batch_size: the maximum number of texts in a batch.
        batch_tokens: the maximum of a batch's size times its longest length, or None for no limit. A text that exceeds
            it forms a batch of its own.

    Returns:
        The positions of each batch, int64. The number and the shapes of the batches do not depend on the generator.
    """
    if generator is None:
        order = torch.argsort(lengths, stable=True)
        return list(torch.split(order, _batch_sizes(lengths[order], batch_size, batch_tokens)))
    shuffled = torch.randperm(len(lengths), generator=generator)
    order = shuffled[torch.argsort(lengths[shuffled], stable=True)]
    batches = torch.split(order, _batch_sizes(lengths[order], batch_size, batch_tokens))
    # Shuffling before a stable sort shuffles ties only. The sorted lengths, and with them the shapes of batches, stay
    # the same in every pass.
    return [batches[place] for place in torch.randperm(len(batches), generator=generator).tolist()]


def _batch_sizes(ascending: Tensor, batch_size: int, batch_tokens: int | None) -> list[int]:
    """Returns the number of texts in each batch, given lengths in ascending order. Every batch except the last is as
    large as the limits allow.
    """
    sizes: list[int] = []
    size = 0
    for length in ascending.tolist():
        # Lengths ascend, so the batch with this text would be padded to this text's length.
        # The text would be the longest one of the batch.
        if size == batch_size or (size > 0 and batch_tokens is not None and (size + 1) * length > batch_tokens):
            sizes.append(size)
            size = 0
        size += 1
    return [*sizes, size]


@final
class BatchStream:
    """An endless stream of batches of a split, pass after pass, each pass in a new order.

    The order of pass p depends only on the seed, the task and p. The state is therefore just two numbers, and the order
    does not depend on what other tasks do.
    """

    def __init__(self, split: TaskSplit, batch_size: int, seed: int, batch_tokens: int | None = None) -> None:
        self._split = split
        self._batch_size = batch_size
        self._batch_tokens = batch_tokens
        self._seed = seed
        self._start(0)
        self.num_batches: int = len(self._order)
        """The number of batches in one pass."""

    def next(self) -> Batch:
        """Returns the next batch. The last batch of a pass is followed by the first one of the next pass."""
        if self._position == self.num_batches:
            self._start(self._pass + 1)
        indices_B, places_B = self._order[self._position], self._places[self._position]
        self._position += 1
        return self._split.batch(indices_B, places_B)

    def state_dict(self) -> dict[str, Any]:
        """Returns the number of the pass, and how many of its batches have been returned."""
        return {"pass": self._pass, "position": self._position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues where the stream that returned this state was."""
        self._start(state["pass"])
        self._position = min(
            state["position"], self.num_batches
        )  # the data may have changed since, and have fewer batches

    def _start(self, number: int) -> None:
        self._pass, self._position = number, 0
        digest = hashlib.sha256(f"{self._seed}/{self._split.task}/{number}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:8]) >> 1)
        self._order = bucketed_order(self._split.costs, self._batch_size, generator, self._batch_tokens)
        self._places = self._split.places(self._order)


def _costs_of_texts(corpus: Corpus, costs: Table | None) -> Tensor:
    if costs is None:
        return torch.from_numpy(corpus.lengths)
    so_far = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.asarray(costs, np.int64)[corpus.tokens])])
    return torch.from_numpy(np.diff(so_far[corpus.offsets]))


def _target_ids(task: str, corpus: Corpus, vocabulary: Vocabulary) -> Tensor | None:
    """Returns the targets as ids of the task's labels, int64, -1 for unknown ones; None if there are no targets."""
    if not corpus.labels:
        return None
    labels = vocabulary[f"labels/{task}"]
    ids = np.array([*map(labels.index, corpus.labels), NO_TARGET])  # NO_TARGET is -1, which indexes the last entry
    return torch.from_numpy(ids[corpus.targets])
