"""Options that several verbs have in common, and the interpretation of their values."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mtlkit.cli.libraries import load_libraries
from mtlkit.redaction import HIDDEN, redacted_command

if TYPE_CHECKING:
    import torch

ArchiveFile = Annotated[
    Path, typer.Argument(help="archive.tar.gz of a run, or the run's directory.", metavar="ARCHIVE")
]
ArchiveFiles = Annotated[
    list[Path], typer.Argument(help="archive.tar.gz of a run, or the run's directory.", metavar="ARCHIVE")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 ...")]
Anyway = Annotated[
    bool,
    typer.Option(
        "--resume-anyway", help="As --resume, also after a change of experiment, data or plugins; the run notes it."
    ),
]
OtherData = Annotated[
    list[str],
    typer.Option(
        metavar="TASK=FILE", help="Score a task on this file instead, or --data FOLDER: look for all files there."
    ),
]
ScoringSize = Annotated[
    int | None,
    typer.Option("--batch-size", min=1, help="Texts scored at once; default: the experiment's evaluation_batch_size."),
]
Precision = Annotated[
    Literal["fp32", "bf16"] | None,
    typer.Option("--precision", help="What is computed in; default: the precision of training."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="At most this many texts of each split, for a trial.")]


def torch_device(name: str) -> "torch.device":
    """The device that `--device` names."""
    load_libraries()
    from mtlkit.training.devices import device_of

    return device_of(name, "--device")


def command_to_go_on(begun: bool) -> str:
    """The given command line, with `--resume` if the work has begun, for messages on how to continue."""
    if not begun:
        return command_as_given()
    arguments = [each for each in sys.argv[1:] if each not in ("--resume", "--force")]
    goes_on = [] if "--resume-anyway" in arguments else ["--resume"]
    return _shown([*_program(), *arguments, *goes_on])


def command_as_given() -> str:
    """The given command line, quoted for a shell, for messages that suggest running it again."""
    return _shown([*_program(), *sys.argv[1:]])


def _shown(command: Sequence[str]) -> str:
    """A command for messages, which end up in logs as well; who uses it has to give the passwords again."""
    known = redacted_command(command)
    return shlex.join(known) + ("" if known == [*command] else f" (with what {HIDDEN} stands for)")


def _program() -> list[str]:
    """The words with which mtlkit was started in the user's shell."""
    given = Path(sys.argv[0])
    if given.name == "__main__.py":
        return [sys.executable, "-m", "mtlkit"]
    found = shutil.which("mtlkit")
    is_elsewhere = len(given.parts) > 1 and given.name == "mtlkit" and (found is None or not given.samefile(found))
    return [sys.argv[0] if is_elsewhere else "mtlkit"]


def other_data(given: Sequence[str]) -> tuple[dict[str, str], list[Path]]:
    """The files by task, and the folders, that the values of `--data` give.

    Raises:
        ConfigError: a value is neither TASK=FILE nor an existing folder, or a task is given two files.
    """
    from mtlkit.errors import ConfigError

    files: dict[str, str] = {}
    folders = []
    for value in given:
        task, equals, file = value.partition("=")
        if Path(value).is_dir():
            folders.append(Path(value))
        elif not equals:
            raise ConfigError(f"--data {value}: no such folder; give a folder, or TASK=FILE")
        elif task in files:
            raise ConfigError(f"--data {value}: a second file for '{task}'; give one")
        else:
            files[task] = file
    return files, folders
