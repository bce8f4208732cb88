"""A tiny good archive, member by member, and what it takes to pack a bad one."""

import gzip
import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mtlkit.archive import FORMAT, write_archive
from mtlkit.config import validate
from mtlkit.data import Vocabulary
from mtlkit.experiment import Experiment, build_model
from mtlkit.training.weights import save_weights

Members = dict[str, bytes]
Change = Callable[[dict[str, Any]], object]
WEIGHTS = "weights/model.safetensors"
EXPERIMENT: dict[str, Any] = {
    "tasks": {
        "books": {"reader": {"type": "text_classification"}, "head": {"type": "classifier"}, "train": "books.tsv"},
        "news": {"reader": {"type": "columns", "tags": 1}, "head": {"type": "crf_tagger"}, "train": "news.txt"},
    },
    "model": {
        "embedder": {"type": "words", "dim": 4},
        "sharing": {"type": "fully_shared", "encoder": {"type": "lstm", "hidden_dim": 4}},
    },
}
POOL = {
    "type": "pool",
    "module": {"type": "lstm", "hidden_dim": 4},
    "num_modules": 2,
    "max_length": 2,
    "selector": {"type": "random"},
}
META = {"mtlkit": "0.1", "limit": None, "plugins": {"mtlkit-absent": "2.1"}, "command": ["mtlkit", "train"]}


def write_tiny(path: Path, sharing: dict[str, Any] | None = None, trainer: dict[str, Any] | None = None) -> None:
    """An archive as training writes it, of a model that has not been trained; with another sharing scheme and trainer
    if they are given."""
    value = json.loads(json.dumps(EXPERIMENT))
    value["model"]["sharing"] = sharing or value["model"]["sharing"]
    value["trainer"] = trainer or {}
    experiment = validate(Experiment, value, "tiny")
    labels = {"books": ["negative", "positive"], "news": ["B-X", "I-X", "O"]}
    vocabulary = Vocabulary.of(["dull", "fine", "film"], "defilmnu", labels)
    torch.manual_seed(1)
    model = build_model(experiment, vocabulary, None)
    with tempfile.TemporaryDirectory() as temporary:
        folder, weights = Path(temporary, "vocabulary"), Path(temporary, "model.safetensors")
        vocabulary.save(folder)
        save_weights(weights, model, model.tasks)
        write_archive(path, experiment, folder, {"model": weights}, np.array([1, 2], np.int64), META)


@cache
def _members(with_pool: bool) -> Members:
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary, "tiny.tar.gz")
        write_tiny(path, POOL if with_pool else None)
        return read_members(path)


def tiny_members(*, with_pool: bool = False) -> Members:
    """The members of such an archive."""
    return dict(_members(with_pool))


def read_members(path: Path) -> Members:
    """The members of a good archive, by name."""
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def sealed(members: Members, change: Change | None = None) -> Members:
    """The members behind a manifest that fits them, unless `change` makes another one of it."""
    others = {name: content for name, content in members.items() if name != "manifest.json"}
    facts = {name: {"sha256": hashlib.sha256(one).hexdigest(), "size": len(one)} for name, one in others.items()}
    manifest = {"format_version": FORMAT, "mtlkit": "0.1", "plugins": META["plugins"], "members": facts}
    if change is not None:
        change(manifest)
    return {"manifest.json": json.dumps(manifest).encode(), **others}


def changed(name: str, change: Change, *, with_pool: bool = False) -> Members:
    """The members, sealed, after a change of one that is JSON."""
    members = tiny_members(with_pool=with_pool)
    value = json.loads(members[name])
    change(value)
    return sealed({**members, name: json.dumps(value).encode()})


def replaced(name: str, content: bytes | None) -> Members:
    """The members, sealed, with another content of one, or without it."""
    members = tiny_members()
    del members[name]
    return sealed(members if content is None else {**members, name: content})


def tar(members: Members, more: Iterable[tuple[tarfile.TarInfo, bytes]] = ()) -> bytes:
    """The members as a tar file, and then others, of whatever kind."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as packed:
        for name, content in members.items():
            packed.addfile(info(name, len(content)), io.BytesIO(content))
        for special, content in more:
            packed.addfile(special, io.BytesIO(content))
    return file.getvalue()


def info(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """The header of a member."""
    made = tarfile.TarInfo(name)
    made.size, made.type, made.linkname = size, kind, link
    return made


def packed(content: bytes) -> bytes:
    """The content as gzip packs it."""
    return gzip.compress(content, 1, mtime=0)
