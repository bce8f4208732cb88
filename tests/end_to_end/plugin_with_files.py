"""A plugin whose components have columns, and files, of their own. Tests include a copy of it as `--include-package`.

Where nothing is saved yet, they read the file that the environment variable `SOURCE` names, as others would look up a
server; `BUILT` tells how often that was.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import mtlkit

BUILT: list[tuple[str, bool, bool]] = []
"""Of each embedder: its type, whether its weights were fresh, and whether it had files."""
LOOKED_UP: list[str] = []
SHAPES = ("xx", "Xx", "XX", "00")


def listed(files: Path | None, name: str) -> list[str]:
    """The saved list of this name, or that of the source."""
    if files is None:
        LOOKED_UP.append(name)
        found: dict[str, list[str]] = json.loads(Path(os.environ["SOURCE"]).read_text("utf-8"))
        return found[name]
    return (files / f"{name}.txt").read_text("utf-8").splitlines()


def save_list(folder: Path, name: str, items: Sequence[str]) -> None:
    (folder / f"{name}.txt").write_text("".join(f"{item}\n" for item in items), "utf-8")


@mtlkit.Embedder.register("affixes")
class AffixEmbedder(mtlkit.Embedder):
    """Vectors of size `dim` for a word's first and last `length` letters, as far as these endings are listed."""

    def __init__(
        self, dim: mtlkit.PositiveInt = 4, length: mtlkit.PositiveInt = 2, *, fresh: mtlkit.Runtime[bool],
        files: mtlkit.Runtime[Path | None],
    ) -> None:  # fmt: skip
        super().__init__()
        BUILT.append(("affixes", fresh, files is not None))
        self.length = length
        self.endings = listed(files, "endings")
        self.output_dim = 2 * dim
        self.table = nn.Embedding(2 + len(self.endings), dim, padding_idx=0)

    def save_files(self, folder: Path) -> None:
        save_list(folder, "endings", self.endings)

    def columns(self, forms: Sequence[str]) -> Mapping[str, Any]:
        ids = {ending: number for number, ending in enumerate(self.endings, 2)}
        both = [(ids.get(form[: self.length], 1), ids.get(form[-self.length :], 1)) for form in forms]
        return {"affixes": np.array(both, np.int32).reshape(-1, 2)}

    def forward(self, text: mtlkit.Text) -> Tensor:
        vectors: Tensor = self.table(text.column("affixes")).flatten(2)
        return vectors


@mtlkit.Embedder.register("shapes")
class ShapeEmbedder(mtlkit.Embedder):
    """A vector of size `dim` for how a word is written: small, capitalised, in capitals, or with figures."""

    def __init__(self, dim: mtlkit.PositiveInt = 3) -> None:
        super().__init__()
        self.output_dim = dim
        self.table = nn.Embedding(1 + len(SHAPES), dim, padding_idx=0)

    def columns(self, forms: Sequence[str]) -> Mapping[str, Any]:
        return {"shape": np.array([1 + SHAPES.index(shape_of(form)) for form in forms], np.uint8)}

    def forward(self, text: mtlkit.Text) -> Tensor:
        vectors: Tensor = self.table(text.column("shape"))
        return vectors


def shape_of(form: str) -> str:
    if any(letter.isdigit() for letter in form):
        return "00"
    return "xx" if form == form.lower() else "XX" if form == form.upper() and len(form) > 1 else "Xx"


@mtlkit.Tokenizer.register("pieces")
class PieceTokenizer(mtlkit.Tokenizer):
    """Words between blanks, but for listed ones, which are left out."""

    def __init__(self, *, files: mtlkit.Runtime[Path | None]) -> None:
        self.left_out = listed(files, "left_out")

    def save_files(self, folder: Path) -> None:
        save_list(folder, "left_out", self.left_out)

    def tokenize(self, text: str) -> list[str]:
        return [word for word in text.split() if word not in self.left_out]


@mtlkit.Encoder.register("scaled")
class ScaledEncoder(mtlkit.Encoder):
    """Each number times a listed one, and a learned one."""

    def __init__(self, *, input_dim: mtlkit.Runtime[int], files: mtlkit.Runtime[Path | None]) -> None:
        super().__init__()
        self.scales = listed(files, "scales")
        self.output_dim = input_dim
        self.learned = nn.Parameter(torch.ones(input_dim))

    def save_files(self, folder: Path) -> None:
        save_list(folder, "scales", self.scales)

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        return states_BTE * self.learned * float(self.scales[0]) * mask_BT.unsqueeze(-1)
