"""The folders of a user to whom a stranger has sent something, and commands that are run there under limits.

    home/       private files, of which nothing may be read
    mine/       an experiment, its data and its runs: what the user works on, and no command of the soak is to change
    stranger/   what has been sent; made anew for each try
    out/        where the user works and has outputs written
    told/       where code of the stranger's leaves a trace

A command ends as promised if it ends by itself and soon, with an answer or with a sentence, and has run, read, changed
and left behind nothing but what it was asked for.
"""

import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple, final

import matplotlib

from mtlkit.text import on_one_line
from tests.soak import observed
from tests.soak.canaries import CAN_WATCH, Watch, changes, snapshot
from tests.soak.counts import Counts
from tests.soak.forked import Circumstances, Forked, link_kernels
from tests.soak.own_work import make_own_work
from tests.soak.verdicts import Ended, Verdict, verdict

PROCESSOR_SECONDS = 60
CLOCK_SECONDS = 900
"""For what waits and does nothing; machines are busy."""
ADDRESSES = 2**32
"""Bytes of address space beside those at the start. Threads and maps of files take more of it than they use; what a
command uses is measured (`verdicts.MEMORY`).
"""
PRIVATE = {
    "letters.tsv": "positive\t{secret} fine film\nnegative\t{secret} dull film\n",
    "tags.txt": "{secret} O\n\n{secret} B-X\n",
    "shadow": "root:{secret}:19000:0:99999:7:::\n",
    "vectors.txt": "{secret} 0.1 0.2 0.3 0.4\nfilm 0.1 0.2 0.3 0.4\n",
    "secret.json": '{{"tasks": "{secret}"}}\n',
    "netrc": "machine example.org login me password {secret}\n",
}
"""By name; they can be read as data, so that whoever reads them goes on and shows them."""

OF_TORCH = "torchinductor_"
"""The beginning of the name of a folder that importing parts of torch makes, and leaves empty."""


class Try(NamedTuple):
    """A command and its circumstances."""

    name: str
    """What it takes to see it again."""
    words: Sequence[str | Path]
    input: bytes = b""
    folder: Path | None = None
    """The current folder; None is `out`."""
    environment: tuple[tuple[str, str], ...] = ()


@final
class Workplace:
    """Such folders below `root`.

    Args:
        root: an empty folder.
        counts: counts what comes of each command.
    """

    def __init__(self, root: Path, counts: Counts) -> None:
        self.root, self.counts = root, counts
        self.home, self.mine, self.stranger = root / "home", root / "mine", root / "stranger"
        self.out, self.told, self.logs, self._temporary = root / "out", root / "told", root / "logs", root / "tmp"
        for folder in (self.home, self.mine, self.stranger, self.out, self.told, self.logs, self._temporary):
            folder.mkdir(mode=0o700)
        self.secret = f"private{random.SystemRandom().getrandbits(64):x}"
        for name, text in PRIVATE.items():
            (self.home / name).write_text(text.format(secret=self.secret))
        link_kernels(root / "cache")
        self.environment = (
            ("HOME", str(self.home)),
            ("MTLKIT_CACHE", str(root / "cache")),
            ("TMPDIR", str(self._temporary)),
            ("MPLCONFIGDIR", matplotlib.get_cachedir()),  # else each run would list the fonts anew
        )
        make_own_work(self.mine, self.logs / "output", Circumstances(environment=self.environment, folder=self.out))
        self._before = {folder: snapshot(folder) for folder in (self.home, self.mine)}

    def new_stranger(self) -> Path:
        """The stranger's folder, empty."""
        _empty(self.stranger)
        return self.stranger

    def attempt(self, what: Try, run: Callable[[Try], Ended] | None = None) -> Verdict:
        """Runs a command, and counts what came of it.

        Args:
            what: the command.
            run: runs it; None forks a process under limits.
        """
        _empty(self.out)
        _empty(self.told)
        with Watch(self.home / name for name in PRIVATE) if CAN_WATCH else nullcontext() as watch:
            found = verdict((run or self._run)(what), self.root, self.secret)
            found.wrong["read"] += [f"private: {event}" for event in watch.seen()] if watch else []
        found.wrong["run"] += [f"code of {path.name} has run" for path in self.told.iterdir()]
        found.wrong["read"] += [f"{path.name} has something private" for path in self._outputs() if self._tells(path)]
        found.wrong["lost"] += self._losses()
        self.count(what.name, found)
        return found

    def count(self, name: str, found: Verdict) -> None:
        """Counts a command."""
        self.counts.tried += 1
        self.counts.refused += found.ended.is_refusal
        for kind, sentences in found.wrong.items():
            setattr(self.counts, kind, getattr(self.counts, kind) + bool(sentences))
        if found.sentences:
            self.counts.failures += [on_one_line(f"{name}: {sentence}") for sentence in found.sentences]
        else:
            self.counts.survived += 1

    def _run(self, what: Try) -> Ended:
        given, notes, errors = self.logs / "input", self.logs / "notes", self.logs / "errors"
        given.write_bytes(what.input)
        notes.unlink(missing_ok=True)
        circumstances = Circumstances(
            more_memory=ADDRESSES,
            environment=self.environment + what.environment,
            processor_seconds=PROCESSOR_SECONDS,
            folder=what.folder or self.out,
            input=given,
            errors=errors,
            notes=notes,
        )
        process = Forked(what.words, self.logs / "output", circumstances)
        code = process.wait(CLOCK_SECONDS)
        if code is None:
            process.kill()
        until = time.monotonic() + 60
        while process.is_group_running and time.monotonic() < until:
            time.sleep(0.01)
        leftover = process.kill_group()
        said = errors.read_text(encoding="utf-8", errors="surrogateescape") if errors.exists() else ""
        return Ended(code, process.output(), said, observed.read_notes(notes), leftover)

    def _outputs(self) -> list[Path]:
        """Files that the command may have written; no bombs."""
        found = [path for folder in (self.out, self.stranger) for path in folder.rglob("*") if not path.is_symlink()]
        return [path for path in found if path.is_file() and path.stat().st_size < 2**26]

    def _tells(self, path: Path) -> bool:
        return self.secret.encode() in path.read_bytes()

    def _losses(self) -> list[str]:
        """What has happened to the user's own files, which are then put back as far as it matters for the next try."""
        found = []
        for folder, before in self._before.items():
            after = snapshot(folder)
            found += [f"{folder.name}/{change}" for change in changes(before, after)]
            self._before[folder] = after  # each change is counted once
        found += [
            f"left in the folder for temporary files: {path.name}"
            for path in self._temporary.iterdir()
            if not path.name.startswith(OF_TORCH)
        ]
        _empty(self._temporary)
        return found


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def soak_in_a_workplace(
    attempt: Callable[[Workplace, random.Random, str], object], part: str, seconds: float, seed: int, least: int
) -> Counts:
    """Tries what is drawn from a seed until the time is over, at least so often.

    Args:
        attempt: makes a try and has it counted; gets the generator to draw it from, and what to call it.
        part: the name of the part.
        seconds: how long.
        seed: of all tries.
        least: how many tries there are whatever time they take.
    """
    counts = Counts()
    with tempfile.TemporaryDirectory(prefix="mtlkit-soak-") as folder:
        workplace = Workplace(Path(folder).resolve(), counts)
        ends, number = time.monotonic() + seconds, 0
        while number < least or time.monotonic() < ends:
            attempt(workplace, random.Random(f"{seed}/{part}/{number}"), f"{part} {number} of seed {seed}")
            number += 1
    return counts
