"""Writes docs/reference.md, docs/cli.md and docs/python.md from the code: `python docs/make_reference.py`.

Docstrings and signatures are the source; a test fails when the pages are not what this script makes of them.
Components of plugins are left out.
"""

import inspect
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from docstrings import docstring, escaped, field_meanings, prose, signature_and_docstring, without_settings

import mtlkit
from mtlkit.cli.app import app
from mtlkit.config import Component, interfaces, settings_of
from mtlkit.config.describe import SettingDescription
from mtlkit.experiment import SECTIONS

NOTE = "<!-- Made by docs/make_reference.py from the code; do not edit. -->\n"
FUNCTIONS = (
    *("load_experiment", "train", "evaluate", "predict", "predict_file", "load_archive", "export"),
    "keep_freed_memory",
)
CLASSES = ("Run", "LoadedArchive", "LoadedExperiment", "Evaluation", "PredictedFile")
VERBS = {
    "train": "`mtlkit.train`; with `--dry-run`, `mtlkit.runs.dry_run`",
    "transfer": "`mtlkit.runs.plan_transfer`, then `mtlkit.train` on each of its folds",
    "sweep": "`mtlkit.sweeps.plan_sweep`, then `mtlkit.sweeps.work` and `mtlkit.sweeps.report`",
    "evaluate": "`mtlkit.evaluate`; for several archives, `mtlkit.runs.evaluate_archives`",
    "predict": "`mtlkit.predict`, `mtlkit.load_archive`; for a file, `mtlkit.predict_file`, `mtlkit.runs.open_answers`",
    "export": "`mtlkit.export`",
    "explain": "`mtlkit.LoadedArchive.explain`; for texts as strings, `mtlkit.runs.explain_texts`",
    "report": "`mtlkit.report.writing.write_report`",
    "compare": "`mtlkit.comparison.compare_runs`; as text, `mtlkit.comparison.layout.written`",
    "diff": "`mtlkit.comparison.differences.facts_of`, `mtlkit.comparison.differences.compare_facts`",
    "check": "`mtlkit.runs.checks.check_experiment`; with `--data`, `mtlkit.runs.inspect_experiment`",
    "components": "`mtlkit.config.interfaces`, `mtlkit.config.settings_of`",
    "schema": "`mtlkit.config.json_schema` of `mtlkit.experiment.Experiment`",
    "plugins": "`mtlkit.plugins.load_plugins`",
    "data fetch": "`mtlkit.data.fetch_vader`",
    "data stats": "`mtlkit.experiment.load_corpora`, `mtlkit.data.statistics`",
    "data audit": "`mtlkit.experiment.load_corpora`, `mtlkit.data.audit`; see `mtlkit.experiment.Experiment.uncut`",
}
"""The functions with which Python code does what each verb does."""


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
        lines += ["", f"## {section.__name__}", "", *prose(inspect.cleandoc(section.__doc__ or ""))]
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
        "",
        "What `--output`, `--predictions` and `--figures` name is checked before the work begins, and files appear as",
        "a whole. A file that is there already is replaced if it is empty or an older output of the same verb, which",
        "is recognised by what is in it (figures by their names). Any other file is refused, and so are links, files",
        "of a run, and what the verb reads. A pipe or a device, such as `/dev/stdout`, is written to as it is.",
    ]
    for path, command in verbs(group, "mtlkit"):
        lines += ["", f"## {path}", "", escaped(command.help), "", f"    {_usage(path, command)}"]
        if rows := [f"| {_names(parameter)} | {_meaning(parameter)} |" for parameter in _described(command)]:
            lines += ["", "| | |", "|---|---|", *rows]
    return "\n".join(lines) + "\n"


def python() -> str:
    """The page of the functions and classes with which experiments are run from Python."""
    lines = [
        "# Python",
        NOTE,
        "The [quickstart](quickstart.md#in-python) has examples. Errors are subclasses of `mtlkit.MtlkitError`, with",
        "the sentences that the command line prints; nothing is printed unless `say` is given. Names for plugins, such",
        "as `mtlkit.Encoder`, are explained in [Write a plugin](write-a-plugin.md).",
        "",
        "The command line is a thin layer on Python functions. These are the ones behind each verb; those outside of",
        "`mtlkit` itself are documented in their docstrings only, and may still change:",
        "",
        "| verb | Python |",
        "|---|---|",
        *(f"| `mtlkit {verb}` | {functions} |" for verb, functions in VERBS.items()),
    ]
    for name in FUNCTIONS:
        lines += ["", f"## mtlkit.{name}", "", *signature_and_docstring(f"mtlkit.{name}", getattr(mtlkit, name))]
    for name in CLASSES:
        kind = getattr(mtlkit, name)
        lines += ["", f"## mtlkit.{name}", "", *docstring(inspect.cleandoc(kind.__doc__ or ""))]
        if meanings := field_meanings(kind):
            lines += ["", *(f"- `{field}`: {meaning}" for field, meaning in meanings.items())]
        for member, value in list(vars(kind).items()):
            if not member.startswith("_") and member not in kind.__annotations__:
                lines += ["", f"### {name}.{member}", "", *_member(f"{name}.{member}", value)]
    return "\n".join(lines) + "\n"


def _member(path: str, value: Any) -> list[str]:
    """A method with its signature, or a property."""
    if inspect.isfunction(value):
        return signature_and_docstring(path, value)
    return prose(inspect.cleandoc(value.__doc__ or ""))


def _interface(interface: type[Component]) -> list[str]:
    offers = ", ".join(f"`{name}`" for name in interface.offers) or "nothing"
    where = f"`{interface.__module__}.{interface.__qualname__}`"
    facts = f"Interface: {where}. Given when it is built: {offers}."
    return [*prose(inspect.cleandoc(interface.__doc__ or "")), "", facts]


def _component(component: type[Component], links: Mapping[str, str]) -> list[str]:
    settings = settings_of(component.settings)
    text, described = without_settings(
        inspect.cleandoc(component.__doc__ or ""), {setting.name for setting in settings}
    )
    return [*prose(text), *_table(settings, described, links)]


def _table(settings: list[SettingDescription], described: Mapping[str, str], links: Mapping[str, str]) -> list[str]:
    if not settings:
        return ["", "No settings."]
    rows = [
        f"| `{setting.name}` | {_kind(setting.kind, links)} | {_default(setting)} "
        f"| {escaped(described.get(setting.name, '')).replace('|', chr(92) + '|')} |"
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


def verbs(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yields each verb's words, after those of `path`, and its command."""
    for name, command in group.commands.items():
        words = f"{path} {name}".strip()
        if hasattr(command, "commands"):
            yield from verbs(command, words)
        else:
            yield words, command


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
    return escaped(parameter.help or "").replace("|", "\\|") + default


def main() -> None:
    """Writes the pages."""
    folder = Path(__file__).parent
    for name, text in (("reference.md", reference()), ("cli.md", cli()), ("python.md", python())):
        (folder / name).write_text(text, encoding="utf-8")
        print(f"wrote {folder / name}", file=sys.stderr)


if __name__ == "__main__":
    main()
