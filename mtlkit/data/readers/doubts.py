"""What in a file of columns looks like data and is most likely something else, so that it is refused."""

import re
from itertools import takewhile
from typing import final

from mtlkit.data.readers.conllu import ID
from mtlkit.data.readers.layout import Layout
from mtlkit.data.readers.missing import unclear_tag
from mtlkit.data.readers.sentences import ColumnsFile, Sentence
from mtlkit.data.readers.words_and_tags import WordsAndTags
from mtlkit.data.tag_schemes.forms import OUTSIDE_MARKS
from mtlkit.errors import DataError

WORD_TITLES = {"token", "tokens", "word", "words", "form", "forms", "text", "sentence", "tok"}
TAG_TITLES = {
    "tag", "tags", "label", "labels", "target", "ner", "ner_tag", "ner_tags", "entity", "entities", "iob", "bio",
    "pos", "pos_tag", "pos_tags", "upos", "xpos", "chunk", "chunks", "chunk_tag", "chunk_tags",
}  # fmt: skip
LONGEST_ALONE = 1000
"""The maximum number of words of a sentence that is the only one of a file."""
MOST_TAGS = 2000
"""The maximum number of tags that a file may have for its columns to count as exchanged."""
FEWEST_WORDS = 20
JOINED = re.compile(r".+/[A-Za-z$.,:-]+")
SPAN_TAG = re.compile(r"O|[BIELSUMW][-_].+|.+[-_][BIELSUMW]")


