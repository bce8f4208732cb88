"""The sentences of a file of columns: one token per line."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from mtlkit.data.lines import BYTE_ORDER_MARK, read_lines
from mtlkit.data.readers.conllu import is_counted, numbering
from mtlkit.data.readers.layout import ColumnsFormat, is_boundary, layout_of, names_in
from mtlkit.errors import DataError

DOMAIN = "# domain = "
DOCUMENTS = ("# newdoc", "#begin document")  # of CoNLL-U and CoNLL-2012
MULTIWORD, EMPTY, BOUNDARIES = "multiword tokens", "empty nodes", "document boundaries"


@final
@dataclass
class Sentence:
    """The rows of one sentence, split into columns, and the line number of each."""

    domain: str | None = None
    rows: list[list[str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    is_ascii: bool = True

    def column(self, place: int) -> tuple[str, ...]:
        """Returns the column at this position."""
        return tuple([row[place] for row in self.rows])


@final
class ColumnsFile:
    """A file in one of the formats of `ColumnsReader`, read sentence by sentence.

    `chosen` and `comments` are the settings of the reader. `layout` is None for a file without rows. `structure` counts
    the rows that are not words, by kind, as far as the file has been read, and `has_comments` says whether a line that
    begins with `#` and a blank has been taken for a comment because of its number of columns.
    """

    def __init__(self, path: Path, chosen: ColumnsFormat = "auto", comments: bool | None = None) -> None:
        """Finds out the file's layout. Raises DataError if it cannot be read."""
        self.path = path
        self.layout = layout_of(path, chosen, comments)
        self.structure: Counter[str] = Counter()
        self.has_comments = False
        self.chosen = chosen
        self.comments = comments

    def sentences(self) -> Iterator[Sentence]:
        """Yields the sentences, which lines of nothing but white space separate, without the rows that are not words.

        Raises:
            DataError: a line has another number of columns or another separator than those before it, ids are out of
                order, or a document begins within a sentence.
        """
        if self.layout is None:
            return
        cells, width, by_tabs = self.layout.cells, self.layout.width, self.layout.by_tabs
        sentence = Sentence()
        for number, line in read_lines(self.path):
            if not line or line.isspace():
                if sentence.rows:
                    yield self._words_of(sentence)
                    sentence = Sentence()
                continue
            if line[0] == "#" and self._is_comment(line, number, sentence):
                continue
            if ("DOCSTART" in line or (not sentence.rows and "docstart" in line)) and is_boundary(line):
                self._begin_document(number, sentence)
                continue
            # Most rows by far have nothing to remove around their columns; this is `cells` for those.
            row = (
                line.split("\t") if by_tabs and " " not in line and "\r" not in line and line.isascii() else cells(line)
            )
            if len(row) != width or (not by_tabs and "\t" in line and "\t" in line.strip()):
                raise DataError(f"{self.path}:{number}: {self.layout.what_is_ragged(line, row)}")
            sentence.rows.append(row)
            sentence.numbers.append(number)
            if not line.isascii():
                sentence.is_ascii = False
                if line.startswith(BYTE_ORDER_MARK):  # elsewhere it is part of a word, as in texts of the web
                    remedy = "remove it (files that were joined may have one each)"
                    raise DataError(f"{self.path}:{number}: a byte order mark (U+FEFF) within the file; {remedy}")
        if sentence.rows:
            yield self._words_of(sentence)

    def _is_comment(self, line: str, number: int, sentence: Sentence) -> bool:
        """Whether a line that begins with `#` is a comment, by the rules of `ColumnsReader`. Notes what it says."""
        assert self.layout is not None
        if names := names_in(line) if self.layout.has_header else ():
            if names != self.layout.names:
                remedy = "give each of the files as one task's, or put their columns in the same order"
                raise DataError(f"{self.path}:{number}: the columns of another file begin here; {remedy}")
        elif not self._looks_like_a_comment(line, bool(sentence.rows)):
            return False
        if line.startswith(DOMAIN):
            sentence.domain = line.removeprefix(DOMAIN).strip()
        if line.startswith(DOCUMENTS):
            self.structure[BOUNDARIES] += 1
        return True

    def _looks_like_a_comment(self, line: str, within_sentence: bool) -> bool:
        assert self.layout is not None
        if self.layout.is_conllu:
            return self.layout.ids == 0 or "\t" not in line  # a row can begin with `#` only where ids do not come first
        if self.comments is False:
            return False
        if self.layout.by_tabs and "\t" not in line:
            return line.startswith("# ") or self.comments is True
        row = self.layout.cells(line)
        if within_sentence or (self.layout.by_tabs and len(row) == self.layout.width):
            return False
        if self.comments is None and (self.layout.by_tabs or len(row) in (1, self.layout.width)):
            return False
        self.has_comments = self.has_comments or row[0] == "#"
        return True

    def _begin_document(self, number: int, sentence: Sentence) -> None:
        if sentence.rows:
            remedy = "put an empty line before it"
            raise DataError(f"{self.path}:{number}: a document begins within a sentence; {remedy}")
        self.structure[BOUNDARIES] += 1

    def _words_of(self, sentence: Sentence) -> Sentence:
        """Returns the sentence without its multiword tokens and empty nodes, which are counted."""
        assert self.layout is not None
        place = self.layout.ids
        if place is None or not self.layout.is_conllu:
            if place is None and self.chosen == "auto" and sentence.rows[0][0][:1].isdigit():
                self._check_rows_are_words(sentence)
            return sentence
        ids = [row[place] for row in sentence.rows]
        if is_counted(ids):
            return sentence
        found = numbering(ids)
        if found.wrong:
            row, what = found.wrong
            remedy = "mend the ids, or set the reader's `format` to 'columns' if each row is a token"
            raise DataError(f"{self.path}:{sentence.numbers[row]}: {what}; {remedy}")
        self.structure += Counter({MULTIWORD: found.multiword, EMPTY: found.empty})  # without those that are 0
        sentence.rows = [sentence.rows[row] for row in found.words]
        sentence.numbers = [sentence.numbers[row] for row in found.words]
        return sentence

    def _check_rows_are_words(self, sentence: Sentence) -> None:
        """Refuses ids of CoNLL-U that point to rows which are not words, in a file not recognised as CoNLL-U."""
        found = numbering([row[0] for row in sentence.rows])
        if found.wrong or not (found.multiword or found.empty):
            return
        words = set(found.words)
        row = next(row for row in range(len(sentence.rows)) if row not in words)
        what = f"`{sentence.rows[row][0]}` looks like the id of a row that is no word, as in CoNLL-U"
        remedy = "set the reader's `format` to 'conllu', or to 'columns' if it is a token"
        raise DataError(f"{self.path}:{sentence.numbers[row]}: {what}; {remedy}")
