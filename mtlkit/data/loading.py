"""Loading of corpora through readers: indexed once, cached on disk, and memory-mapped from then on."""

import hashlib
import inspect
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mtlkit.config import Component, Lazy, components_in, parts_by_place
from mtlkit.data.corpus import Corpus
from mtlkit.data.format_check import check_format
from mtlkit.data.normalization import Normalization
from mtlkit.data.readers.normalized import build_part_of_reader, build_reader
from mtlkit.data.readers.reader import DatasetReader
from mtlkit.errors import DataError
from mtlkit.files import PRIVATE, Fingerprint, file_sha256, new_folder, open_to_write, write_new
from mtlkit.ownership import check_ownership, opened_folder, own_folder, temporary_folder

FORMAT = 7  # part of every key: increment it when columns change, so that old entries are ignored
COLUMNS = ("tokens", "offsets", "targets", "digests", "places")
STRINGS = ("forms", "labels", "target_kind", "skipped", "structure")


def load_corpus(
    reader: Lazy[DatasetReader], source: str, *, cache: Path | None, normalization: Normalization = "nfc"
) -> Corpus:
    """Returns the corpus that `reader` produces from `source`, loaded from `cache` if possible and stored there
    otherwise. Its `file_digests` are those of the bytes that were parsed.

    Words and targets are in the normal form `normalization`. The key of an entry is a digest of that form, the reader's
    settings and code, `source`, and the contents of its files. A damaged entry is rebuilt. Nobody else can read or
    change what is stored. If `cache` is None, nothing is stored.

    Raises:
        DataError: the data are invalid, missing or empty, a file changes while it is read or is not a regular file, or
            the cache cannot be written or somebody else can change it.
    """
    built = build_reader(reader, normalization)
    files = built.files(source)
    if not all(map(os.path.exists, files)):
        next(built.read(source), None)  # fetches them, or names the missing one
    taken = [Fingerprint.of(file) for file in files]
    digests = {str(each.path): each.sha256 for each in taken}
    key = _key(reader, source, list(digests.values()), normalization)
    entry = None if cache is None else cache / "corpora" / key
    if cache is not None:
        _check_cache(cache)
    corpus = None if entry is None else _open(entry)
    if corpus is None:
        corpus = _index(built, source, taken)
        if entry is not None:
            _store(corpus, entry)
    return replace(corpus, file_digests=digests)


def _index(reader: DatasetReader, source: str, files: Sequence[Fingerprint]) -> Corpus:
    """Reads the texts of a source, and makes sure that its files stay as they are meanwhile."""
    try:
        check_format(reader, source)
        corpus = Corpus.from_instances(reader.read(source), reader.target_kind)
    except DataError:
        _check_unchanged(files)  # a file that is half written has errors that are no longer there when one looks
        raise
    _check_unchanged(files)
    if not len(corpus):
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in corpus.skipped.items())
        left_out = f" but those that are left out ({reasons})" if reasons else ""
        raise DataError(f"{source}: holds no text{left_out}; give a file that does")
    return corpus


def _check_unchanged(files: Sequence[Fingerprint]) -> None:
    for each in files:
        each.check()


def _key(reader: Lazy[DatasetReader], source: str, digests: Sequence[str], normalization: Normalization) -> str:
    parts = {
        "format": FORMAT,
        "reader": reader.to_json(),
        "normalization": normalization,
        "code": [_code_sha256(component) for component in components_in(reader)],
        "source": source,
        "files": [*digests],
        **_own_files(reader, normalization),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _own_files(reader: Lazy[DatasetReader], normalization: Normalization) -> dict[str, Any]:
    """Returns digests of the files that readers and tokenisers save, which affect how texts are split into words; an
    empty dict if none saves files.
    """
    found: dict[str, dict[str, str]] = {}
    for place, part in parts_by_place(reader):
        if part.component.saves_files:
            with temporary_folder() as folder:
                build_part_of_reader(part, normalization).save_files(folder)
                found[place] = {file.name: file_sha256(file) for file in sorted(folder.iterdir())}
    return {"own files": found} if found else {}


def _code_sha256(component: type[Component]) -> str:
    """Returns the SHA-256 of the file that defines a reader or tokeniser, so that a changed plugin invalidates the
    cache.
    """
    file = inspect.getsourcefile(component)
    return file_sha256(Path(file)) if file else ""


def _check_cache(cache: Path) -> None:
    """Makes sure that nobody else can change the cache, as far as it exists, or read its corpora. Earlier versions left
    that to the umask.
    """
    folder = cache / "corpora"
    try:
        for each in (cache, folder):
            if os.path.lexists(each):
                own_folder(each, closed=each == folder)
    except OSError as error:
        raise _cannot_be_written(folder, error) from None


def _cannot_be_written(place: Path, error: OSError) -> DataError:
    return DataError(f"{place}: cannot be written ({error.strerror}); set MTLKIT_CACHE to another folder")


def _store(corpus: Corpus, entry: Path) -> None:
    strings = {name: getattr(corpus, name) for name in STRINGS}
    try:
        own_folder(entry.parent)
        with new_folder(entry, private=True) as folder:
            for column in COLUMNS:
                with open_to_write(folder / f"{column}.npy", mode=PRIVATE) as file:
                    np.save(file, getattr(corpus, column))
            about = {**strings, "digests": _digests(folder), "strings": _strings_sha256(strings)}
            write_new(folder / "corpus.json", json.dumps(about).encode("ascii"), mode=PRIVATE)
    except OSError as error:
        raise _cannot_be_written(entry, error) from None


def _open(entry: Path) -> Corpus | None:
    """Returns the stored corpus, or None if the entry is missing or damaged.

    Raises:
        DataError: somebody else can change it.
    """
    if not entry.is_dir():
        return None
    try:
        with opened_folder(entry) as folder:
            check_ownership(*folder.iterdir())
            return _read(folder)
    except OSError:
        return None


def _read(entry: Path) -> Corpus | None:
    """Returns the corpus in a folder, with memory-mapped columns, or None if it is damaged."""
    try:
        about = json.loads((entry / "corpus.json").read_bytes())
        strings = {name: about[name] for name in STRINGS}
        if about["digests"] != _digests(entry) or about["strings"] != _strings_sha256(strings):
            return None
        # "c" (copy on write): torch.from_numpy warns about read-only arrays, and the file must never change.
        tokens, offsets, targets, digests, places = (
            np.asarray(np.load(entry / f"{column}.npy", mmap_mode="c")) for column in COLUMNS
        )
        forms, labels, kind, skipped, structure = (strings[name] for name in STRINGS)
        return Corpus(forms, tokens, offsets, labels, targets, digests, places, kind, skipped, structure=structure)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, DataError):
        return None


def _digests(entry: Path) -> dict[str, str]:
    return {column: file_sha256(entry / f"{column}.npy") for column in COLUMNS}


def _strings_sha256(strings: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(strings).encode()).hexdigest()
