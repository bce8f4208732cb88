r"""Words and marks of all scripts: what the `regex` tokenizer finds in texts with characters made of several.

A combining mark, a vowel sign, a joiner or a variation selector belongs to the character before it (a grapheme cluster,
Unicode Standard Annex #29), and so do the parts of a flag, a keycap or an emoji of several people. Python's `\w` knows
none of this: it cuts `अच्छी` into four words.
"""

import re
from functools import cache
from typing import Any

import regex

SPACE = r"\s\x1c-\x1f\u200b"
"""White space as Python has it, and the zero-width space, by which Khmer and Thai texts may separate words."""
UNSPACED = r"\p{Han}\p{Hiragana}\p{Line_Break=Complex_Context}"
"""Scripts that put no spaces between words. The last are Thai, Lao, Khmer, Myanmar and their relatives."""
LETTER = rf"[\p{{L}}\p{{N}}_--[{UNSPACED}]]"
JOINED = r"\p{M}\u200c\u200d"
"""Marks, ZWNJ and ZWJ, which belong to what is before them."""
LETTERS = rf"{LETTER}[{LETTER}{JOINED}]*+"
EMOJI_PART = rf"[{JOINED}\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
"""What may follow an emoji: marks and joiners, a skin tone, or a tag of the flags of Scotland and other regions."""
AM = r"\u0e33\u0eb3"
"""The vowel signs of Thai and Lao that Unicode calls letters, although they belong to the consonant before them."""
STACKERS = r"\u1039\u17d2\u1a60"
"""Signs of Myanmar, Khmer and Tai Tham that put the next consonant below the one before."""

# The order is that of WORDS_AND_MARKS, whose words these are in texts without such characters.
WORDS_AND_CLUSTERS = rf"""
    https?://[^{SPACE}]+
  | [0-9\#*]\ufe0f?\u20e3  # a keycap
  | [<>]?[:;=8][-o*']?[)\](\[dDpP/\\|]+(?![\p{{L}}\p{{N}}\p{{M}}_]) | <3
  | [@\#][\p{{L}}\p{{N}}_][\p{{L}}\p{{N}}{JOINED}_]*+
  | \d+(?:[.,]\d+)+[{JOINED}]*+
  | (?=[\p{{L}}\p{{N}}])[{UNSPACED}](?:[{JOINED}{AM}]|(?<=[{STACKERS}])\p{{L}})*+
  | {LETTERS}(?:['’\u00ad\u2060]{LETTERS})*  # with apostrophes, soft hyphens and word joiners inside
  | (?P<mark>(?>
        [\U0001f1e6-\U0001f1ff]{{2}}{EMOJI_PART}*+  # a flag
      | \p{{Extended_Pictographic}}(?:{EMOJI_PART}|(?<=\u200d)\p{{Extended_Pictographic}})*+
      | [^{SPACE}\p{{L}}\p{{N}}_]{EMOJI_PART}*+
    ))(?:(?P=mark)(?!{EMOJI_PART}))*
"""
NEEDED_FOR = rf"[\p{{M}}\u00ad\u200b-\u200d\u2060{UNSPACED}]"
"""The characters below U+10000 of which WORDS_AND_CLUSTERS knows more than WORDS_AND_MARKS."""


def needs_clusters(text: str) -> bool:
    """Returns whether a text may have characters that only `words_and_clusters` keeps with what they belong to."""
    return not text.isascii() and _needed().search(text) is not None


def words_and_clusters(text: str) -> list[str]:
    """Returns the words and marks of a text, none of them empty. Only white space is left out."""
    return [match.group() for match in _words_and_clusters().finditer(text)]


@cache
def _words_and_clusters() -> Any:
    return regex.compile(WORDS_AND_CLUSTERS, regex.V1 | regex.VERBOSE)


@cache
def _needed() -> re.Pattern[str]:
    """Returns NEEDED_FOR and all characters from U+10000 on as a class for Python's `re`.

    Without the properties, looking for one is thirty times as fast, which matters where every text has accents.
    """
    characters = "".join(chr(code) for code in range(0x80, 0x10000) if not 0xD800 <= code < 0xE000)
    runs = regex.findall(rf"{NEEDED_FOR}+", characters, regex.V1)
    ranges = "".join(f"\\u{ord(run[0]):04x}-\\u{ord(run[-1]):04x}" for run in runs)
    return re.compile(rf"[{ranges}\U00010000-\U0010ffff]")
