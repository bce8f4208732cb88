"""Typical run-time values and inputs, small enough to read.

Shapes: B texts, T words of the longest, C characters of the longest word, E input size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import torch
from torch import Tensor
from torch.nn import functional as F

from mtlkit.data import Text, Vocabulary

TASKS = ("one", "two", "three")
"""The tasks of every check, for settings that name tasks."""

LABELS = ("O", "B-x", "I-x")
"""The labels of every task; they can be labels of texts as well as BIO tags."""

SENTENCES = ("never again", "fun", "a warm , witty and wise film", "good fun but long")
INPUT_DIM, STATE_DIM = 6, 5
NUM_MODULES, MAX_LENGTH = 4, 3


@final
@dataclass(frozen=True)
class Sample:
    """A batch of texts: its words, and states as an embedder might have made them."""

    text: Text
    states_BTE: Tensor

    @property
    def mask_BT(self) -> Tensor:
        """True at words."""
        return self.text.mask_BT

    @property
    def size(self) -> int:
        """B."""
        return len(self.text.mask_BT)

    def rows(self, places: Sequence[int]) -> "Sample":
        """Only these texts, in this order, without superfluous padding."""
        index_B = torch.tensor(places)
        num_steps = int(self.mask_BT[index_B].sum(dim=1).max())
        characters_BTC = self.text.characters_BTC
        text = Text(
            self.text.words_BT[index_B, :num_steps],
            self.text.mask_BT[index_B, :num_steps],
            None if characters_BTC is None else characters_BTC[index_B, :num_steps],
        )
        return Sample(text, self.states_BTE[index_B, :num_steps])

    def padded(self, steps: int) -> "Sample":
        """The same texts with `steps` more steps of padding. Other numbers stand there: none of them may matter."""
        text = self.text
        characters_BTC = None if text.characters_BTC is None else F.pad(text.characters_BTC, (0, 0, 0, steps))
        longer = Text(F.pad(text.words_BT, (0, steps)), F.pad(text.mask_BT, (0, steps)), characters_BTC)
        states_BTE = F.pad(self.states_BTE, (0, 0, 0, steps))
        return Sample(longer, states_BTE.masked_fill(~longer.mask_BT.unsqueeze(-1), 7.0))

    def to(self, dtype: torch.dtype) -> "Sample":
        """The same with states of another precision."""
        return replace(self, states_BTE=self.states_BTE.to(dtype))


def sample(vocabulary: Vocabulary | None = None) -> Sample:
    """Four texts of one to seven words; states are in double precision, so that equal means equal."""
    vocabulary = vocabulary or sample_vocabulary()
    sentences = [sentence.split() for sentence in SENTENCES]
    lengths_B = torch.tensor([len(words) for words in sentences])
    num_steps = int(lengths_B.max())
    words_BT = torch.zeros(len(sentences), num_steps, dtype=torch.int64)
    tables = [torch.from_numpy(vocabulary.character_ids(words)) for words in sentences]
    width = max(table.shape[1] for table in tables)
    characters_BTC = torch.zeros(len(sentences), num_steps, width, dtype=torch.int64)
    for row, words in enumerate(sentences):
        words_BT[row, : len(words)] = torch.from_numpy(vocabulary.word_ids(words))
        characters_BTC[row, : len(words), : tables[row].shape[1]] = tables[row]
    mask_BT = torch.arange(num_steps) < lengths_B.unsqueeze(1)
    generator = torch.Generator().manual_seed(5)
    states_BTE = torch.randn(*mask_BT.shape, INPUT_DIM, generator=generator, dtype=torch.float64)
    return Sample(Text(words_BT, mask_BT, characters_BTC), states_BTE * mask_BT.unsqueeze(-1))


def sample_vocabulary() -> Vocabulary:
    """Knows most words of the sample; the others are unknown, as in life."""
    words = sorted({word for sentence in SENTENCES[1:] for word in sentence.split()})
    characters = sorted(set("".join(words)))
    return Vocabulary.of(words, characters, {task: LABELS for task in TASKS})


def runtime_values() -> dict[str, Any]:
    """A value for everything that an interface of modules offers."""
    return {
        "vocabulary": sample_vocabulary(),
        "vectors": None,
        "input_dim": INPUT_DIM,
        "state_dim": STATE_DIM,
        "labels": list(LABELS),
        "tasks": list(TASKS),
        "num_modules": NUM_MODULES,
        "max_length": MAX_LENGTH,
    }
