"""Archives that name what is nobody's business, ask for much, lie about themselves and are packed with tricks, several
at once; every verb that takes an archive is tried on them, under limits and beside canaries.

`malformed_archives` has one fault at a time and knows what is to be said of it. Here chance combines them.
"""

import json
import os
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tests.soak.counts import Counts
from tests.soak.malformed_archives import WEIRD, mutated
from tests.soak.tar_tricks import tricked
from tests.soak.tiny_archive import WEIGHTS, Members, packed, sealed, tar, tiny_members
from tests.soak.workplace import PRIVATE, Try, Workplace, soak_in_a_workplace

EXPERIMENT, META = "experiment.resolved.json", "meta.json"
LEAST = 60
TEXTS = (
    *("\x1b[2Jcleared", "a\nall is well", "\u202egnp.exe", "\udcff", "x" * 100_000, "", "\0", "=HYPERLINK(1)"),
    *("-rf", "../../x", "\u2028", "{0.__class__}", "%s%n", "$(touch canary)", "`touch canary`", "🏳\ufe0f\u200d🌈"),
)
NUMBERS = ("9" * 5000, "1e999", "-0.0", "NaN", "Infinity", "1e-400", "0x10", "1" + "0" * 400, "[" * 500 + "]" * 500)
PATTERNS = ("(a+)+b", "(?i)" + "[\x01-\U0010fffe]" * 1900, "((a{1,500}){1,500}){1,500}", "(", "\\p{L}*" * 99, ".*" * 99)
Forgery = Callable[[Members, Workplace, random.Random], None]


def soak(seconds: float, seed: int, least: int = LEAST) -> Counts:
    """Tries for so many seconds, but at least so many archives."""
    return soak_in_a_workplace(attempt, "forged_archives", seconds, seed, least)


def attempt(workplace: Workplace, generator: random.Random, name: str) -> None:
    """Makes one archive and has a verb open it."""
    path = workplace.new_stranger() / generator.choice(("a.tar.gz", "a.tar.gz", "archive.tar.gz", "\x1b[2J\n.tar.gz"))
    tempts = generator.random() < 0.4
    path.write_bytes(tempting(workplace, generator) if tempts else forged(workplace, generator))
    words = generator.choice(READING if tempts else VERBS)(workplace, path, generator)
    workplace.attempt(Try(f"{name} ({words[0]})", words, b"fine film\n\ndull\n"))


def tempting(workplace: Workplace, generator: random.Random) -> bytes:
    """A sound archive whose data are what a stranger would like to have read."""
    members = tiny_members(with_pool=generator.random() < 0.3)
    value = json.loads(members[EXPERIMENT])
    for task in value["tasks"].values():
        _tempt(task, tempting_paths(workplace), generator)
    return packed(tar(sealed({**members, EXPERIMENT: json.dumps(value).encode()})))


def forged(workplace: Workplace, generator: random.Random) -> bytes:
    """The archive; one in ten is of a kind that `malformed_archives` knows."""
    if generator.random() < 0.1:
        return mutated(generator)
    members = tiny_members(with_pool=generator.random() < 0.3)
    for _ in range(generator.choice((1, 1, 2, 3))):
        with suppress(ValueError, LookupError, TypeError, AttributeError, RecursionError, SafetensorError):
            generator.choice(FORGERIES)(members, workplace, generator)  # if an earlier one has left anything to forge
    if generator.random() < 0.9:
        members = sealed(members)
    return packed(tar(members)) if generator.random() < 0.5 else tricked(members, generator)


def tempting_paths(workplace: Workplace) -> list[str]:
    """Paths that a stranger would like to have read, and such as have no end."""
    private = [workplace.home / name for name in PRIVATE]
    link, pipe = workplace.stranger / "link.tsv", workplace.stranger / "pipe.tsv"
    if not link.is_symlink():
        link.symlink_to(private[0])
        os.mkfifo(pipe)
    relative = [f"../home/{name}" for name in PRIVATE]
    special = ["/dev/zero", "/dev/stdin", "/dev/tty", "/proc/self/environ", "/proc/self/mem", "/", "~/shadow", "."]
    return [*map(str, [*private, link, pipe]), *relative, *special, "file:///etc/passwd", "http://127.0.0.1:9/x"]


