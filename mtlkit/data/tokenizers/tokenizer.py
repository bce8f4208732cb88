"""The interface of tokenisers."""

from abc import abstractmethod

from mtlkit.config import Component


class Tokenizer(Component):
    """Cuts raw text into words. A whole one:

    @Tokenizer.register("letters")
    class LetterTokenizer(Tokenizer):
        def tokenize(self, text):
            return [letter for letter in text if not letter.isspace()]
    """

    @abstractmethod
    def tokenize(self, text: str) -> list[str]:
        """The words in order, none of them empty; an empty list where the text holds none."""
