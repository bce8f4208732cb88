"""Words found by a regular expression."""

import re
from typing import final

from mtlkit.data.tokenizers.tokenizer import Tokenizer
from mtlkit.types import Pattern

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
