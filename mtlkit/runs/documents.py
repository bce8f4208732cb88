"""The JSON files of a run directory, read and checked: a damaged or edited one ends in a sentence, not in a crash.

Only what is read somewhere is checked. What else a file holds, such as what a later version adds, is passed on.
"""

from pathlib import Path
from typing import Any

from mtlkit.archive.documents import Meta, parse_json
from mtlkit.config import Spec, validate
from mtlkit.errors import ConfigError, RunError
from mtlkit.files import read_bounded
from mtlkit.on_disk.runs import LARGEST_DOCUMENT
from mtlkit.runs.links import check_document
from mtlkit.text import printable

FORMAT = 2
LARGEST_LOG = 256 * 2**20
"""The maximum number of bytes of a log with a line for each epoch."""
MOST_LINES = 250_000
"""The maximum number of lines of a log. Empty objects alone take seconds for each megabyte."""
REMEDY = "copy the run again, or train it into another folder with -s DIR"


class RunMeta(Meta):
    """What is read of `meta.json`."""

    kind: str
    format: int | None = None
    """Only needed to resume the run."""
    seed: int
    data: dict[str, str]
    """sha256 of each data file, by its path."""
    code: dict[str, str] = {}
    """sha256 of the code of each plugin; older runs have none."""
    plugins: dict[str, str] = {}
    resumed_anyway: list[dict[str, Any]] = []


class RunFigures(Spec, extra="allow"):
    """What is read of `metrics.json`."""

    test: dict[str, float]
    """Figures of the best weights, as `task/metric`."""
    dev: dict[str, float]
    stages: dict[str, dict[str, Any]] = {}


class ResolvedStage(Spec, extra="allow"):
    """What is read of a stage in `experiment.resolved.json`."""

    name: str


class Resolved(Spec, extra="allow"):
    """What is read of `experiment.resolved.json`, whose components need not be known here."""

    tasks: dict[str, dict[str, Any]] = {}
    stages: list[ResolvedStage] = []


class StageOutcome(Spec, extra="allow"):
    """What is read of `outcome.json`."""

    metrics: RunFigures
    log_size: int
    weights: dict[str, str] = {}
    """sha256 of the best weights, by the set's name; older runs have none."""


def read_object(file: Path, remedy: str = REMEDY, *, finite: bool = False) -> dict[str, Any]:
    """The object that a JSON file holds.

    Args:
        file: the file.
        remedy: the end of the message of an error.
        finite: whether to refuse NaN and infinite numbers, which figures may be.

    Raises:
        RunError: it is missing, is a link that leads out of its folder, is not JSON, or holds something else.
    """
    check_document(file)
    try:
        return parse_json(read_bounded(file, LARGEST_DOCUMENT), finite=finite)
    except OSError as error:
        raise damaged(file, error.strerror, remedy) from None
    except ValueError as error:
        raise damaged(file, error, remedy) from None


def read_document(file: Path, kind: type[Spec], remedy: str = REMEDY, *, finite: bool = False) -> dict[str, Any]:
    """The object that a JSON file holds, which `kind` fits. For `finite`, see `read_object`.

    Raises:
        RunError: it is missing or damaged; what is wrong is named.
    """
    return checked(file, kind, read_object(file, remedy, finite=finite), remedy)


def read_lines(file: Path, remedy: str = REMEDY) -> list[tuple[Path, dict[str, Any]]]:
    """The object in each line of a log, with the line's place for messages.

    Raises:
        RunError: the file is missing or a link that leads out of its folder, or a line is not a JSON object, or has a
            number that is not finite; or it has more than `MOST_LINES` lines.
    """
    check_document(file)
    place = file
    try:
        found, content = [], read_bounded(file, LARGEST_LOG)
        if content.count(b"\n") + content.count(b"\r") > MOST_LINES:  # counted first, since a line takes memory
            raise ValueError(f"it has more than {MOST_LINES:,} lines")
        for number, line in enumerate(content.splitlines(), 1):
            place = Path(f"{file}:{number}")
            found.append((place, parse_json(line)))
        return found
    except (OSError, ValueError) as error:
        raise damaged(place, error, remedy) from None


def checked(file: Path, kind: type[Spec], value: dict[str, Any], remedy: str = REMEDY) -> dict[str, Any]:
    """The value, which `kind` fits.

    Args:
        file: whose content it is, with or without a line, for the message.
        kind: says what has to be in it.
        value: the content.
        remedy: the end of the message.

    Raises:
        RunError: it does not fit; the first thing that is wrong is named.
    """
    try:
        validate(kind, value, str(file))
    except ConfigError as error:
        raise damaged(file, str(error).splitlines()[0].removeprefix(f"{file}: "), remedy) from None
    return value


def damaged(file: Path, reason: object, remedy: str = REMEDY) -> RunError:
    """The error of a file that is missing or damaged."""
    return RunError(f"{file}: missing or damaged ({printable(str(reason))}); {remedy}")
