"""Archives that are packed as they should be, around an experiment, a vocabulary, weights or notes that are not."""

import json
import pickle
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from tests.soak.malformed_containers import Case, of_members
from tests.soak.tiny_archive import WEIGHTS, Change, Members, changed, replaced, sealed, tiny_members

RESOLVED = "experiment.resolved.json"
SEEN = "seen.safetensors"
UNREADABLE = "is missing or cannot be read ("
TABLE = "embedders.shared.table.weight"
Tensors = dict[str, NDArray[Any]]


def _experiment(says: str, *, with_pool: bool = False, **settings: Any) -> Case:
    """With settings changed; `__` in their names stands for a dot."""

    def change(experiment: dict[str, Any]) -> None:
        for path, value in settings.items():
            *outer, last = path.split("__")
            part = experiment
            for key in outer:
                part = part[key]
            part[last] = value

    return of_members(partial(changed, RESOLVED, change, with_pool=with_pool), f"{RESOLVED}: {says}")


def _raw(content: bytes, says: str = UNREADABLE) -> Case:
    return of_members(partial(replaced, RESOLVED, content), f"{RESOLVED} {says}")


def _spliced(addition: str) -> bytes:
    """The experiment with one more key."""
    return tiny_members()[RESOLVED].rstrip().removesuffix(b"}") + b", " + addition.encode() + b"}"


def _nested(depth: int) -> dict[str, Any]:
    encoder: dict[str, Any] = {"type": "lstm", "hidden_dim": 4}
    for _ in range(depth):
        encoder = {"type": "stacked", "layers": [encoder]}
    return encoder


STITCHES = {"type": "cross_stitch", "encoder": {"type": "lstm", "hidden_dim": 4}, "layers": 1000}
STACKED_STITCHES = {**STITCHES, "encoder": {"type": "stacked", "layers": [{"type": "lstm", "hidden_dim": 4}] * 100}}
WIDE_POOL = {
    "type": "pool",
    "module": {"type": "lstm", "hidden_dim": 4},
    "num_modules": 1000,
    "selector": {"type": "controller", "hidden_dim": 10**6},
}


def _with_names(number: int) -> Members:
    """A deep model, and weights whose header names this many tensors of nothing."""
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    header = json.dumps({str(name): empty for name in range(number)}).encode()
    members = changed(RESOLVED, lambda value: value["model"].update(sharing=STACKED_STITCHES))
    return sealed({**members, WEIGHTS: struct.pack("<Q", len(header)) + header})


