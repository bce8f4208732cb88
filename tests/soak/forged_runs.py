"""Run directories that a stranger has sent, or has laid hands on: damaged, forged, and planted with links and pipes.

Each is a copy of a run of the user's own, so that all that is read of it would fit, in which chance has changed a few
files. Nothing that the user has elsewhere is read or changed through it.
"""

import gzip
import json
import os
import random
import shutil
import socket
import tarfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.soak.counts import Counts
from tests.soak.forged_archives import NUMBERS, TEXTS, tempting_paths
from tests.soak.malformed_archives import WEIRD
from tests.soak.workplace import Try, Workplace, soak_in_a_workplace

LEAST = 50
Forgery = Callable[[Path, Workplace, random.Random], object]
"""Changes one file of a run."""
LOGS = ("metrics.jsonl", "sharing.jsonl")
PLANTED = (
    "notes.txt",
    ".git/config",
    ".app.lock",
    "checkpoints/mine.txt",
    "stages/x",
    "predictions/notes.txt",
    "a/b",
)
"""Names of what is no part of a run."""
MADE_LATER = (
    *(
        "report.html",
        "log.txt",
        "metrics.json",
        "archive.tar.gz",
        "profile.json",
        "trace.json",
        ".lock",
        "lock",
        "tensorboard",
    ),
    *(
        "checkpoints/step-00000006",
        "checkpoints/outcome.json",
        "predictions",
        "sharing.jsonl",
        "metrics.jsonl",
        "meta.json",
    ),
)
"""Names under which a command may write."""


def soak(seconds: float, seed: int, least: int = LEAST) -> Counts:
    """Tries for so many seconds, but at least so many directories."""
    return soak_in_a_workplace(attempt, "forged_runs", seconds, seed, least)


def attempt(workplace: Workplace, generator: random.Random, name: str) -> None:
    """Makes one directory and has a verb read it."""
    verb = generator.choice([*VERBS])
    run = workplace.new_stranger() / "run"
    shutil.copytree(workplace.mine / ("begun" if verb.startswith("resume") else "run"), run)
    forgeries = []
    for _ in range(generator.choice((1, 1, 2, 3))):
        forgery = generator.choice(FORGERIES)
        files = [*_files(run)]
        if files:
            file = generator.choice(files)
            forgeries.append(f"{forgery.__name__.strip('_')} {file.relative_to(run)}")
            forgery(file, workplace, generator)
    kept = _planted(run)
    what = f"{name} ({verb}; {', '.join(forgeries)})"
    workplace.attempt(Try(what, VERBS[verb](workplace, run), b"fine film\n"))
    if lost := [path for path, content in kept.items() if not path.exists() or path.read_bytes() != content]:
        workplace.counts.lost += 1
        workplace.counts.survived -= 1
        workplace.counts.failures.append(f"{what}: lost: what was no part of the run: {', '.join(map(str, lost))}")