def _name_data(members: Members, workplace: Workplace, generator: random.Random) -> None:
    value = json.loads(members[EXPERIMENT])
    _tempt(value["tasks"][generator.choice(sorted(value["tasks"]))], tempting_paths(workplace), generator)
    members[EXPERIMENT] = json.dumps(value).encode()


def _tempt(task: dict[str, Any], paths: list[str], generator: random.Random) -> None:
    """Has a task's data be read from such paths."""
    for split in generator.choice((["test"], ["dev", "test"], ["train", "dev", "test"])):
        task[split] = generator.choice(paths)
    if generator.random() < 0.2:
        task["reader"] = generator.choice(({"type": "vader"}, {"type": "jsonl"}, {"type": "text_classification"}))
    if generator.random() < 0.2:
        task["resplit"] = {"dev": 2, "test": 2}


def _name_more(members: Members, workplace: Workplace, generator: random.Random) -> None:
    """Vectors and archives that the model is to begin with."""
    value, path = json.loads(members[EXPERIMENT]), generator.choice(tempting_paths(workplace))
    if generator.random() < 0.5:
        value["vocabulary"] = {**value.get("vocabulary", {}), "pretrained": path}
    else:
        value["model"]["pretrained"] = [{"archive": path, "parameters": ["^sharing"]}]
    members[EXPERIMENT] = json.dumps(value).encode()


def _name_in_notes(members: Members, workplace: Workplace, generator: random.Random) -> None:
    """Provenance that names files and programs."""
    paths = tempting_paths(workplace)
    members[META] = json.dumps(
        {
            **json.loads(members[META]),
            "data": {generator.choice(paths): "0" * 64},
            "command": ["mtlkit", "train", *generator.sample(TEXTS, 2)],
            "plugins": {generator.choice(TEXTS): "1"},
            "platform": generator.choice(TEXTS),
            "git": {"commit": generator.choice(TEXTS), "dirty": True},
        }
    ).encode()


def _texts(members: Members, workplace: Workplace, generator: random.Random) -> None:
    """Labels and words that act on a terminal, a line or a spreadsheet."""
    del workplace
    name = generator.choice(("vocabulary/labels.books.txt", "vocabulary/labels.news.txt", "vocabulary/words.txt"))
    lines = members[name].decode().splitlines()
    lines[generator.randrange(len(lines))] = json.dumps(generator.choice(TEXTS))[1:-1]
    members[name] = ("\n".join(lines) + "\n").encode()


def _number(members: Members, workplace: Workplace, generator: random.Random) -> None:
    """A number in JSON that no number is, or of thousands of digits."""
    del workplace
    name = generator.choice(sorted(name for name in members if name.endswith(".json")))
    text = members[name].decode()
    at = [place for place, letter in enumerate(text) if letter.isdigit() and text[place - 1] in " :["]
    if at:
        place = generator.choice(at)
        members[name] = (text[:place] + generator.choice(NUMBERS) + text[place + 1 :]).encode()


def _value(members: Members, workplace: Workplace, generator: random.Random) -> None:
    del workplace
    name = generator.choice(sorted(name for name in members if name.endswith(".json") and name != "manifest.json"))
    value = json.loads(members[name])
    if isinstance(value, dict) and value:
        value[generator.choice(sorted(value))] = generator.choice([*WEIRD, *TEXTS])
    members[name] = json.dumps(value).encode()


def _pattern(members: Members, workplace: Workplace, generator: random.Random) -> None:
    del workplace
    value = json.loads(members[EXPERIMENT])
    value["tasks"]["books"]["reader"]["tokenizer"] = {"type": "regex", "pattern": generator.choice(PATTERNS)}
    members[EXPERIMENT] = json.dumps(value).encode()


def _weights(members: Members, workplace: Workplace, generator: random.Random) -> None:
    """Tensors of other values, forms and kinds."""
    del workplace
    tensors = load(members[WEIGHTS])
    name = generator.choice(sorted(tensors))
    tensor = tensors[name]
    changed: list[np.ndarray[Any, Any]] = [
        np.full_like(tensor, np.nan) if tensor.dtype.kind == "f" else tensor,
        np.zeros((2**16, 2**8), np.float32),
        np.zeros((0, *tensor.shape), tensor.dtype),
        tensor.astype(np.int64),
    ]
    tensors[name] = generator.choice(changed)
    if generator.random() < 0.2:
        tensors[generator.choice(TEXTS)[:50] or "x"] = np.zeros(1, np.float32)
    members[WEIGHTS] = _saved(tensors)


