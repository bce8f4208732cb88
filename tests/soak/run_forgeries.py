"""What chance does to the files of a run: each function changes one of them, or plants something beside it."""

import gzip
import json
import os
import random
import shutil
import socket
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.soak.forged_archives import NUMBERS, TEXTS, tempting_paths
from tests.soak.malformed_archives import WEIRD
from tests.soak.workplace import Workplace

Forgery = Callable[[Path, Workplace, random.Random], object]
"""Changes one file of a run."""
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
PLANTED = "planted"
"""The name of a file that asks for what is no part of a run."""


def _plant(file: Path, workplace: Workplace, generator: random.Random) -> None:
    del workplace, generator
    (_root(file) / PLANTED).touch()


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
    except (ValueError, RecursionError):
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
        with suppress(OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
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