EXPERIMENTS = {
    "an experiment that is no JSON": _raw(b"local x = 1; {}"),
    "an experiment that imports": _raw(b"{ model: importstr '/etc/passwd' }"),
    "an experiment that is no UTF-8": _raw(b"\xff"),
    "an experiment that is a list": _raw(b"[]"),
    "an experiment that is missing": of_members(partial(replaced, RESOLVED, None), f"{RESOLVED} {UNREADABLE}"),
    "an experiment nested deeply": _raw(b"[" * 100_000),
    "an experiment nested too deeply": _raw(json.dumps({"model": _nested(100)}).encode(), f"{UNREADABLE}nested more"),
    "an experiment of 2 MiB": of_members(partial(replaced, RESOLVED, b" " * 2**21), f"member '{RESOLVED}' has 2097152"),
    "a number that is none": _raw(_spliced('"seed": NaN'), f"{UNREADABLE}NaN is not finite"),
    "a number beyond all numbers": _raw(_spliced('"seed": 1e999'), f"{UNREADABLE}1e999 is not finite"),
    "a number of 5,000 digits": _raw(_spliced('"seed": ' + "9" * 5000)),
    "a key twice": _raw(_spliced('"seed": 1'), f"{UNREADABLE}a key stands twice"),
    "a dotted name": _experiment("model.embedder.type: no Embedder 'os.system'", model__embedder__type="os.system"),
    "a path for a name": _experiment("model.embedder.type: no Embedder '../x.py'", model__embedder__type="../x.py"),
    "a name that is none": _experiment("model.embedder: should be", model__embedder__type=["words"]),
    "an unknown plugin": of_members(
        partial(changed, RESOLVED, lambda value: value["model"]["sharing"].update(type="absent")),
        "the archive was made with mtlkit-absent 2.1; install or give what is missing",
    ),
    "an unknown setting": _experiment("model.embedder.hook: unknown setting", model__embedder__hook="os.system"),
    "nothing but unknown settings": _experiment(
        "x0: unknown setting", **{f"x{number}": number for number in range(2000)}
    ),
    "a setting of the wrong kind": _experiment("trainer.threads: should be", trainer__threads="all"),
    "a thousand million threads": _experiment("trainer.threads: should be less", trainer__threads=10**9),
    "no tasks": _experiment("tasks: should have 1 or more items", tasks={}),
    "a task named like a path": of_members(
        partial(changed, RESOLVED, lambda value: value["tasks"].update({"../x": value["tasks"]["books"]})),
        "this cannot be a task's name",
    ),
    "a task named in two lines": of_members(
        partial(changed, RESOLVED, lambda value: value["tasks"].update({"a\nb\x1b[2J": value["tasks"]["books"]})),
        r"tasks.a\nb\x1b[2J: this cannot be a task's name",
    ),
    "a task without a vocabulary": of_members(
        partial(changed, RESOLVED, lambda value: value["tasks"].update(more=value["tasks"]["books"])), "labels/more"
    ),
    "a model of 10^18 numbers": _experiment("model: ", model__sharing__encoder__hidden_dim=10**9),
    "a model of 10^60 numbers": _experiment("model", model__sharing__encoder__hidden_dim=10**30),
    "a table of 10^9 columns": of_members(
        partial(changed, RESOLVED, lambda value: value["model"]["embedder"].update(dim=10**9)), "does not fit"
    ),
    "a thousand layers": of_members(
        partial(changed, RESOLVED, lambda value: value["model"].update(sharing=STITCHES)), "does not fit the experiment"
    ),
    "a hundred thousand layers": of_members(
        partial(changed, RESOLVED, lambda value: value["model"].update(sharing=STACKED_STITCHES)),
        "the model has more than 34,000 parts",
    ),
    "a hundred thousand layers behind as many names of tensors": of_members(
        lambda: _with_names(200_000), "the model has more than 34,000 parts"
    ),
    "a wide pool": of_members(
        partial(changed, RESOLVED, lambda value: value["model"].update(sharing=WIDE_POOL)), "does not fit"
    ),
    "another scheme": of_members(
        partial(changed, RESOLVED, lambda value: value["model"].update(sharing=STITCHES | {"layers": 1})), "missing"
    ),
    "parts that do not fit": _experiment(
        "model: module: takes embeddings of 4 and gives states of 5",
        with_pool=True,
        model__sharing__module__hidden_dim=5,
    ),
    "a head for other targets": _experiment(
        "tasks.news.head: 'crf_tagger' needs one tag per word", tasks__news__reader={"type": "text_classification"}
    ),
    "a pattern without end": _experiment(
        "tasks.books.reader.tokenizer", tasks__books__reader__tokenizer={"type": "regex", "pattern": "(" * 10_000}
    ),
    "a pattern of 10,001 characters": _experiment(
        "tasks.books.reader.tokenizer.pattern: a regular expression has at most 10,000 characters (got 10,001)",
        tasks__books__reader__tokenizer={"type": "regex", "pattern": "a" * 10_001},
    ),
    "a language out of a package": _experiment(
        "tasks.books.reader.tokenizer.language", tasks__books__reader__tokenizer={"type": "spacy", "language": "os.x"}
    ),
    "weights for each task that are not there": of_members(
        partial(changed, RESOLVED, lambda value: value["trainer"].update(selection={"type": "per_task"})),
        f"weights/books.safetensors {UNREADABLE}",
    ),
    "a selection of other tasks": _experiment(
        "trainer.selection: weights: no task", trainer__selection={"type": "weighted", "weights": {"x": 1}}
    ),
}


def _vocabulary(says: str, **files: bytes | None) -> Case:
    def make() -> Members:
        members = tiny_members()
        for name, content in files.items():
            place = f"vocabulary/{name.replace('__', '.')}.txt" if name != "about" else "vocabulary/vocabulary.json"
            del members[place]
            members |= {} if content is None else {place: content}
        return sealed(members)

    return of_members(make, says)


