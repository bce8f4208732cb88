"""The interface of embedders.

Shapes: B batch, T time steps, E embedding size, F distinct surface forms of a split, C integers of a form.
"""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import final

from torch import Tensor, nn

from mtlkit.config import Component
from mtlkit.data.batch import Text
from mtlkit.data.columns import Table, fault_of
from mtlkit.errors import ComponentError


class Embedder(nn.Module, Component, offers=("vocabulary", "vectors", "fresh", "files")):
    """Turns the words of a batch into vectors.

    It says by `columns` what it needs to know of words: their ids, characters, pieces, affixes, entries in a lexicon.
    These are computed once for each distinct form of a split, and a batch carries them.

    Given at build: `vocabulary` (Vocabulary); `fresh` (bool), whether the weights begin here, or will be loaded from a
    checkpoint or an archive; `vectors` (Vectors or None), pretrained word vectors for fresh weights, if there are any;
    `files` (Path or None), the folder of what it has saved (see `Component`).
    """

    output_dim: int
    """The size E of the vectors."""

    looks_at_neighbours: bool = False
    """Whether the vector of a word depends on the other words of its text."""

    @abstractmethod
    def columns(self, forms: Sequence[str]) -> Mapping[str, Table]:
        """The tables of F distinct surface forms, by name.

        A batch carries them as `Text.columns` under the same names, for this embedder alone: another one may call other
        columns the same. A row depends on its form only, so that a word means the same in every split.

        Returns:
            NumPy arrays of integers, (F,), or (F, C) for forms of up to C parts. 0 is for padding, below the shorter
            forms as well as where a text has no word.
        """

    @abstractmethod
    def forward(self, text: Text) -> Tensor:
        """The vectors (B, T, E) of `text`, zero at padding."""

    def namespaces_of(self, parameter: str) -> Collection[str]:
        """The namespaces of the vocabulary that a parameter of this name was made for.

        Weights of another archive may begin a parameter if these are equal there.
        """
        del parameter
        return ("words", "characters")

    @final
    def tables(self, forms: Sequence[str]) -> dict[str, Table]:
        """What `columns` gives, checked.

        Raises:
            ComponentError: it is not what `columns` has to give.
        """
        found = self.columns(forms)
        place = f"{type(self).__module__}.{type(self).__qualname__}: `columns`"
        if not isinstance(found, Mapping):
            raise ComponentError(f"{place} gives something of type {type(found).__name__}, not arrays by name")
        for name, table in found.items():
            if fault := fault_of(table, len(forms)):
                raise ComponentError(f"{place}: '{name}' {fault}")
        return dict(found)
