"""Ordered sets of tokens with ids, and their file format."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Self, final

from mtlkit.data.lines import read_lines
from mtlkit.errors import DataError
from mtlkit.files import write_atomically

PADDING, UNKNOWN = "<pad>", "<unknown>"
PADDING_ID, UNKNOWN_ID, NO_ID = 0, 1, -1
SPECIAL = re.compile("[\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")


@final
class Namespace:
    """Tokens in a fixed order; the position of a token is its id.

    An open namespace (words, characters) begins with `<pad>` and `<unknown>` and gives every token an id; a word
    `<pad>` in a text is an ordinary word. A closed one (labels) gives unknown tokens -1.
    """

    def __init__(self, tokens: Iterable[str], *, is_open: bool) -> None:
        reserved = [PADDING, UNKNOWN] if is_open else []
        self.is_open = is_open
        self.tokens = [*reserved, *tokens]
        self._ids = {token: place for place, token in enumerate(self.tokens) if place >= len(reserved)}
        self._unknown = UNKNOWN_ID if is_open else NO_ID
        assert len(self._ids) == len(self.tokens) - len(reserved), "a token stands twice"

    def index(self, token: str) -> int:
        """Returns the id of a token. If it is unknown, the id is 1, or -1 in a closed namespace."""
        return self._ids.get(token, self._unknown)

    def indices(self, tokens: Iterable[str]) -> list[int]:
        """Returns the id of each token, as `index` does."""
        ids, unknown = self._ids, self._unknown
        return [ids.get(token, unknown) for token in tokens]

    def token(self, index: int) -> str:
        """Returns the token with this id."""
        return self.tokens[index]

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Namespace) and (self.is_open, self.tokens) == (other.is_open, other.tokens)

    __hash__ = None  # type: ignore[assignment]  # equal by content, and long

    def save(self, path: Path) -> None:
        r"""Writes one token per line, atomically. `\` and control characters are escaped as `\\` and `\uXXXX`."""
        lines = [SPECIAL.sub(_escaped, token) + "\n" for token in self.tokens]
        write_atomically(path, "".join(lines).encode())

    @classmethod
    def load(cls, path: Path, *, is_open: bool) -> Self:
        """Reads a file that `save` wrote. Raises DataError if the file is missing or is not in that format."""
        tokens = [re.sub(r"\\(\\|u[0-9a-f]{4})", _unescaped, line) for _, line in read_lines(path)]
        reserved = 2 if is_open else 0
        if tokens[:reserved] != [PADDING, UNKNOWN][:reserved] or len(set(tokens[reserved:])) != len(tokens) - reserved:
            raise DataError(f"{path}: not a vocabulary file of mtlkit; take the one that training wrote")
        return cls(tokens[reserved:], is_open=is_open)


def _escaped(match: re.Match[str]) -> str:
    return "\\\\" if match[0] == "\\" else f"\\u{ord(match[0]):04x}"


def _unescaped(match: re.Match[str]) -> str:
    return "\\" if match[1] == "\\" else chr(int(match[1][1:], 16))
