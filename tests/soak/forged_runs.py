"""Run directories that a stranger has sent, or has laid hands on: damaged, forged, and planted with links and pipes.

Each is a copy of a run of the user's own, so that all that is read of it would fit, in which chance has changed a few
files. Nothing that the user has elsewhere is read or changed through it.
"""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from tests.soak.counts import Counts
from tests.soak.own_work import SWEEP
from tests.soak.run_forgeries import FORGERIES, PLANTED
from tests.soak.workplace import Try, Workplace, soak_in_a_workplace

LEAST = 50
OWN = (*("notes.txt", ".git/config", ".app.lock", "checkpoints/mine.txt", "stages/x", "predictions/notes.txt", "a/b"),)
"""Names of what is no part of a run."""
NAMES = (*["run"] * 6, os.fsdecode(b"run-\xff"), "r" * 235, "\x1b[2J\nrun", "RUN", "a b'c\"", "run.tar.gz", "é" * 99)
"""Of directories."""
ENVIRONMENTS: tuple[tuple[tuple[str, str], ...], ...] = (
    *[()] * 6,
    *((("WORLD_SIZE", value),) for value in ("", "2", "\x1b[2J")),
    (("RANK", "x"), ("LOCAL_RANK", "9")),
    (("COLUMNS", "0"), ("TERM", "\x1b")),
    (("LC_ALL", "C"), ("LANG", "xx")),
    (("MTLKIT_DATA", "/dev/zero"),),
)
"""Variables that somebody may have set."""


def soak(seconds: float, seed: int, least: int = LEAST) -> Counts:
    """Tries for so many seconds, but at least so many directories."""
    return soak_in_a_workplace(attempt, "forged_runs", seconds, seed, least)


def attempt(workplace: Workplace, generator: random.Random, name: str) -> None:
    """Makes one directory and has a verb read it."""
    verb = generator.choice([*VERBS])
    run = workplace.new_stranger() / "run"
    shutil.copytree(workplace.mine / OF_VERBS.get(verb.partition(" ")[0], "run"), run)
    forgeries = []
    for _ in range(generator.choice((1, 1, 2, 3))):
        forgery = generator.choice(FORGERIES)
        files = [*_files(run)]
        if files:
            file = generator.choice(files)
            forgeries.append(f"{forgery.__name__.strip('_')} {file.relative_to(run)}")
            forgery(file, workplace, generator)
    with suppress(OSError):  # where the file system has no such names
        run = run.rename(run.with_name(generator.choice(NAMES)))
    kept = _planted(run)
    what = f"{name} ({verb}; {', '.join(forgeries)})"
    words = VERBS[verb](workplace, run)
    workplace.attempt(Try(what, words, b"fine film\n", environment=generator.choice(ENVIRONMENTS)))
    if lost := [path for path, content in kept.items() if not path.exists() or path.read_bytes() != content]:
        workplace.counts.lost += 1
        workplace.counts.survived -= 1
        workplace.counts.failures.append(f"{what}: lost: what was no part of the run: {', '.join(map(str, lost))}")


def _files(run: Path) -> Iterator[Path]:
    """The regular files of a run, those first that every verb reads."""
    for path in sorted(run.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.name not in OWN:
            yield from [path] * (3 if path.suffix in (".json", ".jsonl") and path.parent == run else 1)


def _planted(run: Path) -> dict[Path, bytes]:
    """What is no part of a run, and no command is to delete."""
    if not (run / PLANTED).exists():
        return {}
    (run / PLANTED).unlink()
    found = {}
    for name in OWN:
        with suppress(OSError):
            path = run / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.parent.resolve().is_relative_to(run.resolve()):
                continue  # a link leads out of the run
            if not path.exists() and not path.is_symlink():
                path.write_text("the user's own\n")
                found[path] = path.read_bytes()
    return found


OF_VERBS = {"resume": "begun", "sweep": "points"}
"""What a stranger has laid hands on, by the first word of a verb; else the run."""
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
    "sweep": lambda at, run: ["sweep", at.mine / "e.json", "-s", run, *SWEEP],
    "sweep to report": lambda at, run: ["sweep", at.mine / "e.json", "-s", run, *SWEEP, "--report"],
}
