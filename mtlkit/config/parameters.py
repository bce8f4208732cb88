"""Reads the parameters of the functions that a Jsonnet file defines out of its text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"""
    (?P<nothing>\s+|//[^\n]*|\#[^\n]*|/\*.*?\*/)
    |\|\|\|-?[ \t\r]*\n(?:[ \t\r]*\n)*              # a text block: it goes on as long as lines begin
    (?P<indent>[ \t]+)[^\n]*\n                      # with the white space of its first one
    (?:(?P=indent)[^\n]*\n|[ \t\r]*\n)*[ \t]*\|\|\|
    |@'(?:[^']|'')*'|@"(?:[^"]|"")*"                # verbatim strings
    |'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"
    |[A-Za-z_]\w*|.
    """,
    re.DOTALL | re.VERBOSE,
)
CLOSING = {"(": ")", "[": "]", "{": "}"}
AFTER_PARAMETERS = ("=", ":")
"""What follows the parameters in `local f(x) = x` and `{ f(x):: x }`."""
KEYWORD = re.compile(
    "assert|else|error|false|for|function|if|import|importstr|importbin|in|local|null|self|super|tailstrict|then|true"
)


@dataclass
class _Bracket:
    """An open bracket: what closes it, whether `function` stands before it, and the first token of each part."""

    closing: str
    of_function: bool = False
    firsts: list[str] = field(default_factory=list)


def parameter_lists(text: str) -> Iterator[list[str]]:
    """The names of the parameters of each function that a file defines, in the order in which their lists end.

    A few other lists of names in parentheses may be among them: a call looks like a definition where a single `:` or
    `=` follows it, as in `assert f(x) : 'no'` and `f(x) == 1`.

    Args:
        text: the content of one file, which Jsonnet can parse. Text that is not Jsonnet gives lists without meaning.
    """
    open_brackets = [_Bracket("")]
    closed: _Bracket | None = None
    """The parentheses that the token before closed."""
    previous = ""
    for token in (found[0] for found in TOKEN.finditer(text) if found["nothing"] is None):
        if closed is not None and (closed.of_function or token in AFTER_PARAMETERS) and _are_names(closed.firsts):
            yield closed.firsts
        closed = None
        if token == open_brackets[-1].closing:
            bracket = open_brackets.pop()
            closed = bracket if token == ")" else None
        elif previous in ("(", ","):
            open_brackets[-1].firsts.append(token)
        if token in CLOSING:
            open_brackets.append(_Bracket(CLOSING[token], previous == "function"))
        previous = token


def _are_names(words: list[str]) -> bool:
    return all(word.isidentifier() and not KEYWORD.fullmatch(word) for word in words) and len(set(words)) == len(words)
