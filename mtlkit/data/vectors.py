"""Pretrained word vectors from text files.

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
from mtlkit.data.vector_layout import VectorLayout, is_number, numbers_problem
from mtlkit.errors import DataError
from mtlkit.text import printable


@final
@dataclass(frozen=True, eq=False)
class Vectors:
    """Words and their vectors, in the order of the file: `words` (W), `matrix` float32 (W, E).

    `num_wordless` lines of the file had no word and are left out.
    """

    words: list[str]
    matrix: NDArray[np.float32]
    num_wordless: int = 0

    @classmethod
    def read(cls, path: Path, limit: int | None = None) -> Self:
        """Reads the first `limit` vectors (None: all) of a text file, plain or compressed (see `read_lines`).

        A line is a word and its E numbers, separated by blanks or TABs. The file may begin with a line `count E`, as
        those of fastText and word2vec do. A word may contain spaces, as some of GloVe 840B do: the last E fields are
        the vector. Lines without a word, which no text can contain, are left out.

        Raises:
            DataError: the file is empty or binary, a line has more or fewer numbers than the first, a field is not a
                finite number, or there are more or fewer vectors than the first line says.
        """
        layout = VectorLayout.of(path)
        words: list[str] = []
        lines, values = array("q"), array("f")
        count = blank = 0
        for number, line in read_lines(path):
            if number == 1 and layout.promised is not None:
                continue
            if len(words) == limit:
                break
            if (parts := layout.split(line)) is None:
                if line.strip():
                    raise DataError(f"{path}:{number}: {layout.problem(line)}")
                blank = blank or number
                continue
            if blank:
                raise DataError(f"{path}:{blank}: a blank line among vectors; remove it")
            count += 1
            word, fields = parts
            if not word:
                continue
            try:
                if ("_" in line or not line.isascii()) and not all(map(is_number, fields)):
                    raise ValueError("takes more for a number than files mean")
                values.extend(map(float, fields))
            except ValueError:
                raise DataError(f"{path}:{number}: {numbers_problem(fields)}") from None
            words.append(word)
            lines.append(number)
        else:
            layout.check_count(count)
        if not words:
            raise DataError(f"{path}: holds no vector of a word; give a file of lines `word v1 v2 ...`")
        matrix = np.array(values, np.float32).reshape(-1, layout.dim)
        _check_finite(path, words, matrix, lines)
        return cls(words, matrix, count - len(words))

    def counts(self) -> dict[str, int]:
        """Returns the number of distinct `words`, of vectors that are `repeated`, as a word further up in the file has
        one that counts, and of lines `without a word`; the last two only if there are any.
        """
        others = {"repeated": len(self.words) - len(self.places), "without a word": self.num_wordless}
        return {"words": len(self.places), **{name: number for name, number in others.items() if number}}

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


def _check_finite(path: Path, words: list[str], matrix: NDArray[np.float32], lines: Sequence[int]) -> None:
    """Raises DataError if a number is infinite or not a number, which would be found as a loss that is not finite."""
    if not len(bad := np.flatnonzero(~np.isfinite(matrix).all(axis=1))):
        return
    row = int(bad[0])
    value = matrix[row][~np.isfinite(matrix[row])][0]
    others = f", as in {len(bad) - 1:,} other lines" if len(bad) > 1 else ""
    raise DataError(
        f"{path}:{lines[row]}: the vector of '{printable(words[row], 50)}' has {value}{others}; mend or remove it"
    )
