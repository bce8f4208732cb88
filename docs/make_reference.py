"""Writes docs/reference.md, docs/cli.md and docs/python.md from the code: `python docs/make_reference.py`.

Docstrings and signatures are the source; a test fails when the pages are not what this script makes of them.
Components of plugins are left out.
"""

import ast
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import typer

import mtlkit
from mtlkit.cli.app import app
from mtlkit.config import Component, interfaces, settings_of
from mtlkit.config.describe import SettingDescription
from mtlkit.experiment import SECTIONS

NOTE = "<!-- Made by docs/make_reference.py from the code; do not edit. -->\n"
FUNCTIONS = ("load_experiment", "train", "evaluate", "predict", "load_archive", "export", "keep_freed_memory")
CLASSES = ("Run", "LoadedArchive", "LoadedExperiment", "Evaluation")
WIDTH = 100
"""Of a signature on one line."""


def reference() -> str:
    """The page of every section, interface and component that mtlkit itself brings."""
    kinds = {kind: interface for kind, interface in interfaces().items() if interface.__module__.startswith("mtlkit.")}
    sections = list(SECTIONS.values())
    links = {section.__name__: section.__name__.lower() for section in sections}
    links |= {interface.__name__: kind for kind, interface in kinds.items()}
    lines = [
        "# Reference",
        NOTE,
        "Every setting of an experiment file: first its sections, then the components that can stand in them, by kind.",
        "A component is always written `{ type: 'name', setting: value, ... }`; a setting without a default must be",
        "given. The command `mtlkit components` prints the same, with the components of installed plugins, and",
        "`mtlkit schema` writes it as a JSON Schema.",
        "",
        "Sections: " + ", ".join(f"[{section.__name__}](#{section.__name__.lower()})" for section in sections) + ".",
        "",
        "Components: " + ", ".join(f"[{kind}](#{kind})" for kind in kinds) + ".",
    ]
    for section in sections:
        lines += ["", f"## {section.__name__}", "", *_prose(inspect.cleandoc(section.__doc__ or ""))]
        settings = settings_of(section)
        lines += _table(settings, {setting.name: setting.meaning for setting in settings}, links)
    for kind, interface in kinds.items():
        lines += ["", f"## {kind}", "", *_interface(interface)]
        for name in interface.list_available():
            component = interface.by_name(name)
            if component.__module__.startswith("mtlkit."):
                lines += ["", f"### {name}", "", *_component(component, links)]
    return "\n".join(lines) + "\n"


def cli() -> str:
    """The page of every verb of the command line."""
    group: Any = typer.main.get_command(app)
    lines = [
        "# Command line",
        NOTE,
        f"`mtlkit` — {group.help}",
        "",
        "A user's mistake ends with its message on standard error and exit code 2. Tables and records go to standard",
        "output, everything else to standard error. `mtlkit VERB --help` prints what stands here.",
    ]
    for path, command in _verbs(group, "mtlkit"):
        lines += ["", f"## {path}", "", _escaped(command.help), "", f"    {_usage(path, command)}"]
        if rows := [f"| {_names(parameter)} | {_meaning(parameter)} |" for parameter in _described(command)]:
            lines += ["", "| | |", "|---|---|", *rows]
    return "\n".join(lines) + "\n"


def python() -> str:
    """The page of the functions and classes with which experiments are run from Python."""
    lines = [
        "# Python",
        NOTE,
        "The command line is a thin layer on these functions: each verb calls the function of its name. The",
        "[quickstart](quickstart.md#in-python) has examples. Errors are subclasses of `mtlkit.MtlkitError`, with the",
        "sentences that the command line prints; nothing is printed unless `say` is given. Names for plugins, such as",
        "`mtlkit.Encoder`, are explained in [Write a plugin](write-a-plugin.md).",
    ]
    for name in FUNCTIONS:
        lines += ["", f"## mtlkit.{name}", "", *_callable(f"mtlkit.{name}", getattr(mtlkit, name))]
    for name in CLASSES:
        kind = getattr(mtlkit, name)
        lines += ["", f"## mtlkit.{name}", "", *_sections(inspect.cleandoc(kind.__doc__ or ""))]
        fields = _fields(kind)
        lines += ["", *(f"- `{field}`: {meaning}" for field, meaning in fields.items())] if fields else []
        for member, value in list(vars(kind).items()):
            if not member.startswith("_") and member not in kind.__annotations__:
                lines += ["", f"### {name}.{member}", "", *_member(f"{name}.{member}", value)]
    return "\n".join(lines) + "\n"


def _fields(kind: type) -> dict[str, str]:
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


def _member(path: str, value: Any) -> list[str]:
    """A method with its signature, or a property."""
    if inspect.isfunction(value):
        return _callable(path, value)
    return _prose(inspect.cleandoc(value.__doc__ or ""))


