"""Options that several verbs take, and what they mean."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import torch

    from mtlkit.config import Variables
    from mtlkit.experiment import LoadedExperiment
    from mtlkit.plugins import Plugin

ExperimentFile = Annotated[Path, typer.Argument(help="Experiment file, .jsonnet or .json.", metavar="EXPERIMENT")]
ArchiveFile = Annotated[
    Path, typer.Argument(help="archive.tar.gz of a run, or the run's directory.", metavar="ARCHIVE")
]
Var = Annotated[list[str], typer.Option("--var", metavar="K=JSON", help="Jsonnet variable (std.extVar), typed.")]
Str = Annotated[list[str], typer.Option("--str", metavar="K=TEXT", help="Jsonnet variable that is text.")]
Tla = Annotated[
    list[str], typer.Option("--tla", metavar="K=JSON", help="Argument of a file that is a function, typed.")
]
TlaStr = Annotated[list[str], typer.Option("--tla-str", metavar="K=TEXT", help="Such an argument that is text.")]
Override = Annotated[
    list[str],
    typer.Option(
        "-o", "--override", metavar="PATH=JSON", help="Replace one setting: -o model.dropout=0.1, -o a.0.b=1."
    ),
]
Include = Annotated[
    list[str], typer.Option("--include-package", metavar="NAME", help="Import a module or .py file with components.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 ...")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most this many texts of each split, for a trial.")]


def variables(var: list[str], str_: list[str], tla: list[str], tla_str: list[str]) -> "Variables":
    """The variables of a Jsonnet file, as code. `data` comes from MTLKIT_DATA where nothing gives it."""
    from mtlkit.config import Variables

    external = {**_code("--var", var), **_text("--str", str_)}
    folder = os.environ.get("MTLKIT_DATA")
    defaults = {"data": json.dumps(folder)} if folder else {}
    return Variables(external, {**_code("--tla", tla), **_text("--tla-str", tla_str)}, defaults)


def load(file: Path, variables: "Variables", overrides: list[str], plugins: "list[Plugin]") -> "LoadedExperiment":
    """The experiment; where components are missing, plugins that failed to import are named as well."""
    from mtlkit.errors import ConfigError
    from mtlkit.experiment import load_experiment
    from mtlkit.plugins import failures

    try:
        return load_experiment(file, variables, overrides)
    except ConfigError as error:
        hint = failures(plugins) if "no " in str(error) else ""
        raise ConfigError(f"{error}{hint}") from None


def torch_device(name: str) -> "torch.device":
    """The device to work on; `auto` is the first GPU, or the processor."""
    import torch

    from mtlkit.errors import ConfigError

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"--device {name}: no such device; use auto, cpu, cuda or cuda:N") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"--device {name}: PyTorch sees no CUDA device here; use --device cpu")
    if device.type == "cuda" and device.index is not None and device.index >= torch.cuda.device_count():
        raise ConfigError(f"--device {name}: there are {torch.cuda.device_count()} CUDA devices, numbered from 0")
    return device


def archive_path(path: Path) -> Path:
    """The archive itself where a run's directory is given."""
    return path / "archive.tar.gz" if path.is_dir() else path


def _code(option: str, assignments: list[str]) -> dict[str, str]:
    from mtlkit.config import parse_assignment
    from mtlkit.errors import ConfigError

    found = {}
    for assignment in assignments:
        name, value = parse_assignment(assignment, option)
        try:
            json.loads(value)
        except ValueError:
            text = {"--var": "--str", "--tla": "--tla-str"}[option]
            raise ConfigError(
                f"{option} {assignment}: '{value}' is not JSON; for text use {text} {assignment}"
            ) from None
        found[name] = value
    return found


def _text(option: str, assignments: list[str]) -> dict[str, str]:
    from mtlkit.config import parse_assignment

    return {name: json.dumps(value) for name, value in (parse_assignment(item, option) for item in assignments)}
