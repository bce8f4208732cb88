"""Corpora from readers: indexed once, kept in the cache, memory-mapped ever after."""

import hashlib
import inspect
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mtlkit.config import Component, Lazy, components_in
from mtlkit.data.corpus import Corpus
from mtlkit.data.readers.reader import DatasetReader
from mtlkit.errors import DataError
from mtlkit.files import file_sha256, new_folder

FORMAT = 2  # part of every key: count it up when columns change, and no old entry is read again
COLUMNS = ("tokens", "offsets", "targets", "digests")


def load_corpus(reader: Lazy[DatasetReader], source: str, *, cache: Path | None) -> Corpus:
    """The corpus that `reader` makes of `source`: taken from `cache`, or made and put there; None keeps nothing.

    An entry's key is made of the reader's settings and code, `source` and the contents of its files; a damaged entry is
    made again.

    Raises:
        DataError: the data are wrong or missing, hold no text at all, or the cache cannot be written.
    """
    built = reader.build()
    if cache is None:
        return _index(built, source)
    files = built.files(source)
    if not all(file.exists() for file in files):
        next(built.read(source), None)  # fetches them, or names the missing one
    entry = cache / "corpora" / _key(reader, source, files)
    stored = _open(entry)
    if stored is not None:
        return stored
    corpus = _index(built, source)
    _store(corpus, entry)
    return corpus


def _index(reader: DatasetReader, source: str) -> Corpus:
    corpus = Corpus.from_instances(reader.read(source), reader.target_kind)
    if not len(corpus):
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in corpus.skipped.items())
        left_out = f" but those that are left out ({reasons})" if reasons else ""
        raise DataError(f"{source}: holds no text{left_out}; give a file that does")
    return corpus


def _key(reader: Lazy[DatasetReader], source: str, files: Sequence[Path]) -> str:
    parts = {
        "format": FORMAT,
        "reader": reader.to_json(),
        "code": [_code_sha256(component) for component in components_in(reader)],
        "source": source,
        "files": [*map(file_sha256, files)],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _code_sha256(component: type[Component]) -> str:
    """sha256 of the file that defines a reader or tokeniser, so that a changed plugin reads anew."""
    file = inspect.getsourcefile(component)
    return file_sha256(Path(file)) if file else ""


def _store(corpus: Corpus, entry: Path) -> None:
    strings = {
        "forms": corpus.forms,
        "labels": corpus.labels,
        "target_kind": corpus.target_kind,
        "skipped": corpus.skipped,
    }
    try:
        with new_folder(entry) as folder:
            for column in COLUMNS:
                np.save(folder / f"{column}.npy", getattr(corpus, column))
            (folder / "corpus.json").write_text(json.dumps(strings), encoding="ascii")
    except OSError as error:
        raise DataError(f"{entry}: cannot be written ({error.strerror}); set MTLKIT_CACHE to another folder") from None


def _open(entry: Path) -> Corpus | None:
    """The stored corpus with its columns memory-mapped, or None where the entry is missing or damaged."""
    try:
        strings = json.loads((entry / "corpus.json").read_bytes())
        # "c": writable in memory only, which is what torch.from_numpy wants; the file never changes.
        tokens, offsets, targets, digests = (
            np.asarray(np.load(entry / f"{column}.npy", mmap_mode="c")) for column in COLUMNS
        )
        forms, labels, kind, skipped = (strings[name] for name in ("forms", "labels", "target_kind", "skipped"))
        corpus = Corpus(forms, tokens, offsets, labels, targets, digests, kind, skipped)
        return corpus if _is_whole(corpus) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_whole(corpus: Corpus) -> bool:
    num_texts, num_tokens = len(corpus), len(corpus.tokens)
    return (
        corpus.target_kind in ("label", "tags")
        and len(corpus.offsets) == num_texts + 1
        and corpus.offsets[-1] == num_tokens
        and len(corpus.targets) == (num_texts if corpus.target_kind == "label" else num_tokens)
        and 0 <= corpus.tokens.min() <= corpus.tokens.max() < len(corpus.forms)
        and -1 <= corpus.targets.min() <= corpus.targets.max() < len(corpus.labels)
    )