@final
class Doubts:
    """Watches the sentences of one file as they are read, and says at the end what cannot be meant.

    Args:
        file: the file, whose `has_comments` is asked at the end.
        layout: its layout.
        columns: the columns of words and tags.
    """

    def __init__(self, file: ColumnsFile, layout: Layout, columns: WordsAndTags) -> None:
        self._file, self._path, self._layout = file, file.path, layout
        self._words_at, self._missing = columns.words_at, columns.missing
        self._first: tuple[int, str, str] | None = None
        self._hashes: list[tuple[int, str]] = []
        self._tags: set[str] = set()
        self._words: set[str] = set()
        """The first distinct words; not many more than `MOST_TAGS`."""
        self._num_parallel = self._num_blank = 0
        """The numbers of tags with blanks that have as many parts as their word, and of all tags with blanks."""
        self._lines: dict[str, int] = {}
        """The line of the first tag that may stand for no tag, by the tag."""
        # Each is true until a sentence shows the contrary, so that most files are watched at no cost.
        self._all_numbered = self._all_with_commas = self._all_hidden = self._all_quoted = file.chosen == "auto"
        self._last_number = -1
        self._num_sentences = self._num_words = self._longest = 0
        self._may_have_comments = file.comments is None and not layout.has_header and not layout.is_conllu

    @property
    def tags(self) -> set[str]:
        """The tags that were seen."""
        return self._tags | ({self._first[2]} if self._first else set())

    def see(self, sentence: Sentence, words: tuple[str, ...], tags: tuple[str, ...]) -> None:
        """Takes note of a sentence. Raises DataError if it is the first, and begins with a header."""
        is_first = self._first is None
        if is_first:
            self._begin(sentence, words[0], tags[0])
        self._num_sentences += 1
        self._num_words += len(words)
        self._longest = max(self._longest, len(words))
        if self._all_numbered or self._all_with_commas or self._all_hidden or self._all_quoted:
            self._see_words(words)
        doubtful = int(is_first)  # rows at the beginning, whose tags do not count as known
        if self._words_at and self._file.chosen == "auto" and self._layout.ids is None:
            self._check_ids(sentence)
        if self._may_have_comments and sentence.rows[0][0][:1] == "#":
            doubtful = max(doubtful, self._note_hashes(sentence, tags))
        if len(self._words) < MOST_TAGS:
            self._words.update(words)
        num_tags = len(self._tags)
        self._tags.update(tags[doubtful:] if doubtful else tags)
        if doubtful or len(self._tags) > num_tags:
            self._see_blanks(words, tags)
            for mark in OUTSIDE_MARKS.intersection(tags):
                self._lines.setdefault(mark, sentence.numbers[tags.index(mark)])

    def check(self) -> None:
        """Raises DataError if the file as a whole shows that something in it is not what it is read as."""
        if self._first is None:
            return
        place = f"{self._path}:{self._first[0]}"
        self._check_hashes()
        if self._file.chosen == "auto" and (doubt := self._doubt_of_all_words()):
            raise DataError(f"{place}: {doubt}")
        _, word, tag = self._first
        if (mark := self._missing.doubtful(self._tags | self._lines.keys())) is not None:
            raise DataError(f"{self._path}:{self._lines[mark]}: {unclear_tag(mark)}")
        is_said_to_be_a_token = word[0] == "#" and self._file.comments is False
        if not is_said_to_be_a_token and "O" in self._tags and not SPAN_TAG.fullmatch(tag) and self._all_span_tags():
            raise DataError(
                f"{place}: '{word}' with tag '{tag}' seems to be a header; remove the line, or mend its tag"
            )

    def _doubt_of_all_words(self) -> str | None:
        unless = "or set the reader's `format` to 'columns' if"
        if self._all_numbered and self._longest > 1:
            return f"column {self._words_at} numbers the tokens; set the reader's `words` to another, {unless} not"
        if self._all_with_commas and not self._layout.by_tabs:
            return f"columns seem to be separated by commas; separate them by TABs, {unless} not"
        if self._all_quoted:
            return f"each word is between double quotes, as in CSV; remove them, {unless} they belong to it"
        if self._all_hidden:
            return f"each word of the file is `_`, as where words are withheld; fill them in, {unless} they are words"
        if self._num_blank and self._num_parallel == self._num_blank:
            return f"a line seems to hold a whole sentence and its tags; write one token per line, {unless} not"
        if all(map(JOINED.fullmatch, self._tags | self._words)):
            return f"words and tags seem to be joined by `/`; write one token per line, {unless} not"
        if self._are_exchanged():
            what = f"{len(self._tags):,} tags for {len(self._words):,} words, as if they had changed places"
            return f"{what}; exchange the reader's `words` and `tags`, {unless} they are tags"
        if self._num_sentences == 1 and self._longest > LONGEST_ALONE:
            what = f"a single sentence of {self._longest:,} words"
            return f"{what}; put an empty line after each sentence, {unless} it is one"
        return None

    def _are_exchanged(self) -> bool:
        """Whether there are so many more tags than words that words seem to be read as tags."""
        are_few = self._num_words < FEWEST_WORDS or len(self._words) >= MOST_TAGS
        return not are_few and len(self._tags) >= 3 * len(self._words) and not self._all_span_tags()

    def _begin(self, sentence: Sentence, word: str, tag: str) -> None:
        self._first = (sentence.numbers[0], word, tag)
        titles = [cell.lstrip("# ").casefold() for cell in sentence.rows[0]]
        named = word.lstrip("# ").casefold() in WORD_TITLES and tag.casefold() in TAG_TITLES
        if named or (len(titles) > 1 and all(title in WORD_TITLES | TAG_TITLES | {"id"} for title in titles)):
            what = f"'{word}' with tag '{tag}' seems to be a header, not a token"
            raise DataError(f"{self._path}:{sentence.numbers[0]}: {what}; remove the line")

    def _check_ids(self, sentence: Sentence) -> None:
        """Refuses rows that are not words according to their ids, in a column that is not known to have ids."""
        if not sentence.rows[0][0][:1].isdigit():
            return
        ids = [ID.fullmatch(row[0]) for row in sentence.rows]
        others = [place for place, each in enumerate(ids) if each is not None and each[2]]
        if others and all(ids) and len(ids) > 1:
            what = f"`{sentence.rows[others[0]][0]}` looks like the id of a row that is no word, as in CoNLL-U"
            remedy = "set the reader's `format` to 'conllu', or to 'columns' if each row is a token"
            raise DataError(f"{self._path}:{sentence.numbers[others[0]]}: {what}; {remedy}")

    def _see_blanks(self, words: tuple[str, ...], tags: tuple[str, ...]) -> None:
        blank = [(word, tag) for word, tag in zip(words, tags, strict=True) if " " in tag]
        self._num_blank += len(blank)
        self._num_parallel += sum(len(word.split()) == len(tag.split()) for word, tag in blank)

    def _see_words(self, words: tuple[str, ...]) -> None:
        self._all_quoted = self._all_quoted and all(word[0] == word[-1] == '"' and len(word) > 2 for word in words)
        self._all_hidden = self._all_hidden and all(word == "_" for word in words)
        self._all_with_commas = self._all_with_commas and all(word[-1] == "," and len(word) > 1 for word in words)
        self._all_numbered = self._all_numbered and self._continues(words)

    def _continues(self, words: tuple[str, ...]) -> bool:
        """Whether the words count from 0 or 1, or on from the sentence before."""
        first = words[0]
        if not (first.isdecimal() and first.isascii() and len(first) < 10):
            return False
        start = int(first)
        last, self._last_number = self._last_number, start + len(words) - 1
        return start in (0, 1, last + 1) and words == tuple(map(str, range(start, start + len(words))))

    def _note_hashes(self, sentence: Sentence, tags: tuple[str, ...]) -> int:
        """Notes the rows at the beginning of a sentence whose first column is `#`, or begins with `# `: each may be a
        comment. Returns their number.
        """
        hashed = list(takewhile(lambda row: row[0] == "#" or row[0].startswith("# "), sentence.rows))
        self._hashes += zip(sentence.numbers, tags[: len(hashed)], strict=False)
        return len(hashed)

    def _check_hashes(self) -> None:
        for number, tag in self._hashes:
            if self._file.has_comments or (tag not in self._tags and tag != "#"):
                what = f"`#` with tag '{tag}' may be a token or a comment"
                remedy = "set the reader's `comments` to true or false"
                if self._layout.by_tabs:  # a row with TABs and all columns is never a comment
                    remedy = "remove the line, or set the reader's `comments` to false if it is a token"
                raise DataError(f"{self._path}:{number}: {what}; {remedy}")

    def _all_span_tags(self) -> bool:
        return all(SPAN_TAG.fullmatch(tag) for tag in self._tags)
