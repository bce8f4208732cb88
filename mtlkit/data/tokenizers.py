"""Tokenisers, which split raw text into words."""

import re
from abc import abstractmethod
from importlib.util import find_spec
from typing import Annotated, final

from pydantic import Field

from mtlkit.config import Component
from mtlkit.data.graphemes import needs_clusters, words_and_clusters
from mtlkit.errors import ConfigError, DataError
from mtlkit.process.processor_time import OutOfTime, limited
from mtlkit.types import Pattern

MATCHING_SECONDS = 10
"""The limit on the processor time that a pattern of an experiment may take for one text."""


class Tokenizer(Component, offers=("files",)):
    """Splits raw text into words. A complete example:

    @Tokenizer.register("letters")
    class LetterTokenizer(Tokenizer):
        def tokenize(self, text):
            return [letter for letter in text if not letter.isspace()]

    Run-time values of the constructor: `files` (Path or None), the folder with the files that the component has saved
    (see `Component`).
    """

    @abstractmethod
    def tokenize(self, text: str) -> list[str]:
        """Returns the words in order, none of them empty; an empty list if the text has none."""


@final
@Tokenizer.register("whitespace")
class WhitespaceTokenizer(Tokenizer):
    """Splits at white space and nowhere else, for text that is tokenised already."""

    def tokenize(self, text: str) -> list[str]:
        return text.split()


WORDS_AND_MARKS = (
    r"https?://\S+"
    r"|[<>]?[:;=8][-o*']?[)\](\[dDpP/\\|]+(?!\w)|<3"  # :) ;-( =D :-P
    r"|[@#]\w+"
    r"|\d+(?:[.,]\d+)+"  # 1,000.50
    r"|\w+(?:['’]\w+)*"  # don't
    r"|(?P<mark>[^\w\s])(?P=mark)*"  # ! ... !!!
)


@final
@Tokenizer.register("regex")
class RegexTokenizer(Tokenizer):
    """Returns every match of `pattern` as a word and drops the text between matches.

    Without a pattern, it drops only white space. It keeps together words with apostrophes, numbers, links, @names,
    #tags, common emoticons and repeated punctuation (`!!!`, `...`). Combining marks, vowel signs, joiners and variation
    selectors stay with what is before them, and so do the parts of an emoji, a flag or a keycap: in any script, a word
    is a run of letters, digits and their marks.

    There is one exception: scripts without spaces between words (Chinese characters and Hiragana; Thai, Lao, Khmer,
    Myanmar and their relatives) are cut into single characters with their marks, as runs of them would be whole
    phrases. For words of these scripts, give text that is split by spaces, or take a tokenizer that knows the language,
    such as `spacy` with `ja` or `th`.

    A pattern is a regular expression of Python's `re`, and is used as it is. On some texts a pattern may backtrack
    almost without end, such as `(a+)+b` on many `a`; a text for which it takes more than 10 seconds of processor time
    is an error.
    """

    def __init__(self, pattern: Pattern | None = None) -> None:
        self._own_pattern = pattern
        self._pattern = re.compile(pattern or WORDS_AND_MARKS)

    def tokenize(self, text: str) -> list[str]:
        if self._own_pattern is None and needs_clusters(text):
            return words_and_clusters(text)
        if self._own_pattern is None:
            return self._matches(text)
        try:
            with limited(MATCHING_SECONDS):
                return self._matches(text)
        except OutOfTime:
            raise DataError(
                f"the tokenizer's pattern takes more than {MATCHING_SECONDS} seconds on this text; shorten the text, "
                "or write a pattern without repetitions inside repetitions"
            ) from None

    def _matches(self, text: str) -> list[str]:
        return [match.group() for match in self._pattern.finditer(text) if match.group()]


@final
@Tokenizer.register("spacy")
class SpacyTokenizer(Tokenizer):
    """The tokenisation rules of spaCy's blank pipeline for a `language`; no model is downloaded.

    For some languages, such as `ja` and `th`, spaCy needs a library of its own.

    Raises ConfigError if spaCy is not installed, does not know the language, or lacks a library for it.
    """

    def __init__(self, language: Annotated[str, Field(pattern="^[a-z]{2,3}$")] = "en") -> None:
        try:
            import spacy
        except ImportError:
            raise ConfigError("the tokenizer 'spacy' needs spaCy: pip install 'mtlkit[spacy]'") from None
        try:
            self._pipeline = spacy.blank(language)
        except ImportError as error:
            if find_spec(f"spacy.lang.{language}") is None:
                raise ConfigError(f"spaCy has no language '{language}'; give a code such as 'en' or 'de'") from None
            why = str(error).split("\n")[0]
            raise ConfigError(f"spaCy lacks a library for the language '{language}' ({why}); install it") from None

    def tokenize(self, text: str) -> list[str]:
        try:
            document = self._pipeline.make_doc(text)
        except UnicodeEncodeError:
            raise DataError("the text holds half of a character (a lone surrogate); mend or remove it") from None
        return [token.text for token in document if not token.is_space]