def _callable(path: str, function: Any) -> list[str]:
    """The signature of a function, a line for each parameter where it is long, and its docstring."""
    signature = inspect.signature(function)
    words = [_parameter(parameter) for parameter in signature.parameters.values() if parameter.name != "self"]
    keywords = [p.name for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
    if keywords:
        words.insert(next(n for n, word in enumerate(words) if word.startswith(f"{keywords[0]}:")), "*")
    result = f" -> {_annotation(signature.return_annotation)}"
    line = f"{path}({', '.join(words)}){result}"
    code = [line] if len(line) <= WIDTH else [f"{path}(", *(f"    {word}," for word in words), f"){result}"]
    return ["```python", *code, "```", "", *_sections(inspect.cleandoc(function.__doc__ or ""))]


def _parameter(parameter: inspect.Parameter) -> str:
    shown = f"{parameter.name}: {_annotation(parameter.annotation)}"
    if parameter.default is inspect.Parameter.empty:
        return shown
    return f"{shown} = {getattr(parameter.default, '__name__', None) or repr(parameter.default)}"


def _annotation(annotation: Any) -> str:
    """A type as it is written, without the names of modules."""
    text = re.sub(r"\b(?:\w+\.)+(?=\w)", "", inspect.formatannotation(annotation))
    return re.sub(r"Union\[(\w+), ([^|]+)\]$", r"\1 | \2", text)  # typing's form, where a Literal is among the types


def _sections(text: str) -> list[str]:
    """A docstring's paragraphs; what follows `Args:` is a list of parameters."""
    lines: list[str] = []
    for part in text.split("\n\n"):
        head, *rest = part.splitlines()
        if head == "Args:":
            rest = textwrap.dedent("\n".join(rest)).splitlines()
            lines += [re.sub(r"^(\w+): ", r"- `\1`: ", _escaped(line)) for line in rest]
        elif head == "Returns:":
            said = " ".join(map(str.strip, rest))
            lines += [f"Returns {said[0].lower()}{said[1:]}"]
        else:
            lines += _prose(part)
        lines.append("")
    return lines[:-1]


def _interface(interface: type[Component]) -> list[str]:
    offers = ", ".join(f"`{name}`" for name in interface.offers) or "nothing"
    where = f"`{interface.__module__}.{interface.__qualname__}`"
    facts = f"Interface: {where}. Given when it is built: {offers}."
    return [*_prose(inspect.cleandoc(interface.__doc__ or "")), "", facts]


def _component(component: type[Component], links: Mapping[str, str]) -> list[str]:
    settings = settings_of(component.settings)
    text, described = _split(inspect.cleandoc(component.__doc__ or ""), {setting.name for setting in settings})
    return [*_prose(text), *_table(settings, described, links)]


def _split(docstring: str, names: set[str]) -> tuple[str, dict[str, str]]:
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


def _table(settings: list[SettingDescription], described: Mapping[str, str], links: Mapping[str, str]) -> list[str]:
    if not settings:
        return ["", "No settings."]
    rows = [
        f"| `{setting.name}` | {_kind(setting.kind, links)} | {_default(setting)} "
        f"| {_escaped(described.get(setting.name, '')).replace('|', chr(92) + '|')} |"
        for setting in settings
    ]
    return ["", "| setting | type | default | |", "|---|---|---|---|", *rows]


def _kind(kind: str, links: Mapping[str, str]) -> str:
    """The type of a setting, with links to the kinds of component and sections in it."""
    words = [f"[{word}](#{links[word]})" if word in links else word for word in kind.split(" ")]
    return " ".join(words).replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


def _default(setting: SettingDescription) -> str:
    if setting.default is None:
        return "must be given"
    value = json.loads(setting.default)
    if isinstance(value, dict) and setting.kind.endswith("Settings"):
        return "its defaults"
    if isinstance(value, dict) and "type" in value:
        return f"`{json.dumps(_without_defaults(setting.kind, value))}`"
    text = json.dumps(value, ensure_ascii=False).replace("|", "\\|")
    return f"``{text}``" if "`" in text else f"`{text}`"


def _without_defaults(interface_name: str, value: dict[str, Any]) -> dict[str, Any]:
    """A part as an experiment would write it: what its own defaults say is left out."""
    (interface,) = (found for found in interfaces().values() if found.__name__ == interface_name)
    own = {setting.name: setting.default for setting in settings_of(interface.by_name(value["type"]).settings)}
    return {name: item for name, item in value.items() if name == "type" or json.dumps(item) != own[name]}


def _prose(text: str) -> list[str]:
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
            lines += [*map(_escaped, [first, *rest]), ""]
    return lines[:-1]


def _escaped(text: str) -> str:
    """Text as Markdown: stars and angle brackets outside of code are themselves."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([*])", r"\\\1", part).replace("<", "&lt;") for part in parts[::2]]
    return "`".join(parts)


def _verbs(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _verbs(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _described(command: Any) -> list[Any]:
    return [parameter for parameter in command.params if parameter.name != "help"]


def _usage(path: str, command: Any) -> str:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    words = [_metavar(argument) + ("..." if argument.nargs == -1 else "") for argument in arguments]
    shown = [word if argument.required else f"[{word}]" for word, argument in zip(words, arguments, strict=True)]
    options = ["[OPTIONS]"] if len(arguments) < len(_described(command)) else []
    return " ".join([path, *shown, *options])


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_metavar(parameter)}`"
    value = "" if parameter.is_flag else f" {_metavar(parameter)}"
    return ", ".join(f"`{name}{value}`" for name in parameter.opts)


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.strip("_").upper().replace("SERIALIZATION_DIR", "DIR"))


def _meaning(parameter: Any) -> str:
    shown = not parameter.required and not getattr(parameter, "is_flag", False) and parameter.default
    default = f" Default: `{parameter.default}`." if shown else ""
    return _escaped(parameter.help or "").replace("|", "\\|") + default


def main() -> None:
    """Writes the pages."""
    folder = Path(__file__).parent
    for name, text in (("reference.md", reference()), ("cli.md", cli()), ("python.md", python())):
        (folder / name).write_text(text, encoding="utf-8")
        print(f"wrote {folder / name}", file=sys.stderr)


if __name__ == "__main__":
    main()
