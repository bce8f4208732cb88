"""Pretrained word vectors in GloVe's text format.

Letters: W words, E vector size.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from mtlkit.data.lines import read_lines
from mtlkit.data.normalization import Normalization, normalized_word
from mtlkit.errors import DataError


@final
@dataclass(frozen=True, eq=False)
class Vectors:
    """Words and their vectors, in the order of the file: `words` (W), `matrix` float32 (W, E)."""

    words: list[str]
    matrix: NDArray[np.float32]

    @classmethod
    def read(cls, path: Path, limit: int | None = None) -> Self:
        """Reads the first `limit` lines (None: all) of a file of lines `word v1 ... vE`, plain or gzip (`.gz`).

        A word may contain spaces, as some of GloVe 840B do: the last E fields are the vector, where E is determined by
        the first line.

        Raises:
            DataError: the file is empty, a line has more or fewer numbers than the first, or a field is not a number.
        """
        words: list[str] = []
        values = array("f")
        dim = 0
        for number, line in read_lines(path):
            if number - 1 == limit:
                break
            dim = dim or line.rstrip(" ").count(" ")
            word, *numbers = line.rstrip(" ").rsplit(" ", dim)
            if len(numbers) != dim or (" " in word and _is_number(word.rpartition(" ")[2])):
                raise DataError(
                    f"{path}:{number}: not {dim} numbers after the word, as in line 1; mend or remove the line"
                )
            try:
                values.extend(map(float, numbers))
            except ValueError as error:
                raise DataError(f"{path}:{number}: {error}; mend or remove the line") from None
            words.append(word)
        if not dim:
            raise DataError(f"{path}: holds no vector; give a file of lines `word v1 v2 ...`")
        return cls(words, np.array(values, np.float32).reshape(-1, dim))

    def normalized(self, normalization: Normalization) -> "Vectors":
        """Returns these vectors with their words in a normal form. Of words that become equal, the first counts."""
        return replace(self, words=[normalized_word(word, normalization) for word in self.words])

    @property
    def dim(self) -> int:
        """The size E of the vectors."""
        return int(self.matrix.shape[1])

    @cached_property
    def places(self) -> dict[str, int]:
        """The row of each word; the first one if the file repeats the word."""
        return {word: place for place, word in reversed(list(enumerate(self.words)))}

    def rows(self, words: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Looks up words: returns their rows in `matrix` (0 if missing), int64 (n,), and whether they were found, bool
        (n,).
        """
        rows = np.array([self.places.get(word, -1) for word in words], np.int64)
        return np.maximum(rows, 0), rows >= 0

    def coverage(self, words: Sequence[str], counts: Iterable[int]) -> tuple[float, float]:
        """Returns the fraction of distinct `words`, and of their occurrences, that have a vector."""
        _, found = self.rows(words)
        weights = np.fromiter(counts, np.float64, len(words))
        return float(found.mean()), float(weights[found].sum() / weights.sum())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
