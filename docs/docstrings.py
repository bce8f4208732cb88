"""Docstrings and signatures of Python code as Markdown."""

import ast
import inspect
import re
import textwrap
from itertools import groupby, pairwise
from typing import Any

WIDTH = 100
"""The longest signature, in characters, that is written on one line."""


def field_meanings(kind: type) -> dict[str, str]:
    """The fields of a dataclass that have a docstring below them, which only the source has."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    return {
        ast.unparse(field.target): " ".join(inspect.cleandoc(below.value.value).split())
        for field, below in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


def signature_and_docstring(path: str, function: Any) -> list[str]:
    """The signature of a function, a line for each parameter where it is long, and its docstring."""
    signature = inspect.signature(function)
    words = [_parameter(parameter) for parameter in signature.parameters.values() if parameter.name != "self"]
    keywords = [p.name for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
    if keywords:
        words.insert(next(n for n, word in enumerate(words) if word.startswith(f"{keywords[0]}:")), "*")
    result = f" -> {_annotation(signature.return_annotation)}"
    line = f"{path}({', '.join(words)}){result}"
    code = [line] if len(line) <= WIDTH else [f"{path}(", *(f"    {word}," for word in words), f"){result}"]
    return ["```python", *code, "```", "", *docstring(inspect.cleandoc(function.__doc__ or ""))]


def _parameter(parameter: inspect.Parameter) -> str:
    shown = f"{parameter.name}: {_annotation(parameter.annotation)}"
    if parameter.default is inspect.Parameter.empty:
        return shown
    return f"{shown} = {getattr(parameter.default, '__name__', None) or repr(parameter.default)}"


def _annotation(annotation: Any) -> str:
    """A type as it is written, without the names of modules."""
    text = re.sub(r"\b(?:\w+\.)+(?=\w)", "", inspect.formatannotation(annotation))
    return re.sub(r"Union\[(\w+), ([^|]+)\]$", r"\1 | \2", text)  # typing's form, where a Literal is among the types


def docstring(text: str) -> list[str]:
    """A docstring's paragraphs; what follows `Args:` is a list of parameters."""
    lines: list[str] = []
    for part in text.split("\n\n"):
        head, *rest = part.splitlines()
        if head == "Args:":
            rest = textwrap.dedent("\n".join(rest)).splitlines()
            lines += [re.sub(r"^(\w+): ", r"- `\1`: ", escaped(line)) for line in rest]
        elif head == "Returns:":
            said = " ".join(map(str.strip, rest))
            lines += [f"Returns {said[0].lower()}{said[1:]}"]
        else:
            lines += prose(part)
        lines.append("")
    return lines[:-1]


def without_settings(docstring: str, names: set[str]) -> tuple[str, dict[str, str]]:
    """The docstring without its lines `name: what` on settings, and these, each with the lines that continue it."""
    kept: list[str] = []
    described: dict[str, str] = {}
    current = ""
    for line in docstring.splitlines():
        indent = len(line) - len(line.lstrip())
        found = re.match(r"\s*(\w+): (.+)", line)
        if found and found[1] in names:
            current, margin = found[1], indent
            described[current] = found[2][0].upper() + found[2][1:]
        elif current and line.strip() and indent > margin:
            described[current] += " " + line.strip()
        else:
            current = ""
            if line.strip() != "Args:":
                kept.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip(), described


def prose(text: str) -> list[str]:
    """Paragraphs as they are, code (indented, or begun by a decorator) in a fence, `Raises:` as a sentence."""
    lines: list[str] = []
    for is_code, paragraphs in groupby(text.split("\n\n"), lambda part: part.startswith(("    ", "@"))):
        if is_code:
            code = textwrap.dedent("\n\n".join(paragraphs))
            lines += ["```python", *code.splitlines(), "```", ""]
            continue
        for paragraph in paragraphs:
            first, *rest = paragraph.splitlines()
            if first == "Raises:":
                first, *rest = [f"Raises {' '.join(line.strip() for line in rest)}"]
            lines += [*map(escaped, [first, *rest]), ""]
    return lines[:-1]


def escaped(text: str) -> str:
    """Text as Markdown: stars and angle brackets outside of code are themselves."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([*])", r"\\\1", part).replace("<", "&lt;") for part in parts[::2]]
    return "`".join(parts)
