"""Reads what may be the parameters of functions out of the text of a Jsonnet file."""

import re
from collections.abc import Iterator

TOKEN = re.compile(
    r"""
    (?P<nothing>\s+|//[^\n]*|\#[^\n]*|/\*.*?\*/)
    |\|\|\|.*?^\s*\|\|\|                                # a text block
    |@'(?:[^']|'')*'|@"(?:[^"]|"")*"                    # verbatim text
    |'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"
    |[A-Za-z_]\w*|.
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
CLOSING = {"(": ")", "[": "]", "{": "}"}


def parameter_lists(text: str) -> Iterator[list[str]]:
    """The names in each pair of parentheses, where each of its parts begins with another name; the inner ones first.

    Those of functions are among them, and those of calls. `text` may be several files.
    """
    open_lists: list[tuple[str, list[str]]] = [("", [])]
    expected = False
    for token in (found[0] for found in TOKEN.finditer(text) if found["nothing"] is None):
        closing, names = open_lists[-1]
        if token == closing:
            open_lists.pop()
            if token == ")" and all(name.isidentifier() for name in names) and len(set(names)) == len(names):
                yield names
        elif expected:
            names.append(token)
        expected = token in ("(", ",")
        if token in CLOSING:
            open_lists.append((CLOSING[token], []))
