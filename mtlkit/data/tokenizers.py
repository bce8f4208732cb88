"""Tokenisers: raw text into words."""

import re
from abc import abstractmethod
from typing import Annotated, final

from pydantic import Field

from mtlkit.config import Component
from mtlkit.errors import ConfigError, DataError
from mtlkit.types import Pattern


class Tokenizer(Component, offers=("files",)):
    """Cuts raw text into words. A whole one:

    @Tokenizer.register("letters")
    class LetterTokenizer(Tokenizer):
        def tokenize(self, text):
            return [letter for letter in text if not letter.isspace()]

    Given at build: `files` (Path or None), the folder of what it has saved (see `Component`).
    """

    @abstractmethod
    def tokenize(self, text: str) -> list[str]:
        """The words in order, none of them empty; an empty list where the text holds none."""


@final
@Tokenizer.register("whitespace")
class WhitespaceTokenizer(Tokenizer):
    """Cuts at white space and nowhere else: for text that is tokenised already."""

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
    """Takes every match of `pattern` as a word and drops what lies between.

    The default drops white space only. It keeps apostrophes inside words, whole numbers, links, @names, #tags, common
    emoticons and runs of one mark (`!!!`, `...`).
    """

    def __init__(self, pattern: Pattern = WORDS_AND_MARKS) -> None:
        self._pattern = re.compile(pattern)

    def tokenize(self, text: str) -> list[str]:
        return [match.group() for match in self._pattern.finditer(text) if match.group()]


@final
@Tokenizer.register("spacy")
class SpacyTokenizer(Tokenizer):
    """The rules of spaCy's blank pipeline for a language; no model is downloaded.

    Raises ConfigError where spaCy is not installed or does not know the language.
    """

    def __init__(self, language: Annotated[str, Field(pattern="^[a-z]{2,3}$")] = "en") -> None:
        try:
            import spacy
        except ImportError:
            raise ConfigError("the tokenizer 'spacy' needs spaCy: pip install 'mtlkit[spacy]'") from None
        try:
            self._pipeline = spacy.blank(language)
        except ImportError:
            raise ConfigError(f"spaCy has no language '{language}'; give a code such as 'en' or 'de'") from None

    def tokenize(self, text: str) -> list[str]:
        try:
            document = self._pipeline.make_doc(text)
        except UnicodeEncodeError:
            raise DataError("the text holds half of a character (a lone surrogate); mend or remove it") from None
        return [token.text for token in document if not token.is_space]
