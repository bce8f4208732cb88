"""`sweep.json`: what a sweep was asked to do. A process that joins must ask for the same, or for more."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

from pydantic import Field

from mtlkit.config import Spec, differences
from mtlkit.errors import RunError
from mtlkit.experiment import as_it_was
from mtlkit.files import make_folder, write_atomically
from mtlkit.runs.changes import with_defaults
from mtlkit.runs.documents import checked, damaged, read_object
from mtlkit.sweeps.axes import text_of
from mtlkit.sweeps.points import Point
from mtlkit.sweeps.sweep import Sweep

FILE = "sweep.json"
KIND, FORMAT = "mtlkit sweep", 1
REMEDY = "give another directory with -s"


class Asked(Spec):
    """What was asked for, as `Sweep.asked` says it."""

    grid: dict[str, list[Any]]
    ranges: dict[str, list[Any]]
    trials: int | None
    seeds: Annotated[list[int], Field(min_length=1)]
    limit: int | None


class SweepRecord(Spec, extra="allow"):
    """What is read of `sweep.json`."""

    kind: str
    format: int
    identity: str
    asked: Asked
    point: dict[str, Any]
    experiment: dict[str, Any]
    worker: bool = False


def check_joins(sweep: Sweep) -> None:
    """Checks that the sweep agrees with the one in its directory, if there is one.

    Raises:
        RunError: the directory, or the storage that is shared, holds another sweep, or something that is not a sweep.
    """
    file, directory = sweep.directory / FILE, sweep.directory
    if file.exists():
        before = _read(file)
        _check_kind(sweep, before)
        _check(sweep, before, str(directory))
    elif directory.exists() and (
        not directory.is_dir() or any(not _is_ours(path.name) for path in directory.iterdir())
    ):
        raise RunError(f"{directory}: exists and is not a sweep; give another directory with -s")
    if (shared := sweep.outcomes.record()) is not None:
        name = f"--storage: {sweep.outcomes.identity}"
        _check(sweep, _checked(Path(name), shared), name)


def join(sweep: Sweep) -> str:
    """Creates the sweep's directory, or extends the sweep in it.

    Returns:
        The sweep's identity, which tells it apart in a storage that several sweeps share.

    Raises:
        RunError: the directory holds another sweep, or something that is not a sweep, or cannot be written.
    """
    try:
        make_folder(sweep.directory.resolve())
        with sweep.held():
            check_joins(sweep)
            identity = identity_of(sweep) or f"{name_of(sweep.directory)}-{uuid4().hex[:8]}"
            experiment = sweep.experiment(sweep.some_point, sweep.seeds[0]).experiment.to_json()
            content = {
                "kind": KIND,
                "format": FORMAT,
                "identity": identity,
                "asked": sweep.asked(),
                "point": dict(sweep.some_point.values),
                "sha256": hashlib.sha256(json.dumps(experiment, sort_keys=True).encode()).hexdigest(),
                "experiment": experiment,
                **({"worker": True} if sweep.outcomes.identity else {}),
            }
            sweep.outcomes.keep_record(content)
            write_atomically(sweep.directory / FILE, (json.dumps(content, indent=2) + "\n").encode())
            return identity
    except OSError as error:
        raise RunError(
            f"{sweep.directory}: cannot be written ({error.strerror}); give another directory with -s"
        ) from None


def identity_of(sweep: Sweep) -> str | None:
    """The identity of the sweep in the directory, or None where there is no sweep yet."""
    file = sweep.directory / FILE
    return sweep.outcomes.identity or (str(_read(file)["identity"]) if file.exists() else None)


def name_of(directory: Path) -> str:
    """The name of the sweep in a directory, by which workers on other machines find it in a storage."""
    return directory.resolve().name


def _read(file: Path) -> dict[str, Any]:
    """Reads the content of `sweep.json`, as `join` writes it.

    Raises:
        RunError: the file is damaged, or was written by something else or by another version.
    """
    return _checked(file, read_object(file, REMEDY))


def _checked(file: Path, content: dict[str, Any]) -> dict[str, Any]:
    """The content, if `join` has written it; `file` is its place, for messages."""
    if content.get("kind") != KIND:
        raise RunError(f"{file}: was not written by a sweep; {REMEDY}")
    written = content.get("format")
    if isinstance(written, int) and written != FORMAT:
        raise RunError(f"{file}: written by another version of mtlkit (format {written}); use that one")
    asked, point = checked(file, SweepRecord, content, REMEDY)["asked"], content["point"]
    if point.keys() != {*asked["grid"], *asked["ranges"]}:
        raise damaged(file, "its point is none of what was asked for", REMEDY)
    return content


def _check_kind(sweep: Sweep, before: dict[str, Any]) -> None:
    """Refuses to read from the directory what only the storage knows, and the other way round."""
    if before.get("worker", False) == (sweep.outcomes.identity is not None):
        return
    how, remedy = ("with", "give it") if before.get("worker", False) else ("without", "leave it out")
    raise RunError(f"{sweep.directory}: its sweep was begun {how} --worker; {remedy}, or {REMEDY}")


def _check(sweep: Sweep, before: dict[str, Any], where: str) -> None:
    """Refuses a sweep that is not the one that was begun there before."""
    _check_asked(sweep, before["asked"], where)
    now = sweep.experiment(Point(before["point"]), before["asked"]["seeds"][0]).experiment.to_json()
    if changed := differences(with_defaults(as_it_was(before["experiment"])), now):
        what = ", ".join(map(str, changed))
        remedy = "undo the change, or begin a new sweep with another -s DIR"
        raise RunError(f"{where}: the experiment changed since the sweep was begun: {what}; {remedy}")


def _check_asked(sweep: Sweep, before: dict[str, Any], where: str) -> None:
    """Refuses a sweep that leaves out what was asked for before, since other processes may be working on it."""
    if problem := next(_left_out(before, sweep.asked()), None):
        remedy = "a sweep can only grow; ask for that too, or begin a new one with another -s DIR"
        raise RunError(f"{where}: holds another sweep: {problem}; {remedy}")


def _left_out(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    if any(list(before[kind]) != list(now[kind]) for kind in ("grid", "ranges")):
        yield f"it varies {', '.join([*before['grid'], *before['ranges']]) or 'nothing'}, in this order"
        return
    for name, values in before["grid"].items():
        asked = [text_of(value) for value in now["grid"][name]]
        if missing := [text for value in values if (text := text_of(value)) not in asked]:
            yield f"its values of {name} have {', '.join(missing)} among them"
    if missing := [str(seed) for seed in before["seeds"] if seed not in now["seeds"]]:
        yield f"it has the seed {missing[0]} as well"
    if before["ranges"] != now["ranges"] or (before["ranges"] and before["grid"] != now["grid"]):
        yield "it draws from other values, and those of its ranges cannot grow"
    if before["limit"] != now["limit"]:
        yield "it was begun " + ("without --limit" if before["limit"] is None else f"with --limit {before['limit']}")


def _is_ours(name: str) -> bool:
    """Whether a file of this name may exist before `sweep.json` does."""
    return name.startswith(".")
