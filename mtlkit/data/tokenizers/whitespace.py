"""Words between white space."""

from typing import final

from mtlkit.data.tokenizers.tokenizer import Tokenizer


@final
@Tokenizer.register("whitespace")
class WhitespaceTokenizer(Tokenizer):
    """Cuts at white space and nowhere else: for text that is tokenised already."""

    def tokenize(self, text: str) -> list[str]:
        return text.split()