def _saved(tensors: dict[str, Any]) -> bytes:
    """With names that are text, which is all that the format can hold."""
    return save({name.encode(errors="replace").decode(): np.ascontiguousarray(one) for name, one in tensors.items()})


def _header(members: Members, workplace: Workplace, generator: random.Random) -> None:
    """A header of weights that lies about its length, or about where the tensors are."""
    del workplace
    content = members[WEIGHTS]
    size = generator.choice((0, 1, 2**20, 2**40, 2**63))
    lies = [size.to_bytes(8, "little") + content[8:], content.replace(b'"F32"', b'"F99"', 1), content[:8] + b"[" * 99]
    members[WEIGHTS] = generator.choice([*lies, content.replace(b'data_offsets":[0', b'data_offsets":[9', 1)])


def _labels_without_number(members: Members, workplace: Workplace, generator: random.Random) -> None:
    del workplace
    count = generator.choice((4000, 70_000))
    kinds = generator.choice((("B", "I"), ("B", "I", "E", "S")))
    lines = [f"{kind}-{number}" for number in range(count // len(kinds)) for kind in kinds]
    members["vocabulary/labels.news.txt"] = ("\n".join([*lines, "O"]) + "\n").encode()


FORGERIES: tuple[Forgery, ...] = (
    *(_name_data, _name_more, _name_more, _name_in_notes, _texts, _texts, _number, _value),
    *(_pattern, _weights, _header, _labels_without_number),
)


def _begun_with(workplace: Workplace, path: Path) -> Path:
    """An experiment of the user's own that begins with the archive's weights."""
    value = json.loads((workplace.mine / "e.json").read_text())
    value["model"]["pretrained"] = [{"archive": str(path), "parameters": ["^sharing"]}]
    experiment = workplace.stranger / "begun.json"
    experiment.write_text(json.dumps(value))
    return experiment


Verb = Callable[[Workplace, Path, random.Random], list[str | Path]]
BOOKS = "books.test.tsv"
READING: tuple[Verb, ...] = (
    lambda at, path, generator: ["evaluate", path],
    lambda at, path, generator: ["evaluate", at.mine / "run", path],
    lambda at, path, generator: ["evaluate", path, "--data", at.mine],
    lambda at, path, generator: ["evaluate", path, "--data", f"books={at.mine / BOOKS}"],
    lambda at, path, generator: ["report", path, "-o", "page.html"],
    lambda at, path, generator: ["report", path, "--data", at.mine, "-o", "page.html"],
    lambda at, path, generator: ["predict", path, "-"],
    lambda at, path, generator: ["diff", "--all", path, at.mine / "run"],
    lambda at, path, generator: ["check", "--data", _begun_with(at, path)],
)
"""Those that may come to read data."""
VERBS: tuple[Verb, ...] = (
    *READING,
    lambda at, path, generator: ["evaluate", path, "--split", generator.choice(("train", "dev", "test"))],
    lambda at, path, generator: ["evaluate", path, "--data", at.mine, "--output", "figures.json"],
    lambda at, path, generator: ["evaluate", path, "--task", "books", "--file", at.mine / BOOKS, "--predictions", "p"],
    lambda at, path, generator: ["evaluate", at.mine / "run", path, "--data", at.mine],
    lambda at, path, generator: ["predict", path, at.mine / "texts.txt", "--task", "books", "--output", "answers"],
    lambda at, path, generator: ["explain", path, "--task", "books", "fine film", "--format", "json"],
    lambda at, path, generator: [
        "report",
        path,
        "--data",
        f"books={at.mine / BOOKS}",
        "--task",
        "books",
        "-o",
        "p.html",
    ],
    lambda at, path, generator: ["diff", "--all", at.mine / "run", path],
    lambda at, path, generator: ["diff", path, at.mine / "good.tar.gz", "--format", "json"],
    lambda at, path, generator: ["compare", at.mine / "run", path],
    lambda at, path, generator: ["check", _begun_with(at, path)],
    lambda at, path, generator: ["train", _begun_with(at, path), "-s", "run"],
    lambda at, path, generator: [
        *("transfer", at.mine / "e.json", "--leave-out", "books", "-s", "folds", "--baseline", path),
        *("-o", "trainer.epochs=1"),
    ],
)
