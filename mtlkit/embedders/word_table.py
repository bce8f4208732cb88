"""A table of word vectors whose last rows can be kept out of training, and whose rows several processes can share out.

Shapes: V words, M words that training reads, E embedding size, U different words of a text, G rows that are asked for.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlkit.errors import ComponentError
from mtlkit.process.ranks import ONE, Ranks

PIECE = 2**22
"""How many numbers of a table each process hands over at once where it is written to a file."""


@final
class WordTable(nn.Embedding):
    """An embedding (V, E), of which row 0 is padding.

    Rows that training never reads, such as those of words that only the file of the vectors has, get no gradient, and
    most optimizers would leave them as they are at the price of going through them in every step. `train_first` keeps
    them apart: the parameter `weight` then has M rows only. States that are saved and loaded have all V rows.

    After `shard`, process r of N keeps rows r, r + N, ... alone, so that frequent words are everywhere. The processes
    then look words up together, each as often as the others; `load_state_dict` takes the whole table, and `pieces` puts
    it together again.

    Attributes:
        ranks: the processes that share the rows.
    """

    def __init__(self, num_words: int, dim: int) -> None:
        # A weight of its own keeps `nn.Embedding` from drawing N(0, 1) first: work undone below, and on the meta
        # device, where `check` builds models, it imports torch's compiler for 2 s.
        super().__init__(num_words, dim, padding_idx=0, _weight=torch.empty(num_words, dim))
        self._all_VE: Tensor | None = None
        self.ranks: Ranks = ONE

    @property
    def is_sharded(self) -> bool:
        """Whether the table has only the rows of one of several processes."""
        return self.ranks.size > 1

    @property
    def shape(self) -> torch.Size:
        """(V, E), also where only some rows are here."""
        return torch.Size((self.num_embeddings, self.embedding_dim))

    def shard(self, ranks: Ranks) -> None:
        """Keeps the rows of this process alone, before the first step of training."""
        assert not self.is_sharded and self._all_VE is None
        self.ranks = ranks
        self.weight.data = self.own_rows(self.weight.detach())
        self.padding_idx = 0 if ranks.is_first else None  # who has row 0

    def own_rows(self, whole_VE: Tensor) -> Tensor:
        """A copy of the rows of this process, given all of them, or other numbers that are kept of each row."""
        return whole_VE[self.ranks.rank :: self.ranks.size].clone(memory_format=torch.contiguous_format)

    def num_own(self, num_rows: int) -> int:
        """How many of the table's first rows this process has."""
        return len(range(self.ranks.rank, num_rows, self.ranks.size))

    def pieces(self, own: Tensor | None = None) -> Iterator[Tensor]:
        """Puts the rows of all processes together again, piece by piece.

        All processes must iterate at the same time, and the first one receives the rows, in their order; the others
        receive nothing.

        Args:
            own: numbers that this process keeps of each of its rows, in place of the weights.
        """
        own = self.whole if own is None else own
        size, most = self.ranks.size, -(-self.num_embeddings // self.ranks.size)
        step = max(1, PIECE // self.embedding_dim)
        for start in range(0, most, step):
            rows = own[start : min(start + step, most)]
            missing = min(step, most - start) - len(rows)  # of the last row, which not all have
            rows = torch.cat([rows, rows.new_zeros(missing, *rows.shape[1:])]) if missing else rows.contiguous()
            if found := self.ranks.collect(rows):
                yield torch.stack(found, dim=1).flatten(0, 1)[: self.num_embeddings - start * size]

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
        """All rows that this process has, (V, E) unless the table is sharded, without gradient."""
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
        return _looked_up(words, self._rows, self.ranks) if self.is_sharded else self._rows(words)

    def _rows(self, words: Tensor) -> Tensor:
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
        if self.is_sharded and (name := f"{prefix}weight") in state_dict:
            state_dict = {**state_dict, name: self.own_rows(state_dict[name])}
        super()._load_from_state_dict(state_dict, prefix, *others)
        if before_VE is not None:
            self.train_first(num_rows)


def sharded_tables(module: nn.Module) -> dict[str, WordTable]:
    """The tables in a module whose rows several processes share out, by all names of their weights."""
    named = module.named_modules(remove_duplicate=False)
    return {f"{name}.weight": part for name, part in named if isinstance(part, WordTable) and part.is_sharded}


def _looked_up(words: Tensor, own: Callable[[Tensor], Tensor], ranks: Ranks) -> Tensor:
    """Looks up words whose rows several processes share out, each different word once.

    Args:
        words: their numbers, of any shape.
        own: the vectors of rows of this process, by their numbers here.
        ranks: the processes, which all look up words at the same time.

    Returns:
        Their vectors, (..., E).
    """
    words_U, places = torch.unique(words.flatten().long(), return_inverse=True)
    keepers_U = words_U % ranks.size
    order_U = keepers_U.argsort(stable=True)
    asked = keepers_U.bincount(minlength=ranks.size)
    ones = [1] * ranks.size
    sent, received = asked.tolist(), ranks.trade(asked, ones, ones).tolist()
    rows_G = ranks.trade(words_U[order_U] // ranks.size, sent, received)
    vectors_UE = ranks.trade(own(rows_G), received, sent)
    return F.embedding(order_U.argsort()[places].view(words.shape), vectors_UE)
