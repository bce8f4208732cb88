"""Evaluates an experiment file (Jsonnet or plain JSON) to a value, and keeps the text of every file it used."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtlkit.config.imports import Importer, TooLarge, experiment_root, read_source
from mtlkit.config.json_text import parse_json
from mtlkit.config.jsonnet_faults import explain
from mtlkit.config.jsonnet_process import JsonnetAbort, JsonnetError, JsonnetProcess
from mtlkit.config.near_files import near_file
from mtlkit.config.parameters import parameter_lists
from mtlkit.config.spec import nearest
from mtlkit.errors import ConfigError
from mtlkit.text import on_one_line

SUFFIXES = (".jsonnet", ".json", ".libsonnet")


@dataclass(frozen=True)
class Variables:
    """Variables passed to a Jsonnet file from the command line, each value as Jsonnet code.

    `external` variables are read with `std.extVar`; `arguments` are the parameters of a file that evaluates to a
    function.
    """

    external: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    """External variables that are always defined, whether or not the file reads them."""


@dataclass(frozen=True)
class Evaluated:
    """The result of evaluating a file: its value, and the text of every file it was made from, by path relative to the
    root.
    """

    value: Any
    sources: dict[str, str]


def evaluate_file(path: Path, variables: Variables | None = None) -> Evaluated:
    """Evaluates the file at `path`.

    An import may name a file in the experiment's tree (its folder, or the outermost folder named `experiments` above
    it) or in mtlkit's own library (`import 'mtlkit/vader.libsonnet'`). Environment variables are not visible to the
    file. Jsonnet is evaluated in a process of its own, whose time, memory and output are limited.

    Raises:
        ConfigError: the file is missing or unreadable, imports a file outside its tree, is not valid Jsonnet or JSON,
            or reaches a limit.
    """
    variables = variables or Variables()
    text = _read(path)
    root = experiment_root(path)
    name = path.resolve().relative_to(root).as_posix()
    if path.suffix == ".json":
        _check_used(path, {**variables.external, **variables.arguments}, [])
        return Evaluated(parse_json(text, path), {name: text})
    with _evaluation(path, variables) as evaluate:
        value = evaluate(text, variables.arguments)
        sources = {name: text, **evaluate.importer.sources}
        _check_no_nul(path, variables, sources.values())
        _check_used(path, variables.external, sources.values())
        # Jsonnet silently ignores arguments if the file does not evaluate to a function.
        if variables.arguments and not evaluate(f"std.isFunction(import {json.dumps(path.name)})"):
            argument = next(iter(variables.arguments))
            raise ConfigError(
                f"{path}: is not a function, so it takes no argument '{argument}'; give variables by --var, --str"
            )
    return Evaluated(value, sources)


def top_level_arguments(path: Path, variables: Variables | None = None) -> list[str]:
    """Returns the top-level arguments that a file declares, in source order; none if it does not evaluate to a
    function.

    Only Jsonnet knows which function a file evaluates to, but it does not list a function's parameters. So all
    functions that the file and its imports define are read from their source text, and Jsonnet is asked which of them
    matches.

    Raises:
        ConfigError: for the same reasons as `evaluate_file`.
    """
    _read(path)
    if path.suffix == ".json":
        return []
    file = f"(import {json.dumps(path.name)})"
    with _evaluation(path, variables or Variables()) as evaluate:
        count = evaluate(f"if std.isFunction({file}) then std.length({file}) else 0")
        for text in list(evaluate.importer.sources.values()) if count else ():
            for names in parameter_lists(text):
                if len(names) == count and _takes(file, names, evaluate):
                    return names
    return []


def _takes(function: str, names: Sequence[str], evaluate: "_Evaluate") -> bool:
    """Returns whether a function has all of these parameters.

    Jsonnet checks the names of arguments one by one, in order, before it evaluates the function. The call therefore
    passes one extra argument that the function cannot have, and the function matches if Jsonnet rejects that one.
    """
    unknown = f"{max(names, key=len, default='')}_"
    given = ", ".join(f"{name}=null" for name in [*names, unknown])
    try:
        evaluate(f"{function}({given})")
    except JsonnetError as error:
        return f"function has no parameter {unknown}\n" in str(error)
    raise AssertionError(f"Jsonnet has taken {unknown}")


@dataclass(frozen=True)
class _Evaluate:
    """Evaluates code as if it were the content of the file at `path`. Raises what `JsonnetProcess.evaluate` raises."""

    path: Path
    variables: Variables
    importer: Importer
    process: JsonnetProcess

    def __call__(self, code: str, arguments: Mapping[str, str] | None = None) -> Any:
        external = {**self.variables.defaults, **self.variables.external}
        name = self.importer.shown(self.path)
        return json.loads(self.process.evaluate(name, code, self.importer, external, arguments))


@contextmanager
def _evaluation(path: Path, variables: Variables) -> Iterator[_Evaluate]:
    """Evaluates code in place of the file at `path`. Its mistakes end in a ConfigError."""
    try:
        with JsonnetProcess() as process:
            yield _Evaluate(path, variables, Importer(experiment_root(path)), process)
    except JsonnetError as error:
        raise ConfigError(explain(path, str(error))) from None
    except JsonnetAbort as error:
        raise ConfigError(f"{on_one_line(str(path))}: {error}") from None


def _check_no_nul(path: Path, variables: Variables, texts: Iterable[str]) -> None:
    """Rejects NUL characters in what may be parsed: `std.parseYaml` and `std.parseJson` silently misread them."""
    given = [*variables.defaults.values(), *variables.external.values(), *variables.arguments.values()]
    text = "\n".join([*given, *texts])
    if (parses := re.search(r"parse(Yaml|Json)", text)) and re.search(r"\0|\\u0000|\bchar\(\s*0\s*\)", text):
        raise ConfigError(f"{path}: std.{parses[0]} misreads NUL characters; leave them out")


def _check_used(path: Path, external: Iterable[str], texts: Iterable[str]) -> None:
    """Rejects a variable whose name does not appear as a string in any file, since no file can read it.

    Jsonnet itself does not report a misspelt variable.
    """
    text = "\n".join(texts)
    read = {name for _, name in re.findall(r"extVar\(\s*(['\"])(.+?)\1\s*\)", text)}
    for name in external:
        if f"'{name}'" not in text and f'"{name}"' not in text:
            known = nearest(name, sorted(read)) or (
                f" (it reads: {', '.join(sorted(read))})" if read else "; leave it out"
            )
            raise ConfigError(f"{path}: reads no variable '{name}'{known}")


def _read(path: Path) -> str:
    try:
        if path.is_dir():
            raise ConfigError(f"{path}: is a folder; give an experiment file{near_file(path, _is_experiment)}")
        if path.suffix not in SUFFIXES and path.exists():
            raise ConfigError(f"{path}: an experiment is a .jsonnet or .json file; give such a file")
        text = read_source(path).decode()
    except FileNotFoundError:
        kinds = "check the path" if path.suffix in SUFFIXES else "an experiment is a .jsonnet or .json file"
        raise ConfigError(f"{path}: no such file{near_file(path, _is_experiment) or f'; {kinds}'}") from None
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise ConfigError(f"{path}: is not UTF-8 text; save it in that encoding") from None
        reason = error.strerror if isinstance(error, OSError) else error  # such as a path with a NUL character
        raise ConfigError(f"{path}: cannot be read ({reason}); give a readable file") from None
    except TooLarge as error:
        raise ConfigError(f"{path}: is too large: {error}") from None
    if "\0" in text:
        raise ConfigError(f"{path}: has a NUL character, which no text has; save it as UTF-8 text")
    return text


def _is_experiment(path: Path) -> bool:
    return path.suffix in SUFFIXES and path.is_file()
