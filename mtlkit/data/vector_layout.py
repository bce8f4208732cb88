"""How the lines of a text file of word vectors are divided, as GloVe, fastText, word2vec and others write them.

Letters: E vector size.
"""

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self, final

from mtlkit.data.lines import BINARY, open_lines, read_lines
from mtlkit.errors import DataError
from mtlkit.text import printable

HEADER = re.compile("([0-9]{1,12})[ \t]+([0-9]{1,12})[ \t]*")
BLANKS = re.compile("[ \t]+")
FASTTEXT_MODEL = b"\xba\x16\x4f\x2f"
SEVERAL_BLANKS = "several blanks in a row, unlike in the first vector; write one"
SHOWN = 50


@final
@dataclass(frozen=True)
class VectorLayout:
    """The layout of a file: a word and then `dim` numbers a line, maybe after a first line `count dim`.

    A word may contain blanks, as some of GloVe 840B do.
    """

    path: Path
    dim: int
    """The size E of the vectors."""
    has_tabs: bool
    """Whether a TAB follows the word; the numbers are then separated by TABs or blanks, and otherwise by blanks."""
    has_gaps: bool
    """Whether several blanks stand between two fields, as where columns are aligned."""
    promised: int | None = None
    """The number of vectors according to the first line; None if the first line is a vector like the others."""

    @classmethod
    def of(cls, path: Path) -> Self:
        """Finds the layout from the first lines of a file.

        Raises:
            DataError: the file is empty or binary, its first lines contradict each other, or separate by commas.
        """
        _refuse_binary(path)
        lines = [line for _, line in islice(read_lines(path), 2)]
        first = lines[0] if lines else ""
        header = HEADER.fullmatch(first)
        # A vector of one number, of a word that is a number, looks like a header as well, but for the line after it.
        if header is None or (len(lines) == 2 and header[2] != "1" and _has_numbers(lines[1], 1)):
            return cls(path, _size(path, first), "\t" in first, "  " in first.rstrip(" "))
        count, dim = map(int, header.groups())
        if len(lines) < 2 or not dim:
            raise DataError(f"{path}: holds no vector after its first line; fetch the file again")
        if not _has_numbers(lines[1], dim):
            remedy = "fetch the file again, or mend line 1"
            raise DataError(f"{path}:2: not {dim} numbers after the word, as line 1 promises; {remedy}")
        return cls(path, dim, "\t" in lines[1], "  " in lines[1].rstrip(" "), count)

    def split(self, line: str) -> tuple[str, list[str]] | None:
        """Returns the word of a line and the `dim` fields after it, or None if there are more or fewer."""
        if self.has_tabs:
            word, _, rest = line.partition("\t")
            numbers = rest.split()
        else:
            if self.has_gaps:
                line = BLANKS.sub(" ", line)
            word, *numbers = line.rstrip(" ").rsplit(" ", self.dim)
        if len(numbers) != self.dim or (" " in word and is_number(word.rpartition(" ")[2])):
            return None
        return word.strip(" "), numbers

    def problem(self, line: str) -> str:
        """Returns what is wrong with a line that `split` does not divide, and the remedy."""
        if not self.has_gaps and "  " in line.strip(" "):
            return SEVERAL_BLANKS
        first = 1 if self.promised is None else 2
        return f"not {self.dim} numbers after the word, as in line {first}; mend or remove the line"

    def check_count(self, count: int) -> None:
        """Raises DataError if the file has another number of vectors than its first line says."""
        if self.promised not in (None, count):
            what = f"line 1 promises {self.promised:,} vectors, and {count:,} follow"
            raise DataError(f"{self.path}: {what}; fetch the file again, or write `{count} {self.dim}` as line 1")


def is_number(field: str) -> bool:
    """Returns whether a field is a number, which may be infinite or not a number in the sense of IEEE 754.

    Python's `float` also takes `1_000` and digits of other scripts, which files do not have for numbers.
    """
    if "_" in field or not field.strip().isascii():
        return False
    try:
        float(field)
    except ValueError:
        return False
    return True


def _has_numbers(line: str, dim: int) -> bool:
    """Returns whether a line has a word and then exactly this many numbers."""
    fields = BLANKS.split(line.rstrip(" \t"))
    if len(fields) <= dim or not all(map(is_number, fields[-dim:])):
        return False
    return len(fields) == dim + 1 or not is_number(fields[-dim - 1])


def _size(path: Path, line: str) -> int:
    """Returns how many numbers there are in the first line that is a vector."""
    word, *fields = BLANKS.split(line.rstrip(" \t"))
    if not fields:
        if word.count(",") > 1:
            raise DataError(f"{path}:1: commas between word and numbers; put blanks or TABs there")
        raise DataError(f"{path}: holds no vector; give a file of lines `word v1 v2 ...`")
    if "\t" in line:
        return len(line.partition("\t")[2].split())
    # The first word may be one with blanks, such as `. . .`. A field with a digit is rather a number with a mistake.
    last = max((place for place, field in enumerate(fields, 1) if not is_number(field)), default=0)
    is_word = last < len(fields) and not re.search("[0-9]", "".join(fields[:last]))
    return len(fields) - last if is_word else len(fields)


def _refuse_binary(path: Path) -> None:
    with open_lines(path) as file:
        start = file.read(4096)
    if start.startswith(FASTTEXT_MODEL):
        raise DataError(f"{path}: is a binary model of fastText; give its vectors as text, the .vec file")
    first, _, rest = start.partition(b"\n")
    if HEADER.fullmatch(first.decode("latin-1")) and BINARY.search(rest):
        how = "with gensim: KeyedVectors.load_word2vec_format(FILE, binary=True).save_word2vec_format(TEXT)"
        raise DataError(f"{path}: holds binary vectors of word2vec; write them as text, {how}")


def numbers_problem(fields: list[str]) -> str:
    """Returns what is wrong with the first of these fields that is not a number, and the remedy."""
    field = next(field for field in fields if not is_number(field))
    shown = printable(field, SHOWN)
    if not field:
        return SEVERAL_BLANKS
    if is_number(field.replace(",", ".")):
        return f"'{shown}' has a decimal comma; write numbers with a point"
    return f"'{shown}' is not a number; mend or remove the line"
