"""The interface of embedders.

Shapes: B batch, T time steps, E embedding size, F distinct surface forms of a split, C integers of a form.
"""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Self, final

from torch import Tensor, nn

from mtlkit.config import Component
from mtlkit.data.batch import Text
from mtlkit.data.columns import Table, fault_of
from mtlkit.embedders.word_table import WordTable
from mtlkit.errors import ComponentError


class Embedder(nn.Module, Component, offers=("vocabulary", "vectors", "fresh", "files", "tasks")):
    """Turns the words of a batch into vectors.

    The method `columns` states what the embedder needs to know about words, such as ids, characters, word pieces,
    affixes or lexicon entries. These are computed once for each distinct form of a split, and passed with every batch.

    Run-time values of the constructor: `vocabulary` (Vocabulary); `fresh` (bool), whether the weights are initialised
    here, or will be loaded from a checkpoint or an archive; `vectors` (Vectors or None), pretrained word vectors for
    fresh weights; `files` (Path or None), the folder with the files that the component has saved (see `Component`);
    `tasks` (list of str), the names of all tasks of the model, also where each has an embedder of its own. The task
    that a batch belongs to is its `Text.task`.
    """

    when_left_out = MappingProxyType({"tasks": ()})

    output_dim: int
    """The size E of the vectors."""

    looks_at_neighbours: bool = False
    """Whether the vector of a word depends on the other words of its text."""

    leaves_out_parameters: bool = False
    """Whether a batch in training leaves out parameters at random, as LayerDrop does. Processes that share a batch
    would leave out others and could not add up their gradients, so that such a model is trained in one process.
    """

    @abstractmethod
    def columns(self, forms: Sequence[str]) -> Mapping[str, Table]:
        """Computes the tables of F distinct surface forms, by name.

        A batch carries them as `Text.columns` under the same names, visible to this embedder only: another one may use
        the same names for other columns. A row must depend on its form only, so that a word has the same meaning in
        every split.

        Returns:
            NumPy integer arrays, (F,), or (F, C) for forms of up to C parts. 0 is padding, both after the parts of
            shorter forms and where a text has no word.
        """

    def costs(self, tables: Mapping[str, Table]) -> Table | None:
        """Returns what it costs to read each form, in units by which texts are sorted and batches are limited.

        Args:
            tables: what `columns` returned for F forms.

        Returns:
            Integers (F,), such as numbers of word pieces; None if each word costs the same, unless it is overridden.
        """
        del tables
        return None

    @abstractmethod
    def forward(self, text: Text) -> Tensor:
        """Computes the vectors (B, T, E) of `text`, zero at padding."""

    def share_frozen(self, other: Self) -> None:
        """Takes over what `other` has frozen, in place of equal parts of its own, so that it is kept once.

        Default: nothing is frozen.

        Args:
            other: an embedder that was built from the same settings, for another task.
        """
        del other

    def large_parts(self) -> Sequence[nn.Module]:
        """Returns the modules of which each of several processes may keep a share (`trainer.shard: 'encoders'`).

        Their parameters are whole only while a module is called, so that all reading of them must be in such a call.
        Each batch must call the same modules in the same order, whatever its texts are.

        Returns:
            Such as the table and the layers of a pretrained encoder, in the order of their calls, and then the encoder,
            which contains and calls them. Empty, as by default, if there is nothing large that is trained.

        Raises:
            ConfigError: other settings of the embedder rule that out.
        """
        return ()

    def namespaces_of(self, parameter: str) -> Collection[str]:
        """Returns the namespaces of the vocabulary that a parameter with this name depends on.

        Weights from another archive can initialise the parameter only if these namespaces are equal there.
        """
        del parameter
        return ("words", "characters")

    def rows_read(self, text: Text) -> list[tuple[WordTable, int]]:
        """Returns the word tables that this embedder reads, each with the number of its first rows that `text` needs.

        In training, `text` holds every word that the embedder will be given. All other rows of these tables are then
        kept out of the optimizer's steps, where that changes nothing. An embedder that may read others, as one that
        puts random words in place of some, returns none, as does this method: all rows are trained.

        Args:
            text: words with the columns that this embedder has asked for.
        """
        del text
        return []

    @final
    def tables(self, forms: Sequence[str]) -> dict[str, Table]:
        """Calls `columns` and checks the result.

        Raises:
            ComponentError: the result is not what `columns` must return.
        """
        found = self.columns(forms)
        place = f"{type(self).__module__}.{type(self).__qualname__}: `columns`"
        if not isinstance(found, Mapping):
            raise ComponentError(f"{place} gives something of type {type(found).__name__}, not arrays by name")
        for name, table in found.items():
            if fault := fault_of(table, len(forms)):
                raise ComponentError(f"{place}: '{name}' {fault}")
        return dict(found)