def _files(run: Path) -> Iterator[Path]:
    """The regular files of a run, those first that every verb reads."""
    for path in sorted(run.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.name not in PLANTED:
            yield from [path] * (3 if path.suffix in (".json", ".jsonl") and path.parent == run else 1)


def _planted(run: Path) -> dict[Path, bytes]:
    """What is no part of a run, and no command is to delete."""
    if not (run / "planted").exists():
        return {}
    (run / "planted").unlink()
    found = {}
    for name in PLANTED:
        with suppress(OSError):
            path = run / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() and not path.is_symlink():
                path.write_text("the user's own\n")
                found[path] = path.read_bytes()
    return found


def _plant(file: Path, workplace: Workplace, generator: random.Random) -> None:
    del workplace, generator
    (_root(file) / "planted").touch()


def _root(file: Path) -> Path:
    return next(parent for parent in file.parents if parent.name == "run")


def _put(file: Path, content: bytes) -> None:
    """Puts a file in the place of what is there."""
    file.unlink()
    file.write_bytes(content)


def _deep(file: Path, workplace: Workplace, generator: random.Random) -> None:
    del workplace
    opening = generator.choice((b"[", b'{"a":', b'{"data":{', b"[[],"))
    _put(file, opening * generator.choice((100, 5_000, 200_000)))


def _cut(file: Path, workplace: Workplace, generator: random.Random) -> None:
    del workplace
    content = file.read_bytes()
    _put(file, content[: generator.randrange(len(content) + 1)])


def _damage(file: Path, workplace: Workplace, generator: random.Random) -> None:
    del workplace
    content = bytearray(file.read_bytes() or b"x")
    for _ in range(generator.choice((1, 9))):
        content[generator.randrange(len(content))] = generator.randrange(256)
    _put(file, bytes(content))


def _value(file: Path, workplace: Workplace, generator: random.Random) -> None:
    """Something else in the place of a value of JSON, at any depth."""
    lines = file.read_bytes().splitlines() if file.suffix == ".jsonl" else [file.read_bytes()]
    if not lines:
        return
    number = generator.randrange(len(lines))
    try:
        part = whole = json.loads(lines[number])
    except ValueError:
        return
    if not isinstance(whole, dict | list) or not whole:
        return
    while True:
        key: Any = generator.choice(list(part) if isinstance(part, dict) else range(len(part)))
        if not isinstance(part[key], dict | list) or not part[key] or generator.random() < 0.3:
            break
        part = part[key]
    part[key] = generator.choice([*WEIRD, *TEXTS, *tempting_paths(workplace)])
    lines[number] = json.dumps(whole).encode()
    _put(file, b"\n".join(lines) + b"\n")


def _number(file: Path, workplace: Workplace, generator: random.Random) -> None:
    del workplace
    text = file.read_bytes().decode(errors="replace")
    places = [place for place, letter in enumerate(text) if letter.isdigit()]
    if places and file.suffix in (".json", ".jsonl"):
        place = generator.choice(places)
        _put(file, (text[:place] + generator.choice(NUMBERS) + text[place + 1 :]).encode())


def _paths(file: Path, workplace: Workplace, generator: random.Random) -> None:
    """Data of the experiment, wherever the run says it, are what a stranger would like to have read."""
    for name in ("experiment.resolved.json", "experiment.json", "sources/e.json"):
        path = _root(file) / name
        with suppress(OSError, ValueError):
            value = json.loads(path.read_text())
            for task in value["tasks"].values():
                task.update({split: generator.choice(tempting_paths(workplace)) for split in ("train", "dev", "test")})
            _put(path, json.dumps(value).encode())


def _link(file: Path, workplace: Workplace, generator: random.Random) -> None:
    """A link to what is private, to what is the user's, or to what has no end."""
    targets = [*tempting_paths(workplace), *map(str, (workplace.mine / "e.json", workplace.mine / "run" / "meta.json"))]
    file.unlink()
    with suppress(OSError):
        file.symlink_to(generator.choice([target for target in targets if target]))


def _link_folder(file: Path, workplace: Workplace, generator: random.Random) -> None:
    """A link in the place of a folder, to one of the user's."""
    folder = generator.choice([path for path in file.parents if path.is_relative_to(_root(file))])
    if folder.name == "run":
        return
    shutil.rmtree(folder)
    folder.symlink_to(generator.choice((workplace.mine / "run" / folder.name, workplace.home, workplace.mine)))


def _link_ahead(file: Path, workplace: Workplace, generator: random.Random) -> None:
    """A link where a command is going to write."""
    path = _root(file) / generator.choice(MADE_LATER)
    target = generator.choice(
        (workplace.mine / "e.json", workplace.home / "shadow", workplace.mine / "new", workplace.mine / "run")
    )
    if not path.exists() and not path.is_symlink():
        path.symlink_to(target)
    elif path.is_file():
        path.unlink()
        path.symlink_to(target) if generator.random() < 0.5 else os.link(workplace.mine / "e.json", path)


def _special(file: Path, workplace: Workplace, generator: random.Random) -> None:
    """A pipe, a socket, a folder, or nothing."""
    del workplace
    file.unlink()
    kind = generator.randrange(4)
    if kind == 0:
        os.mkfifo(file)
    elif kind == 1:
        file.mkdir()
    elif kind == 2:
        with socket.socket(socket.AF_UNIX) as made:
            folder = os.open(file.parent, os.O_DIRECTORY)
            with suppress(OSError):
                made.bind(f"/proc/self/fd/{folder}/{file.name}")
            os.close(folder)


def _bomb(file: Path, workplace: Workplace, generator: random.Random) -> None:
    """More bytes than anyone has, without taking any room."""
    del workplace
    if file.suffix == ".gz":
        _put(file, gzip.compress(bytes(2**24), 9) * generator.choice((1, 99)))
        return
    file.unlink()
    with file.open("wb") as opened:
        opened.truncate(generator.choice((2**25, 2**30, 2**40)))


def _empty(file: Path, workplace: Workplace, generator: random.Random) -> None:
    del workplace, generator
    _put(file, b"")


def _pickle(file: Path, workplace: Workplace, generator: random.Random) -> None:
    """A pickle that touches a file, in the place of whatever may be unpickled."""
    del generator
    canary = str(workplace.told / "pickle").encode()
    _put(file, b"cos\nsystem\n(S'touch " + canary + b"'\ntR.")


def _other_archive(file: Path, workplace: Workplace, generator: random.Random) -> None:
    """The archive's experiment names private data; its manifest does not fit any more, or is none."""
    del generator
    path = _root(file) / "archive.tar.gz"
    with suppress(OSError, tarfile.TarError):
        shutil.copy(workplace.mine / "good.tar.gz", path)


FORGERIES: tuple[Forgery, ...] = (
    *(_deep, _cut, _damage, _value, _value, _value, _number, _paths, _paths, _link, _link, _link_folder, _link_ahead),
    *(_link_ahead, _special, _special, _bomb, _empty, _pickle, _other_archive, _plant),
)
Verb = Callable[[Workplace, Path], list[str | Path]]
VERBS: dict[str, Verb] = {
    "diff": lambda at, run: ["diff", "--all", at.mine / "run", run],
    "diff the other way": lambda at, run: ["diff", run, at.mine / "other", "--format", "json"],
    "compare": lambda at, run: ["compare", at.mine / "run", run, "-o", "table.md", "--format", "markdown"],
    "compare as a baseline": lambda at, run: ["compare", at.mine / "other", "--baseline", run, "--anyway"],
    "report": lambda at, run: ["report", run],
    "report elsewhere": lambda at, run: ["report", run, "-o", "page.html", "--figures", "figures"],
    "report as a baseline": lambda at, run: ["report", at.mine / "other", "--baseline", run, "-o", "page.html"],
    "evaluate": lambda at, run: ["evaluate", run],
    "evaluate into it": lambda at, run: ["evaluate", run, "--data", at.mine, "--predictions", run / "predictions"],
    "predict": lambda at, run: ["predict", run, "-"],
    "explain": lambda at, run: ["explain", run, "--task", "books", "fine film"],
    "resume": lambda at, run: ["train", at.mine / "e.json", "-s", run, "--resume", "-o", "trainer.epochs=40"],
    "resume anyway": lambda at, run: ["train", at.mine / "e.json", "-s", run, "--resume-anyway"],
    "train over it": lambda at, run: ["train", at.mine / "e.json", "-s", run, "--force"],
    "train into it": lambda at, run: ["train", at.mine / "e.json", "-s", run],
    "transfer": lambda at, run: [
        *("transfer", at.mine / "e.json", "--leave-out", "books", "-s", "folds", "--baseline", run),
        *("-o", "trainer.epochs=1"),
    ],
    "sweep": lambda at, run: ["sweep", at.mine / "e.json", "--grid", "seed=1,2", "-s", run, "--report"],
}
