"""Text that may be a stranger's, made safe to show on a terminal, in a message or on a page."""

import json
import unicodedata

UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Controls, marks that turn or hide what follows, surrogates, and ends of lines."""

JOINERS = {"\u200c", "\u200d"}
"""Of letters in Persian and Hindi, and of emoji."""

LONGEST_SHOWN = 1000


def visible(text: str) -> str:
    r"""The text with every character that acts instead of being seen as JSON's escape of it: ESC is `\u001b`.

    JSON stays JSON of the same value.
    """
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character in JOINERS or unicodedata.category(character) not in UNSEEN:
        return character
    return f"\\u{ord(character):04x}" if character <= "\x7f" else json.dumps(character)[1:-1]


def on_one_line(text: str) -> str:
    """The text with what breaks lines or moves a terminal's cursor written out, as in `\\n` and `\\x1b`."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def printable(text: str, longest: int = LONGEST_SHOWN) -> str:
    """A stranger's text on one line, and not too long."""
    plain = on_one_line(text.strip())
    return plain if len(plain) <= longest else plain[:longest] + "..."
