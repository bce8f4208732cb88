"""Extracts the parameters of the functions that a Jsonnet file defines from its source text."""

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
"""The tokens that follow a parameter list in `local f(x) = x` and `{ f(x):: x }`."""
KEYWORD = re.compile(
    "assert|else|error|false|for|function|if|import|importstr|importbin|in|local|null|self|super|tailstrict|then|true"
)


@dataclass
class _Bracket:
    """An open bracket: its closing bracket, whether it follows the keyword `function`, and the first token of each
    part.
    """

    closing: str
    of_function: bool = False
    firsts: list[str] = field(default_factory=list)


def parameter_lists(text: str) -> Iterator[list[str]]:
    """Yields the parameter names of each function that a file defines, in the order in which the lists are closed.

    A few other lists of names in parentheses may be included: a call looks like a definition if a single `:` or `=`
    follows it, as in `assert f(x) : 'no'` and `f(x) == 1`.

    Args:
        text: the content of one file that Jsonnet can parse. For text that is not Jsonnet, the result is meaningless.
    """
    open_brackets = [_Bracket("")]
    closed: _Bracket | None = None
    """The parentheses that were closed by the previous token."""
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
