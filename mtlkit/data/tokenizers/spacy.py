"""spaCy's tokeniser."""

from typing import Annotated, final

from pydantic import Field

from mtlkit.data.tokenizers.tokenizer import Tokenizer
from mtlkit.errors import ConfigError, DataError


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