def _many_spans(scheme: str) -> Members:
    """Labels from which a tagger would derive 64 or 256 million transitions, and weights for three labels."""
    labels = "".join(f"{letter}-{number}\n" for number in range(4000) for letter in "BI").encode()
    members = changed(RESOLVED, lambda value: value["tasks"]["news"]["head"].update(scheme=scheme))
    return sealed({**members, "vocabulary/labels.news.txt": labels})


BROKEN = f"vocabulary {UNREADABLE}"
VOCABULARIES = {
    "a vocabulary without settings": _vocabulary(BROKEN, about=None),
    "a vocabulary of a list": _vocabulary(BROKEN, about=b"[]"),
    "a vocabulary nested deeply": _vocabulary(BROKEN, about=b"[" * 100_000),
    "a vocabulary whose tasks are a number": _vocabulary(BROKEN, about=b'{"lowercase": true, "tasks": 7}'),
    "a vocabulary of other tasks": _vocabulary(BROKEN, about=b'{"lowercase": true, "tasks": ["../../etc/passwd"]}'),
    "no words": _vocabulary(BROKEN, words=None),
    "words that are not UTF-8": _vocabulary(BROKEN, words=b"<pad>\n<unknown>\n\xff\n"),
    "words without padding": _vocabulary(BROKEN, words=b"dull\nfine\n"),
    "words twice": _vocabulary(BROKEN, words=b"<pad>\n<unknown>\nfine\nfine\n"),
    "a task twice": _vocabulary(BROKEN, about=b'{"lowercase": true, "tasks": ["books", "news", "books"]}'),
    "labels of 4,000 spans": of_members(partial(_many_spans, "bio"), "size mismatch for heads.news"),
    "labels of 4,000 spans with their ends": of_members(partial(_many_spans, "iobes"), "size mismatch for heads.news"),
    "words without end": _vocabulary(f"{BROKEN}there are to be at most 8388608 words", words=b"a\n" * (2**23 + 1)),
    "fewer words than rows": _vocabulary("size mismatch for", words=b"<pad>\n<unknown>\nfine\n"),
    "no labels": _vocabulary(f"{BROKEN}books is to have between 1", labels__books=b""),
    "labels that are missing": _vocabulary(BROKEN, labels__books=None),
    "one label too many": _vocabulary("size mismatch for heads.books", labels__books=b"a\nb\nc\n"),
    "labels without number": _vocabulary(
        f"{BROKEN}a task is to have between 1 and 65536",
        labels__news=b"".join(b"%d\n" % number for number in range(70_000)),
    ),
}


def _tensors(says: str, change: Callable[[Tensors], object]) -> Case:
    def make() -> Members:
        tensors = load(tiny_members()[WEIGHTS])
        change(tensors)
        return replaced(WEIGHTS, save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}))

    return of_members(make, f"{WEIGHTS} does not fit the experiment: {says}")


def _table(form: str, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Case:
    """With a changed table of words, which then has this form."""
    return _tensors(
        f"size mismatch for {TABLE}: {form}, and", lambda tensors: tensors.update({TABLE: change(tensors[TABLE])})
    )


def _header(change: Change, says: str = UNREADABLE, name: str = WEIGHTS) -> Case:
    """With a changed header of the same tensors."""

    def make() -> Members:
        content = tiny_members()[name]
        (size,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8 : 8 + size])
        change(header)
        text = json.dumps(header).encode()
        return replaced(name, struct.pack("<Q", len(text)) + text + content[8 + size :])

    return of_members(make, f"{name} {says}")


def _weights(content: bytes, says: str = UNREADABLE) -> Case:
    return of_members(partial(replaced, WEIGHTS, content), f"{WEIGHTS} {says}")


def _not_a_number() -> Members:
    tensors = load(tiny_members()[WEIGHTS])
    tensors[TABLE][2, 1] = np.nan
    return replaced(WEIGHTS, save(tensors))


def _path_out_of_the_pool() -> Members:
    members = tiny_members(with_pool=True)
    tensors = load(members[WEIGHTS])
    tensors["sharing.selector.paths_KT"][:] = 99
    return sealed({**members, WEIGHTS: save(tensors)})


