"""Tokenisers, which split raw text into words."""

import re
from abc import abstractmethod
from typing import Annotated, final

from pydantic import Field

from mtlkit.config import Component
from mtlkit.errors import ConfigError, DataError
from mtlkit.types import Pattern


class Tokenizer(Component, offers=("files",)):
    """Splits raw text into words. A complete example:

    @Tokenizer.register("letters")
    class LetterTokenizer(Tokenizer):
        def tokenize(self, text):
            return [letter for letter in text if not letter.isspace()]

    Run-time values offered: `files` (Path or None), the folder with the files that the component has saved (see
    `Component`).
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

    The default drops only white space. It keeps together words with apostrophes, numbers, links, @names, #tags, common
    emoticons and repeated punctuation (`!!!`, `...`).
    """

    def __init__(self, pattern: Pattern = WORDS_AND_MARKS) -> None:
        self._pattern = re.compile(pattern)

    def tokenize(self, text: str) -> list[str]:
        return [match.group() for match in self._pattern.finditer(text) if match.group()]


@final
@Tokenizer.register("spacy")
class SpacyTokenizer(Tokenizer):
    """The tokenisation rules of spaCy's blank pipeline for a `language`; no model is downloaded.

    Raises ConfigError if spaCy is not installed or does not know the language.
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
