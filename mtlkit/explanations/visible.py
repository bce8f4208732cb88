"""Text of strangers, shown as text."""

import json
import unicodedata

UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Controls, marks that turn or hide what follows, surrogates, and ends of lines."""

JOINERS = {"\u200c", "\u200d"}
"""Of letters in Persian and Hindi, and of emoji."""


def visible(text: str) -> str:
    r"""The text with every character that acts instead of being seen as JSON's escape of it: ESC is `\u001b`.

    JSON stays JSON of the same value.
    """
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character in JOINERS or unicodedata.category(character) not in UNSEEN:
        return character
    return f"\\u{ord(character):04x}" if character <= "\x7f" else json.dumps(character)[1:-1]
