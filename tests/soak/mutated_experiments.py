"""Experiments that are wrong in ways that nobody has thought of: validated, or one clear error, and soon.

A mutant is a shipped experiment's resolved JSON with some changes, written to a file and given to what `mtlkit check`
calls. It may turn out valid; else it must end in a `ConfigError` with a place in every line, within seconds and without
much memory.
"""

import copy
import json
import os
import random
import resource
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from mtlkit.config import interfaces
from mtlkit.errors import ConfigError
from mtlkit.experiment import load_experiment
from mtlkit.runs.checks import check_experiment
from tests.soak.counts import Counts

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
NAMES = ("ic_mtl", "dc_mtl", "cross_task_attention", "single_task", "nas_pool", "planted")
"""They need no data beside them. What the larger ones add are tasks."""
MUTANTS = 10_000
"""In the soak, if there is time."""
SECONDS = 10.0
"""Most processor time that a check may take; the slowest shipped experiment takes a tenth of that."""
PATIENCE = 900.0
"""Most time by the clock, for what waits and does nothing; machines are busy."""
MEMORY = 2**31
"""Bytes that a check may ask for beside what the process has."""
NUMBERS: tuple[float, ...] = (
    *(0, 1, 2, 3, 7, -1, 1000, 10**6, 2**31 - 1, 2**31, 2**32, 2**62, 2**63 - 1, 2**63, 2**64, 10**30, -(10**30)),
    *(0.0, -0.0, 0.5, 1.0, 1.5, 1e-320, 1e-30, 1e30, 1.7e308),
)
STRINGS = (
    "",
    " ",
    "\x00",
    "a",
    ".",
    "..",
    "/",
    "a/b",
    "é",
    "\ud800",
    "\u2028",
    "{message}",
    "%s",
    "$",
    "(",
    "[",
    "x" * 5000,
)
PLAIN: tuple[Any, ...] = (None, True, False, [], {}, [[]], [{}], {"type": ""}, {"type": 7}, {"": 1}, [None])
Place = tuple[Any, Any]
"""An object or list, and a key or index in it."""


class TooSlow(BaseException):
    """A check has gone on for too long; no `except Exception` catches it."""


def soak(seconds: float, seed: int) -> Counts:
    """Tries as many mutants as there is time for, 10,000 at most."""
    originals()
    counts = Counts()
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        for number in range(MUTANTS):
            if time.monotonic() > until:
                break
            attempt(mutant(random.Random(f"{seed}/{number}")), Path(folder), f"mutant {number} of seed {seed}", counts)
    return counts


def attempt(text: str, folder: Path, name: str, counts: Counts) -> None:
    """Checks one mutant, and counts what came of it."""
    file = folder / "experiment.json"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    counts.tried += 1
    try:
        with limited():
            loaded = load_experiment(file)
            check_experiment(loaded.experiment, str(file))
    except ConfigError as error:
        lines = str(error).split("\n")
        if lines and all(line.startswith(str(file)) for line in lines):
            counts.survived += 1
        else:
            counts.failures.append(f"{name}: an error without a place: {str(error)[:300]!r}")
    except (Exception, TooSlow):
        counts.tracebacks += 1
        counts.failures.append(f"{name}: {traceback.format_exc(limit=-4)[-1500:]}")
    else:
        counts.survived += 1


