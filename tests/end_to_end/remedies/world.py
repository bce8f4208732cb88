"""A user at work: makes a mistake, reads the message, and does what it says."""

import json
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, TypeAlias

import mtlkit
from tests.end_to_end.remedies.messages import sources_of

ABSENT = object()
"""In the place of a setting: it is removed."""


@dataclass
class World:
    """A folder with a small experiment, and a command line."""

    folder: Path
    experiment: dict[str, Any]
    main: Callable[..., CompletedProcess[str]]
    trained: Callable[..., Path]

    def file(self, name: str, content: str | bytes) -> Path:
        """Writes a file, and returns its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def with_settings(self, **settings: Any) -> Path:
        """The experiment as a file, with settings changed: `trainer__epochs=3`."""
        value = json.loads(json.dumps(self.experiment))
        for name, setting in settings.items():
            *parents, last = name.split("__")
            place = value
            for parent in parents:
                place = place[int(parent)] if isinstance(place, list) else place.setdefault(parent, {})
            if setting is ABSENT:
                del place[last]
            else:
                place[last] = setting
        return self.file("experiment.json", json.dumps(value))

    def mtlkit(self, line: str = "", *words: str | Path, text: str = "") -> CompletedProcess[str]:
        """Runs `mtlkit` in the folder. The words of `line` are split as by a shell; E is the experiment."""
        split = [str(self.folder / "experiment.json") if word == "E" else word for word in shlex.split(line)]
        return self.main(*split, *words, text=text)

    def check(self, *words: str, **settings: Any) -> CompletedProcess[str]:
        """Checks the experiment with settings changed and with these options."""
        return self.main("check", self.with_settings(**settings), *words)

    def data(self, *words: str, **settings: Any) -> CompletedProcess[str]:
        """Reads the data of the experiment as well."""
        return self.check("--data", *words, **settings)

    def parsed(self, text: str) -> Any:
        """The value of a JSON text."""
        return json.loads(text)

    def run(self, name: str = "run") -> Path:
        """A copy of a finished run of one epoch."""
        return Path(shutil.copytree(self.trained("archive", trainer={"epochs": 1}), self.folder / name))

    def goes_on(self, run: Path, *words: str) -> CompletedProcess[str]:
        """Trains the experiment of a copied run into the copy, such as with `--resume`."""
        return self.main(
            "train", self.trained("archive", trainer={"epochs": 1}).parent / "experiment.json", "-s", run, *words
        )


Step: TypeAlias = Callable[[World], CompletedProcess[str]]


@dataclass(frozen=True)
class Mistake:
    """A mistake, what is said about it, and what is done then.

    Attributes:
        name: what the mistake is.
        make: makes the mistake.
        said: a part of the message, with its remedy.
        follow: does what the message says.
        then: a part of what is said next; None if the remedy leads to success.
    """

    name: str
    make: Step
    said: str
    follow: Step
    then: str | None = None

    def __str__(self) -> str:
        return self.name


def try_out(mistake: Mistake, world: World) -> set[str]:
    """Makes the mistake, does what the message says, and returns the places of the message in the sources."""
    found = mistake.make(world)
    message = found.stderr
    assert found.returncode == 2 and "Traceback" not in message, message
    assert mistake.said in message, message
    places = sources_of(message)
    assert places, f"no source of mtlkit has such a message: {message}"
    after = mistake.follow(world)
    assert "Traceback" not in after.stderr, after.stderr
    if mistake.then is None:
        assert after.returncode == 0, after.stderr
    else:
        assert after.returncode == 2 and mistake.then in after.stderr, after.stderr
        assert mistake.said not in after.stderr, f"the remedy leads back to the same message: {message}"
    return places


def in_python(call: Callable[[], object]) -> CompletedProcess[str]:
    """What a call in Python comes to, as if it had been a command."""
    try:
        call()
    except mtlkit.MtlkitError as error:
        return CompletedProcess([], 2, "", str(error))
    return CompletedProcess([], 0, "", "")
