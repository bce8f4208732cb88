"""Words found by a regular expression."""

import re
from typing import Annotated, final

from pydantic import AfterValidator

from mtlkit.data.tokenizers.tokenizer import Tokenizer

WORDS_AND_MARKS = (
    r"https?://\S+"
    r"|[<>]?[:;=8][-o*']?[)\](\[dDpP/\\|]+(?!\w)|<3"  # :) ;-( =D :-P
    r"|[@#]\w+"
    r"|\d+(?:[.,]\d+)+"  # 1,000.50
    r"|\w+(?:['’]\w+)*"  # don't
    r"|(?P<mark>[^\w\s])(?P=mark)*"  # ! ... !!!
)


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


@final
@Tokenizer.register("regex")
class RegexTokenizer(Tokenizer):
    """Takes every match of `pattern` as a word and drops what lies between.

    The default drops white space only. It keeps apostrophes inside words, whole numbers, links, @names, #tags, common
    emoticons and runs of one mark (`!!!`, `...`).
    """

    def __init__(self, pattern: Annotated[str, AfterValidator(_compiles)] = WORDS_AND_MARKS) -> None:
        self._pattern = re.compile(pattern)

    def tokenize(self, text: str) -> list[str]:
        return [match.group() for match in self._pattern.finditer(text) if match.group()]
