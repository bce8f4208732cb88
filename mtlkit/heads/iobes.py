"""The tag scheme IOBES, used inside a tagger whose targets and predictions are BIO.

Shapes: B batch, T time steps, L labels in BIO, S labels in IOBES, P positions in a span (see `POSITIONS`).
"""

from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from torch import Tensor, nn

from mtlkit.errors import ConfigError

POSITIONS = "BSIE"
"""Where a word stands in its span: at the beginning, alone, inside, at the end. The place in this string is
2 * (it continues a span) + (it ends one)."""


@final
class Iobes(nn.Module):
    """Converts BIO label ids to IOBES and back (Ratinov and Roth 2009, who call the scheme BILOU).

    Types whose `B-x` and `I-x` are both among the labels get four labels, `B-x`, `I-x`, `E-x` and `S-x`; other labels
    are unchanged. As in conlleval, an `I-x` that continues nothing begins a span; converted back it is a `B-x`.

    Raises:
        ConfigError: the labels are IOBES already.
    """

    type_L: Tensor
    inside_L: Tensor
    fine_LP: Tensor
    coarse_S: Tensor

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__()
        known = set(labels)
        types = [label[2:] for label in labels if label.startswith("B-") and f"I-{label[2:]}" in known]
        self._types = {name: number for number, name in enumerate(types)}
        if already := next((label for label in labels if label[:1] in "ES" and self._type(label) is not None), None):
            raise ConfigError(f"head.scheme: the tags are IOBES already ('{already}'); leave the scheme out")
        whole = [label for label in labels if self._type(label) is None]
        self.labels = whole + [f"{position}-{name}" for name in types for position in POSITIONS]
        fine_ids = {label: number for number, label in enumerate(self.labels)}
        coarse_ids = {label: number for number, label in enumerate(labels)}
        fine_LP = [[fine_ids[fine] for fine in self._fine(label)] for label in labels]
        coarse_S = [coarse_ids[self._coarse(label)] for label in self.labels]
        self.register_buffer("fine_LP", torch.tensor(fine_LP), persistent=False)
        self.register_buffer("type_L", torch.tensor(self._type_ids(labels)), persistent=False)
        self.register_buffer("inside_L", torch.tensor([label[:2] == "I-" for label in labels]), persistent=False)
        self.register_buffer("coarse_S", torch.tensor(coarse_S), persistent=False)

    def encode(self, ids_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """IOBES ids (B, T) for BIO ids (B, T), which must be valid ids at padding as well."""
        types_BT = torch.where(mask_BT, self.type_L[ids_BT], -1)
        same_BT = (types_BT[:, 1:] == types_BT[:, :-1]) & (types_BT[:, 1:] >= 0)
        continued_BT = same_BT & self.inside_L[ids_BT[:, 1:]]
        nothing_B1 = torch.zeros_like(mask_BT[:, :1])
        continues_BT = torch.cat([nothing_B1, continued_BT], dim=1)
        ends_BT = ~torch.cat([continued_BT, nothing_B1], dim=1)
        return self.fine_LP[ids_BT, 2 * continues_BT.long() + ends_BT.long()]

    def decode(self, ids_BT: Tensor) -> Tensor:
        """BIO ids (B, T) for IOBES ids (B, T); -1 is unchanged."""
        return torch.where(ids_BT < 0, ids_BT, self.coarse_S[ids_BT.clamp(min=0)])

    def constraints(self) -> tuple[Tensor, Tensor, Tensor]:
        """Which sequences the scheme allows, as booleans.

        Returns:
            (S,) labels that may begin a sequence; (S, S) whether the column's label may follow the row's; (S,) labels
            that may end a sequence.
        """

        # By NumPy: on the meta device, where models are checked, PyTorch imports its compiler for `~` and the like.
        type_S = np.array(self._type_ids(self.labels))
        letters = [label[0] if self._type(label) is not None else "" for label in self.labels]
        continues_S = np.array([letter in ("I", "E") for letter in letters])
        goes_on_S = np.array([letter in ("B", "I") for letter in letters])
        same_SS = continues_S & (type_S[:, None] == type_S)
        follows_SS = np.where(goes_on_S[:, None], same_SS, ~continues_S)
        return torch.tensor(~continues_S), torch.tensor(follows_SS), torch.tensor(~goes_on_S)

    def _type_ids(self, labels: Sequence[str]) -> list[int]:
        """The number of each label's type, -1 for labels that `_type` gives none."""
        return [-1 if name is None else self._types[name] for name in map(self._type, labels)]

    def _type(self, label: str) -> str | None:
        """The type of a label, in either scheme, if the type has four labels; otherwise None."""
        return label[2:] if label[1:2] == "-" and label[0] in POSITIONS and label[2:] in self._types else None

    def _fine(self, label: str) -> list[str]:
        """The IOBES label of a BIO label at each of the positions."""
        name = self._type(label)
        return [label] * len(POSITIONS) if name is None else [f"{position}-{name}" for position in POSITIONS]

    def _coarse(self, label: str) -> str:
        return label if self._type(label) is None else ("B-" if label[0] in "BS" else "I-") + label[2:]
