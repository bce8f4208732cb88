"""Makes text from untrusted sources safe to show on a terminal, in a message or on a page."""

import json
import unicodedata

UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories of characters that are not displayed: controls, format marks (which can reorder or hide text),
surrogates, and line and paragraph separators.
"""

JOINERS = {"\u200c", "\u200d"}
"""The zero-width joiners, which Persian, Hindi and emoji need, and which are therefore kept."""

LONGEST_SHOWN = 1000


def visible(text: str) -> str:
    r"""Replaces every character that acts instead of being displayed by its JSON escape: ESC becomes `\u001b`.

    A JSON text remains JSON of the same value.
    """
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character in JOINERS or unicodedata.category(character) not in UNSEEN:
        return character
    return f"\\u{ord(character):04x}" if character <= "\x7f" else json.dumps(character)[1:-1]


def is_invisible(text: str) -> bool:
    """Whether a text has only white space and characters that are not displayed, zero-width joiners included."""
    return all(character.isspace() or unicodedata.category(character) in UNSEEN for character in text)


def on_one_line(text: str) -> str:
    """Escapes line breaks and control characters, as in `\\n` and `\\x1b`, so that the text stays on one line."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def printable(text: str, longest: int = LONGEST_SHOWN) -> str:
    """Puts untrusted text on one line and shortens it to `longest` characters."""
    plain = on_one_line(text.strip())
    return plain if len(plain) <= longest else plain[:longest] + "..."