@contextmanager
def limited() -> Iterator[None]:
    """Ends what takes too long or too much memory, by real limits."""

    def too_slow(number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"not done after {SECONDS:g} seconds of work, or {PATIENCE:g} by the clock")

    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = {number: signal.signal(number, too_slow) for number in (signal.SIGPROF, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def mutant(generator: random.Random) -> str:
    """The text of a shipped experiment with one to four changes, now and then to the text itself."""
    value = copy.deepcopy(generator.choice(originals()))
    for _ in range(generator.choice((1, 1, 1, 2, 2, 3, 4))):
        place = generator.choice(list(places(value)))
        generator.choice(CHANGES)(place, value, generator)
    text = json.dumps(value)
    return generator.choice(TEXT_CHANGES)(text, generator) if generator.random() < 0.1 else text


@cache
def originals() -> list[dict[str, Any]]:
    """The resolved JSON of shipped experiments, of few tasks."""
    found = []
    for name in NAMES:
        loaded = load_experiment(EXPERIMENTS / f"{name}.jsonnet")
        found.append(loaded.experiment.to_json())
    return found


def places(value: Any) -> Iterator[Place]:
    """Every key and index at any depth."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(item, dict | list):
            yield from places(item)


def strange(generator: random.Random) -> Any:
    """A value that may be right nowhere."""
    return copy.deepcopy(generator.choice(generator.choice((NUMBERS, NUMBERS, STRINGS, PLAIN))))


def misspelt(name: str, generator: random.Random) -> str:
    """The text with a letter left out, doubled, changed or moved."""
    at = generator.randrange(len(name)) if name else 0
    letter = name[at : at + 1]
    return name[:at] + generator.choice(("", letter * 2, "x", letter.upper(), f"_{letter}", " ")) + name[at + 1 :]


def _delete(place: Place, root: Any, generator: random.Random) -> None:
    del place[0][place[1]]


def _replace(place: Place, root: Any, generator: random.Random) -> None:
    place[0][place[1]] = strange(generator)


def _rename(place: Place, root: Any, generator: random.Random) -> None:
    inside, key = place
    if isinstance(inside, dict):
        inside[misspelt(key, generator)] = inside.pop(key)
    elif isinstance(inside[key], str):
        inside[key] = misspelt(inside[key], generator)


def _duplicate(place: Place, root: Any, generator: random.Random) -> None:
    inside, key = place
    if isinstance(inside, dict):
        inside[misspelt(key, generator)] = copy.deepcopy(inside[key])
    else:
        inside[key:key] = [copy.deepcopy(inside[key]) for _ in range(generator.choice((1, 2, 50)))]


def _scale(place: Place, root: Any, generator: random.Random) -> None:
    inside, key = place
    if isinstance(inside[key], int | float):
        inside[key] = inside[key] * generator.choice((-1, 0, 10, 10**6, 10**12, 10**18)) + generator.choice((0, 1, 0.5))
    elif isinstance(inside[key], str):
        inside[key] = misspelt(inside[key], generator)


def _another_type(place: Place, root: Any, generator: random.Random) -> None:
    """Names another component, of the same kind or not."""
    kinds = interfaces()
    kind = generator.choice(list(kinds))
    inside, key = place
    named = {"type": generator.choice(kinds[kind].list_available())}
    inside[key] = {**inside[key], **named} if isinstance(inside[key], dict) else named


def _transplant(place: Place, root: Any, generator: random.Random) -> None:
    inside, key = generator.choice(list(places(root)))
    place[0][place[1]] = copy.deepcopy(inside[key])


def _nest(place: Place, root: Any, generator: random.Random) -> None:
    inside, key = place
    for _ in range(generator.choice((1, 2, 30, 300))):
        inside[key] = [inside[key]] if generator.random() < 0.5 else {"type": inside[key]}


def _stack(place: Place, root: Any, generator: random.Random) -> None:
    """A component in itself, again and again, where components are."""
    inside, key = place
    part = inside[key]
    for _ in range(generator.choice((1, 3, 60))):
        part = {"type": "stacked", "layers": [part]}
    inside[key] = part


def _add(place: Place, root: Any, generator: random.Random) -> None:
    inside, _ = place
    if isinstance(inside, dict):
        inside[generator.choice(("typ", "tasks", "type", "seed", "shared", "a b", "", "é"))] = strange(generator)
    else:
        inside.append(strange(generator))


CHANGES: list[Callable[[Place, Any, random.Random], None]] = [
    *(_delete, _replace, _replace, _replace, _rename, _duplicate, _scale, _scale, _another_type),
    *(_another_type, _transplant, _nest, _stack, _add),
]


def _cut(text: str, generator: random.Random) -> str:
    return text[: generator.randrange(len(text))]


def _damaged(text: str, generator: random.Random) -> str:
    at = generator.randrange(len(text))
    return text[:at] + generator.choice('{}[]",:0\\\x00\ufeff\ud800e-') + text[at + 1 :]


def _twice(text: str, generator: random.Random) -> str:
    """A key given twice in one object."""
    return text.replace('"seed":', '"seed": 1, "seed":', 1)


def _no_json_number(text: str, generator: random.Random) -> str:
    number = generator.choice(("NaN", "-Infinity", "9" * 5000, "1e999", "-1e999", "0x10", "01", "1_000"))
    return text.replace('"seed": 13', f'"seed": {number}', 1)


def _deep(text: str, generator: random.Random) -> str:
    depth = generator.choice((100, 1000, 100_000))
    opening, closing = generator.choice((("[", "]"), ('{"type":', "}")))
    return text.replace('"seed": 13', f'"seed": {opening * depth}1{closing * depth}', 1)


TEXT_CHANGES: list[Callable[[str, random.Random], str]] = [_cut, _damaged, _twice, _no_json_number, _deep]
