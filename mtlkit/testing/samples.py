"""Typical run-time values and inputs, small enough to read.

Shapes: B texts, T words of the longest text, E input size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import torch
from torch import Tensor
from torch.nn import functional as F

from mtlkit.data import Corpus, Instance, TaskSplit, Text, Vocabulary
from mtlkit.data.columns import MakeTables, Table

TASKS = ("one", "two", "three")
"""The tasks of every check, for settings that name tasks."""

LABELS = ("O", "B-x", "I-x")
"""The labels of every task, which can serve as labels of texts and as BIO tags."""

SENTENCES = ("never again", "fun", "a warm , witty and wise film", "good fun but long")
INPUT_DIM, STATE_DIM = 6, 5
NUM_MODULES, MAX_LENGTH = 4, 3


@final
@dataclass(frozen=True)
class Sample:
    """A batch of texts: its words, and states such as an embedder produces."""

    text: Text
    states_BTE: Tensor

    @property
    def mask_BT(self) -> Tensor:
        """The mask, True at words."""
        return self.text.mask_BT

    @property
    def size(self) -> int:
        """The number B of texts."""
        return len(self.text.mask_BT)

    def rows(self, places: Sequence[int]) -> "Sample":
        """Returns a selection of the texts, in this order, without superfluous padding."""
        index_B = torch.tensor(places)
        num_steps = int(self.mask_BT[index_B].sum(dim=1).max())
        text = self.text.map(lambda tensor: tensor[index_B, :num_steps])
        return Sample(text, self.states_BTE[index_B, :num_steps])

    def padded(self, steps: int) -> "Sample":
        """Returns the texts with `steps` more steps of padding, filled with other values, none of which may affect
        results.
        """
        longer = self.text.map(lambda tensor: F.pad(tensor, (0, 0) * (tensor.dim() - 2) + (0, steps)))
        states_BTE = F.pad(self.states_BTE, (0, 0, 0, steps))
        return Sample(longer, states_BTE.masked_fill(~longer.mask_BT.unsqueeze(-1), 7.0))

    def to(self, dtype: torch.dtype) -> "Sample":
        """Returns the sample with states of another precision."""
        return replace(self, states_BTE=self.states_BTE.to(dtype))


def sample(columns: MakeTables | None = None) -> Sample:
    """Creates four texts of one to seven words, with states in double precision so that comparisons are meaningful.

    Args:
        columns: creates the tables that the texts carry; None for ids of words and characters.
    """
    text = text_of(SENTENCES, columns or _ids)
    generator = torch.Generator().manual_seed(5)
    states_BTE = torch.randn(*text.mask_BT.shape, INPUT_DIM, generator=generator, dtype=torch.float64)
    return Sample(text, states_BTE * text.mask_BT.unsqueeze(-1))


def text_of(sentences: Sequence[str], columns: MakeTables) -> Text:
    """Creates texts of the first task from sentences, whose words are separated by spaces, with the columns of these
    tables.
    """
    instances = [Instance(tuple(sentence.split())) for sentence in sentences]
    corpus = Corpus.from_instances(instances, "label")
    split = TaskSplit(TASKS[0], corpus, sample_vocabulary(), columns=columns)
    return replace(split.batch(torch.arange(len(sentences))).text, task=TASKS[0])


def _ids(forms: Sequence[str]) -> dict[str, Table]:
    vocabulary = sample_vocabulary()
    return {"words": vocabulary.word_ids(forms), "characters": vocabulary.character_ids(forms)}


def sample_vocabulary() -> Vocabulary:
    """Returns a vocabulary that contains most words of the sample; the others are unknown, as in practice."""
    words = sorted({word for sentence in SENTENCES[1:] for word in sentence.split()})
    characters = sorted(set("".join(words)))
    return Vocabulary.of(words, characters, {task: LABELS for task in TASKS})


def runtime_values() -> dict[str, Any]:
    """Returns a value for every run-time value that an interface of modules offers."""
    return {
        "vocabulary": sample_vocabulary(),
        "vectors": None,
        "fresh": True,
        "input_dim": INPUT_DIM,
        "state_dim": STATE_DIM,
        "labels": list(LABELS),
        "tag_scheme": None,
        "tasks": list(TASKS),
        "embedder": None,
        "num_modules": NUM_MODULES,
        "max_length": MAX_LENGTH,
        "normalization": "nfc",
    }
