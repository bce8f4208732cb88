"""The two columns of a file that a task reads, with what is wrong in them placed at its line."""

from dataclasses import dataclass
from pathlib import Path
from typing import final

from mtlkit.data.instance import BETWEEN_TEXTS, check_no_mark
from mtlkit.data.readers.missing import Missing
from mtlkit.data.readers.sentences import Sentence
from mtlkit.errors import DataError
from mtlkit.text import is_invisible


@final
@dataclass(frozen=True)
class WordsAndTags:
    """The columns of words and of tags, by their positions, and what marks a missing tag.

    A file of which only the words are needed may lack the tags; `tags_at` is then None.
    """

    path: Path
    words_at: int
    tags_at: int | None
    missing: Missing

    def words(self, sentence: Sentence) -> tuple[str, ...]:
        """Returns the words. Raises DataError for one that is empty, cannot be seen, or is `BETWEEN_TEXTS`."""
        words = sentence.column(self.words_at)
        if "" in words:
            place = f"{self.path}:{sentence.numbers[words.index('')]}"
            raise DataError(f"{place}: an empty column where the word is due; write the word, or remove the line")
        if not sentence.is_ascii and (unseen := next(filter(is_invisible, words), None)):
            place = f"{self.path}:{sentence.numbers[words.index(unseen)]}"
            codes = " ".join(f"U+{ord(character):04X}" for character in unseen[:4])
            raise DataError(f"{place}: the word has only characters that are not visible ({codes}); remove the line")
        if not sentence.is_ascii and BETWEEN_TEXTS in words:
            try:
                check_no_mark(words)
            except DataError as error:
                raise DataError(f"{self.path}:{sentence.numbers[words.index(BETWEEN_TEXTS)]}: {error}") from None
        return words

    def tags(self, sentence: Sentence) -> tuple[str, ...] | None:
        """Returns the tags, or None if some are missing. Raises DataError if that is not clear, or one is empty."""
        if self.tags_at is None:
            return None
        tags = sentence.column(self.tags_at)
        try:
            if self.missing.tags(tags):
                return None
        except DataError as error:
            raise DataError(f"{self.path}:{sentence.numbers[0]}: {error}") from None
        if "" in tags:
            place = f"{self.path}:{sentence.numbers[tags.index('')]}"
            remedy = "write the tag, or set the reader's `missing` to [''] to leave such sentences out"
            raise DataError(f"{place}: an empty column where the tag is due; {remedy}")
        return tags
