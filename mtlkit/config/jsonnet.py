"""Evaluates an experiment file (Jsonnet or plain JSON) to a value, and keeps the text of every file it used."""

import codecs
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import _jsonnet

from mtlkit.config.json_text import parse_json
from mtlkit.config.near_files import near_file
from mtlkit.config.parameters import parameter_lists
from mtlkit.config.spec import nearest
from mtlkit.errors import ConfigError

LIBRARY = Path(__file__).parent.parent / "library"
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
    file.

    Raises:
        ConfigError: the file is missing or unreadable, imports a file outside its tree, or is not valid Jsonnet or
            JSON.
    """
    variables = variables or Variables()
    text = _read(path)
    root = experiment_root(path)
    name = path.resolve().relative_to(root).as_posix()
    if path.suffix == ".json":
        _check_used(path, {**variables.external, **variables.arguments}, [])
        return Evaluated(parse_json(text, path), {name: text})
    importer = _Importer(root, path)

    def evaluate(code: str, arguments: Mapping[str, str]) -> Any:
        try:
            return _evaluate(path, code, variables, arguments, importer)
        except RuntimeError as error:
            raise ConfigError(_explain(path, str(error))) from None

    value = evaluate(text, variables.arguments)
    sources = {name: text, **importer.sources}
    _check_used(path, variables.external, sources.values())
    # Jsonnet silently ignores arguments if the file does not evaluate to a function.
    if variables.arguments and not evaluate(f"std.isFunction(import {json.dumps(path.name)})", {}):
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
    importer, file = _Importer(experiment_root(path), path), f"(import {json.dumps(path.name)})"
    variables = variables or Variables()
    try:
        count = _evaluate(path, f"if std.isFunction({file}) then std.length({file}) else 0", variables, {}, importer)
    except RuntimeError as error:
        raise ConfigError(_explain(path, str(error))) from None
    for text in list(importer.sources.values()) if count else ():
        for names in parameter_lists(text):
            if len(names) == count and _takes(file, names, path, variables, importer):
                return names
    return []


def _takes(function: str, names: Sequence[str], path: Path, variables: Variables, importer: "_Importer") -> bool:
    """Returns whether a function has all of these parameters.

    Jsonnet checks the names of arguments one by one, in order, before it evaluates the function. The call therefore
    passes one extra argument that the function cannot have, and the function matches if Jsonnet rejects that one.
    """
    unknown = f"{max(names, key=len, default='')}_"
    given = ", ".join(f"{name}=null" for name in [*names, unknown])
    try:
        _evaluate(path, f"{function}({given})", variables, {}, importer)
    except RuntimeError as error:
        return f"function has no parameter {unknown}\n" in str(error)
    raise AssertionError(f"Jsonnet has taken {unknown}")


def experiment_root(path: Path) -> Path:
    """Returns the folder that the imports of a file must stay in."""
    folder = path.resolve().parent
    named = [parent for parent in (folder, *folder.parents) if parent.name == "experiments"]
    return named[-1] if named else folder


class _Importer:
    """Import callback for Jsonnet that resolves, restricts and records imports."""

    def __init__(self, root: Path, experiment: Path) -> None:
        self.root = root
        self.experiment = experiment
        self.sources: dict[str, str] = {}

    def __call__(self, folder: str, name: str) -> tuple[str, bytes]:
        if name.startswith("mtlkit/"):
            base, path = LIBRARY, (LIBRARY / name.removeprefix("mtlkit/")).resolve()
        else:
            base, path = self.root, (Path(folder) / name).resolve()
            if path.is_relative_to(LIBRARY):  # the library's files import each other
                base = LIBRARY
        if not path.is_relative_to(base):
            raise RuntimeError(f"import '{name}' leaves the experiment's folder tree ({base}); copy the file into it")
        if not path.is_file():
            near = near_file(path, lambda other: other.is_file() and other.is_relative_to(base))
            raise RuntimeError(f"import '{name}': no file {path}{near or '; check the path'}")
        prefix = "mtlkit/" if base == LIBRARY else ""
        # Editors on Windows begin a file with a byte order mark, which is no part of its text, and Jsonnet rejects it.
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
        self.sources[prefix + path.relative_to(base).as_posix()] = content.decode("utf-8", errors="replace")
        # Jsonnet shows this path in its messages, so it is given as the user would: relative to the current folder.
        return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path), content


def _evaluate(path: Path, code: str, variables: Variables, arguments: Mapping[str, str], importer: _Importer) -> Any:
    """Evaluates code as if it were the content of the file at `path`. Raises RuntimeError with Jsonnet's message."""
    external = {**variables.defaults, **variables.external}
    output = _jsonnet.evaluate_snippet(
        str(path), code, ext_codes=external, tla_codes=dict(arguments), import_callback=importer
    )
    return json.loads(output)


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
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        kinds = "check the path" if path.suffix in SUFFIXES else "an experiment is a .jsonnet or .json file"
        raise ConfigError(f"{path}: no such file{near_file(path, _is_experiment) or f'; {kinds}'}") from None
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise ConfigError(f"{path}: is not UTF-8 text; save it in that encoding") from None
        reason = error.strerror if isinstance(error, OSError) else error  # such as a path with a NUL character
        raise ConfigError(f"{path}: cannot be read ({reason}); give a readable file") from None


def _is_experiment(path: Path) -> bool:
    return path.suffix in SUFFIXES and path.is_file()


def _explain(path: Path, message: str) -> str:
    """Formats Jsonnet's message on one line, `file:line:col: what; remedy`, without the stack trace."""
    first, *trace = [line.strip() for line in message.strip().splitlines()]
    what = re.sub(r"^(STATIC|RUNTIME) ERROR: ", "", first)
    what = re.sub(r"couldn't open import \".*?\": ", "", what)
    if unset := re.match(r"undefined external variable: (.+)", what, re.IGNORECASE):
        name = unset[1]
        environment = ", or set MTLKIT_DATA" if name == "data" else ""
        return f"{path}: needs the variable '{name}': give --str {name}=TEXT or --var {name}=JSON{environment}"
    if trace[:1] == ["Top-level function"]:
        name = re.sub(r"function (has no )?parameter | not bound in call\.", "", what)
        if "has no parameter" in what:
            return f"{path}: has no top-level argument '{name}'; write it as the file does"
        return f"{path}: needs the top-level argument '{name}': give --tla {name}=JSON or --tla-str {name}=TEXT"
    if re.match(r"\S+:\d+:\d+", what):
        return what
    place = re.sub(r":\((\d+:\d+)\)-.*", r":\1", trace[0].split("\t")[0]) if trace else ""
    return f"{place if ':' in place else path}: {what}"
