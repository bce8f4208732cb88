"""The columns of a batch's words, which know which words are the same.

Shapes: B batch, T words of the longest text, F distinct surface forms of a split, D of them in a batch, C integers per
form, E size of a vector.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlkit.data.columns import FormTables

MOST_KEPT_BYTES = 64 * 2**20
"""How much memory the vectors that a module has computed for a split may take; of more, none are kept."""


@final
class KeptVectors:
    """The vectors of forms that modules have computed during one pass over a split, so that no form is computed twice.

    They are kept without gradients, and only as long as the module that computed them stays the same.
    """

    def __init__(self) -> None:
        self._of: dict[tuple[nn.Module, str], _VectorsOfModule] = {}

    def of(
        self, owner: nn.Module, name: str, forms_BT: Tensor, num_forms: int, compute: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """Returns the vectors (B, T, E) of words, given a function from the numbers (D,) of forms to vectors (D, E)."""
        state = _state_of(owner)
        kept = self._of.get((owner, name))
        if kept is None or not kept.is_of(state):
            kept = self._of[owner, name] = _VectorsOfModule(state, num_forms)
        return kept.of(forms_BT, compute)


@final
class _VectorsOfModule:
    def __init__(self, state: list[Tensor | bool], num_forms: int) -> None:
        self._state = [value.clone() if isinstance(value, Tensor) else value for value in state]
        self._known_F = torch.zeros(num_forms, dtype=torch.bool)
        self._vectors_FE: Tensor | None = None
        self._fits = True

    def is_of(self, state: list[Tensor | bool]) -> bool:
        """Whether the module is as it was. Its values are compared, since not every change of them leaves a trace."""
        return len(state) == len(self._state) and all(
            torch.equal(one, other) if isinstance(one, Tensor) and isinstance(other, Tensor) else one == other
            for one, other in zip(state, self._state, strict=True)
        )

    def of(self, forms_BT: Tensor, compute: Callable[[Tensor], Tensor]) -> Tensor:
        missing_BT = ~self._known_F[forms_BT]
        if self._vectors_FE is None or bool(missing_BT.any()):
            new_D = torch.unique(forms_BT[missing_BT])
            vectors_DE = compute(new_D)
            num_forms = len(self._known_F)
            self._fits = self._fits and num_forms * vectors_DE.shape[1] * vectors_DE.element_size() <= MOST_KEPT_BYTES
            if not self._fits:
                return _spread(vectors_DE, torch.searchsorted(new_D, forms_BT))
            if self._vectors_FE is None:
                self._vectors_FE = vectors_DE.new_zeros(num_forms, vectors_DE.shape[1])
            self._vectors_FE[new_D] = vectors_DE
            self._known_F[new_D] = True
        return _spread(self._vectors_FE, forms_BT)


@final
class WordColumns(Mapping[str, Tensor]):
    """The columns of a batch's words by name, int64, (B, T) or (B, T, C), each gathered when it is first read.

    Args:
        tables: those of the split's forms.
        forms_BT: the form of each word, int64; `tables.padding_form` at padding.
        kept: the vectors of forms that are known already; None if none are to be kept.
    """

    def __init__(self, tables: FormTables, forms_BT: Tensor, kept: KeptVectors | None = None) -> None:
        self._tables = tables
        self._forms_BT = forms_BT
        self._kept = kept
        self._start = ""
        self._gathered: dict[int, Tensor] = {}

    def __getitem__(self, name: str) -> Tensor:
        place = self._tables.place(self._start + name)
        if place not in self._gathered:
            self._gathered[place] = self._tables.gather(place, self._forms_BT)
        return self._gathered[place]

    def __iter__(self) -> Iterator[str]:
        return (name.removeprefix(self._start) for name in self._tables.names if name.startswith(self._start))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)  # a copy does without the whole split's tables

    def part(self, start: str) -> "WordColumns":
        """Returns the columns whose names begin with `start`, without it."""
        part = WordColumns(self._tables, self._forms_BT, self._kept)
        part._start, part._gathered = self._start + start, self._gathered
        return part

    def rows(self, rows: slice) -> "WordColumns":
        """Returns the columns of some of the texts."""
        some = WordColumns(self._tables, self._forms_BT[rows].contiguous(), self._kept)
        some._start = self._start
        return some

    def once_per_form(self, name: str, owner: nn.Module, compute: Callable[[Tensor], Tensor]) -> Tensor | None:
        """Computes what `Text.once_per_form` promises; returns None where it would not pay.

        On a GPU the number of distinct forms would have to be waited for, which costs more than it saves.
        """
        if self._forms_BT.device.type != "cpu":
            return None
        place = self._tables.place(self._start + name)

        def vectors_of(forms_D: Tensor) -> Tensor:
            return compute(self._tables.gather(place, forms_D))

        if self._kept is not None and not torch.is_grad_enabled():
            num_forms = self._tables.padding_form + 1
            return self._kept.of(owner, self._start + name, self._forms_BT, num_forms, vectors_of)
        forms_D, places_BT = torch.unique(self._forms_BT, return_inverse=True)
        return _spread(vectors_of(forms_D), places_BT)


def _spread(vectors_DE: Tensor, places_BT: Tensor) -> Tensor:
    # Not by indexing, whose backward pass is many times slower.
    return F.embedding(places_BT, vectors_DE)


def _state_of(module: nn.Module) -> list[Tensor | bool]:
    """All that the vectors of a form depend on: values, not versions, of parameters and buffers, and the modes."""
    modes = module.training, torch.is_autocast_enabled("cpu"), torch.is_inference_mode_enabled()
    return [*modes, *(tensor.detach() for tensor in (*module.parameters(), *module.buffers()))]
