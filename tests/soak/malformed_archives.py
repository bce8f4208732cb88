"""Archives that no one should open: a corpus of them, and as many more as there is time for, made by chance.

Each must be refused in one sentence that names the file, with exit code 2, without a traceback or a trace of code of
its own. One that chance has left whole, or harmless, may be answered with.
"""

import io
import json
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from mtlkit.cli import main
from tests.soak.counts import Counts
from tests.soak.malformed_containers import FILES, MANIFESTS, MEMBERS, OWN_FILES, Case, whole
from tests.soak.malformed_members import EXPERIMENTS, NOTES, VOCABULARIES, WEIGHTS_OF_ALL_KINDS
from tests.soak.tiny_archive import Members, packed, sealed, tar, tiny_members

CASES: dict[str, Case] = {
    **FILES,
    **MEMBERS,
    **OWN_FILES,
    **MANIFESTS,
    **EXPERIMENTS,
    **VOCABULARIES,
    **WEIGHTS_OF_ALL_KINDS,
    **NOTES,
}
"""By name."""
PATIENCE_SECONDS = 900
LONGEST = 2000
RUNS_CODE = ("os.system", "os.exec", "os.fork", "os.posix_spawn", "pickle.find_class", "subprocess.Popen")
"""Audit events (PEP 578) that no archive may cause."""
WEIRD: list[Any] = [
    *(None, True, -1, 0, 1.5, 10**9, 10**30, 2**63, "", "\0", "\ud800", "os.system", "../../etc/passwd", "x" * 10_000),
    *([], {}, [[]], {"type": "lstm"}, {"type": "os.system"}, [None] * 1000),
]


class Outcome(NamedTuple):
    """What a command came to."""

    code: int
    """-1 where it ended in a traceback."""
    output: str
    messages: str
    events: list[str]
    """Those of `RUNS_CODE` that it caused."""


def run_command(*words: str | Path, text: str = "") -> Outcome:
    """Runs `mtlkit` in this process, as from a terminal."""
    output, messages = io.StringIO(), io.StringIO()
    stdin = io.TextIOWrapper(io.BytesIO(text.encode()))
    with (
        patch.object(sys, "argv", ["mtlkit", *map(str, words)]),
        patch.object(sys, "stdin", stdin),
        redirect_stdout(output),
        redirect_stderr(messages),
        _watched() as events,
    ):
        try:
            with _at_most(PATIENCE_SECONDS):
                main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        except BaseException:  # what a user would see as a traceback
            code = -1
            messages.write(traceback.format_exc())
    return Outcome(code, output.getvalue(), messages.getvalue(), list(events))


def predict_with(archive: Path) -> Outcome:
    """Has an archive opened, and all its models answer."""
    return run_command("predict", archive, "-", text="fine film\n")


def fault(outcome: Outcome, archive: Path, says: str | None = None) -> str | None:
    """What is wrong with how an archive was refused, if anything; it may have been taken where `says` is None."""
    if outcome.code == -1 or "Traceback" in outcome.messages:
        return f"a traceback: {outcome.messages.strip().splitlines()[-1][:LONGEST]}"
    if outcome.events:
        return f"runs code: {outcome.events}"
    if says is None and outcome.code in (0, 1):
        return None
    if outcome.code != 2:
        return f"exit code {outcome.code}"
    lines = outcome.messages.splitlines()
    if len(lines) != 1 or len(outcome.messages) > LONGEST or not outcome.messages.rstrip("\n").isprintable():
        return f"no sentence: {outcome.messages[:LONGEST]!r}"
    if not lines[0].startswith(f"{archive}") or (says is not None and says not in lines[0]):
        return f"says something else: {lines[0]}"
    return None


def attempt(make: Callable[[Path], object], says: str | None, name: str, folder: Path, counts: Counts) -> None:
    """Has one archive opened, and counts what came of it."""
    path = folder / "stranger.tar.gz"
    make(path)
    outcome = predict_with(path)
    wrong = fault(outcome, path, says)
    counts.tried += 1
    counts.survived += wrong is None
    counts.tracebacks += outcome.code == -1
    counts.run += bool(outcome.events)
    if wrong is not None:
        counts.failures.append(f"{name}: {wrong}")


def mutated(generator: random.Random) -> bytes:
    """An archive in which chance has changed something, behind as many seals as chance has left."""
    kind = generator.randrange(6)
    if kind == 0:
        return _damaged(whole(), generator)
    if kind == 1:
        return packed(_damaged(tar(sealed(tiny_members())), generator))
    members = sealed(tiny_members(with_pool=generator.random() < 0.5))
    del members["manifest.json"]
    name, other = generator.sample(sorted(members), 2)
    if kind == 2:
        members[name], members[other] = members[other], members[name]
    elif kind == 3:
        members[name] = _damaged(members[name], generator)
    elif kind == 4:
        members[name] = members[name][: generator.randrange(len(members[name]))]
    else:
        _change_json(members, generator)
    return packed(tar(sealed(members)))


def soak(seconds: float, seed: int) -> Counts:
    """All malformed archives of the corpus, and mutated ones for the rest of the time."""
    counts, ends = Counts(), time.monotonic() + seconds
    for name, case in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            attempt(case.write, case.says, name, Path(folder), counts)
    number = 0
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < ends:
            try_mutant(seed, number, Path(folder), counts)
            number += 1
    return counts


def try_mutant(seed: int, number: int, folder: Path, counts: Counts) -> None:
    """Has the mutant of this number opened."""
    content = mutated(random.Random(f"{seed}/{number}"))
    attempt(lambda path: path.write_bytes(content), None, f"mutant {number} of seed {seed}", folder, counts)


def _damaged(content: bytes, generator: random.Random) -> bytes:
    """With some bits turned, a piece doubled, lost or overwritten, or cut short."""
    changed = bytearray(content)
    start = (
        generator.randrange(len(changed)) if generator.random() < 0.5 else generator.randrange(min(512, len(changed)))
    )
    stop = start + generator.choice([1, 2, 8, 64, 512])
    kind = generator.randrange(5)
    if kind == 0:
        changed[start] ^= 1 << generator.randrange(8)
    elif kind == 1:
        changed[start:start] = changed[start:stop]
    elif kind == 2:
        del changed[start:stop]
    elif kind == 3:
        changed[start:stop] = generator.randbytes(len(changed[start:stop]))
    else:
        del changed[start:]
    return bytes(changed)


def _change_json(members: Members, generator: random.Random) -> None:
    """Puts something weird in the place of a value of the experiment, the notes or the vocabulary's settings."""
    name = generator.choice(sorted(name for name in members if name.endswith(".json")))
    value = json.loads(members[name])
    part: Any = value
    while True:
        key = generator.choice(list(part) if isinstance(part, dict) else range(len(part)))
        if not isinstance(part[key], dict | list) or not part[key] or generator.random() < 0.2:
            break
        part = part[key]
    part[key] = generator.choice(WEIRD)
    members[name] = json.dumps(value).encode()


_events: list[str] | None = None
"""Of the command that runs now; an audit hook stays for as long as the process."""


def _note(event: str, arguments: Sequence[object]) -> None:
    del arguments
    if _events is not None and event in RUNS_CODE:
        _events.append(event)


sys.addaudithook(_note)


@contextmanager
def _watched() -> Iterator[list[str]]:
    global _events
    _events = []
    try:
        yield _events
    finally:
        _events = None


@contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    """Raises TimeoutError in the main thread after so many seconds."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"took more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
