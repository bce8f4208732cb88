"""A table of word vectors whose last rows can be kept out of training.

Shapes: V words, M words that training reads, E embedding size.
"""

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlkit.errors import ComponentError


@final
class WordTable(nn.Embedding):
    """An embedding (V, E), of which row 0 is padding.

    Rows that training never reads, such as those of words that only the file of the vectors has, get no gradient, and
    most optimizers would leave them as they are at the price of going through them in every step. `train_first` keeps
    them apart: the parameter `weight` then has M rows only. States that are saved and loaded have all V rows.
    """

    def __init__(self, num_words: int, dim: int) -> None:
        # A weight of its own keeps `nn.Embedding` from drawing N(0, 1) first: work undone below, and on the meta
        # device, where `check` builds models, it imports torch's compiler for 2 s.
        super().__init__(num_words, dim, padding_idx=0, _weight=torch.empty(num_words, dim))
        self._all_VE: Tensor | None = None

    def train_first(self, num_rows: int) -> None:
        """Keeps all rows but the first `num_rows` out of training; they keep their values."""
        self.train_all()
        if num_rows < len(self.weight):
            self._all_VE = self.weight.detach()
            self.weight.data = self._all_VE[:num_rows]

    def train_all(self) -> None:
        """Trains all rows, as at first."""
        if self._all_VE is not None:
            self.weight.data, self._all_VE = self.whole, None

    @property
    def whole(self) -> Tensor:
        """All rows, (V, E), without gradient."""
        trained_ME = self.weight.detach()
        if self._all_VE is None:
            return trained_ME
        if trained_ME.data_ptr() == self._all_VE.data_ptr():
            return self._all_VE
        return torch.cat([trained_ME, self._all_VE[len(trained_ME) :]])  # in a copy, which has a weight of its own

    def forward(self, words: Tensor) -> Tensor:
        """Returns the vectors (..., E) of words.

        Raises:
            ComponentError: gradients in training mode are asked for a row that is kept out of training.
        """
        if self._all_VE is None:
            return super().forward(words)
        if not torch.is_grad_enabled():
            return F.embedding(words, self.whole, self.padding_idx)
        if not self.training:
            rows_VE = torch.cat([self.weight, self._all_VE[len(self.weight) :]])
            return F.embedding(words, rows_VE, self.padding_idx)
        try:
            return super().forward(words)
        except IndexError:
            raise ComponentError(
                "a word that occurs in no training text is read in training, so that its vector would not be learned; "
                "the update strategy or the embedder that gives it must not declare that it reads training texts only"
            ) from None

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        num_rows, before_VE = len(self.weight), self._all_VE
        self.train_all()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # untyped in torch
        if before_VE is not None:
            self.train_first(num_rows)
        return self

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self._all_VE is not None:
            destination[f"{prefix}weight"] = self.whole

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *others: Any) -> None:
        num_rows, before_VE = len(self.weight), self._all_VE
        self.train_all()
        super()._load_from_state_dict(state_dict, prefix, *others)
        if before_VE is not None:
            self.train_first(num_rows)