WEIGHTS_OF_ALL_KINDS = {
    "no weights": of_members(partial(replaced, WEIGHTS, None), f"{WEIGHTS} {UNREADABLE}"),
    "weights of nothing": _weights(b""),
    "weights in a pickle": _weights(pickle.dumps({"weight": 1})),
    "a header of 2^60 bytes": _weights(struct.pack("<Q", 2**60), f"{UNREADABLE}its header claims {2**60} bytes"),
    "a header longer than its file": _weights(struct.pack("<Q", 2**20) + b"{}"),
    "a header that is no JSON": _weights(struct.pack("<Q", 8) + b"no JSON!"),
    "a header nested deeply": _weights(struct.pack("<Q", 99_999) + b"[" * 99_999),
    "a shape that lies": _header(lambda header: header[TABLE].update(shape=[5, 5])),
    "a shape beyond all memory": _header(lambda header: header[TABLE].update(shape=[2**62, 2**62])),
    "a negative shape": _header(lambda header: header[TABLE].update(shape=[-5, -4])),
    "a dtype that is none": _header(lambda header: header[TABLE].update(dtype="OBJECT")),
    "tensors that overlap": _header(lambda header: header[TABLE].update(data_offsets=[4, 84])),
    "a tensor beyond the end": _header(lambda header: header[TABLE].update(data_offsets=[2**40, 2**40 + 80])),
    "tensors that are a list": _header(lambda header: header.update({TABLE: [1]})),
    "a tensor too few": _tensors(f"{TABLE} is missing", lambda tensors: tensors.pop(TABLE)),
    "a tensor too many": _tensors("more is unknown", lambda tensors: tensors.update(more=np.zeros(1, np.float32))),
    "a tensor turned": _table("F32 [4, 5]", lambda table: table.T),
    "a tensor of doubles": _tensors(
        f"size mismatch for {TABLE}: F64 [5, 4]", lambda tensors: tensors.update({TABLE: tensors[TABLE].astype("f8")})
    ),
    "a tensor of integers": _tensors(
        f"size mismatch for {TABLE}: I32 [5, 4]", lambda tensors: tensors.update({TABLE: tensors[TABLE].view("i4")})
    ),
    "a tensor of nothing": _tensors(
        f"size mismatch for {TABLE}: F32 [0, 4]", lambda tensors: tensors.update({TABLE: tensors[TABLE][:0]})
    ),
    "weights that are not numbers": of_members(
        _not_a_number, f"{WEIGHTS} {UNREADABLE}{TABLE} holds a value that is not a number"
    ),
    "a path out of the pool": of_members(_path_out_of_the_pool, "the path of books names a module that there is not"),
    "no digests": of_members(partial(replaced, SEEN, save({})), f"{SEEN} {UNREADABLE}it is to hold one list"),
    "digests that are missing": of_members(partial(replaced, SEEN, None), f"{SEEN} {UNREADABLE}"),
    "digests under another name": of_members(
        partial(replaced, SEEN, save({"x": np.zeros(2, np.int64)})), f"{SEEN} {UNREADABLE}"
    ),
    "digests of two dimensions": of_members(
        partial(replaced, SEEN, save({"digests": np.zeros((2, 2), np.int64)})), f"{SEEN} {UNREADABLE}"
    ),
    "digests that are fractions": of_members(
        partial(replaced, SEEN, save({"digests": np.zeros(2)})), f"{SEEN} {UNREADABLE}"
    ),
}


def _meta(says: str, change: Change) -> Case:
    return of_members(partial(changed, "meta.json", change), f"meta.json {UNREADABLE}{says}")


NOTES = {
    "notes that are missing": of_members(partial(replaced, "meta.json", None), f"meta.json {UNREADABLE}"),
    "notes that are a list": of_members(partial(replaced, "meta.json", b"[1]"), f"meta.json {UNREADABLE}"),
    "a limit in words": _meta("limit: ", lambda meta: meta.update(limit="none")),
    "a command that is a number": _meta("command: ", lambda meta: meta.update(command=7)),
    "data of the wrong kind": _meta("data: ", lambda meta: meta.update(data=["a"])),
    "packages of the wrong kind": _meta("packages.torch: ", lambda meta: meta.update(packages={"torch": None})),
}
