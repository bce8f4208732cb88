"""The cache of corpora: an entry for each reader and source, which a key of everything that matters identifies."""

import hashlib
import inspect
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mtlkit.config import Component, Lazy, components_in, parts_by_place
from mtlkit.data.corpus import Corpus
from mtlkit.data.normalization import Normalization
from mtlkit.data.readers.normalized import build_part_of_reader
from mtlkit.data.readers.reader import DatasetReader
from mtlkit.errors import DataError
from mtlkit.files import PRIVATE, file_sha256, new_folder, open_to_write, write_new
from mtlkit.files.ownership import check_ownership, opened_folder, own_folder, temporary_folder

FORMAT = 8
"""A part of every key: increment it when columns, or what they may hold, change, so that old entries are ignored."""
COLUMNS = ("tokens", "offsets", "targets", "digests", "places")
STRINGS = ("forms", "labels", "target_kind", "skipped", "structure")


def entry_key(reader: Lazy[DatasetReader], source: str, digests: Sequence[str], normalization: Normalization) -> str:
    """Returns the key of an entry: a digest of the reader's settings and code, the source, and `digests`, which are
    those of its files.
    """
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


def check_cache(cache: Path) -> None:
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


def store_corpus(corpus: Corpus, entry: Path) -> None:
    """Stores a corpus. Raises DataError if it cannot be written, or somebody else can change the cache."""
    strings = {name: getattr(corpus, name) for name in STRINGS}
    try:
        own_folder(entry.parent)
        with new_folder(entry, private=True) as folder:
            for column in COLUMNS:
                with open_to_write(folder / f"{column}.npy", mode=PRIVATE) as file:
                    np.save(file, getattr(corpus, column))
            # They find damage. A forged entry could have digests that fit; owners decide about that (`open_corpus`).
            about = {**strings, "digests": _digests(folder), "strings": _strings_sha256(strings)}
            write_new(folder / "corpus.json", json.dumps(about).encode("ascii"), mode=PRIVATE)
    except OSError as error:
        raise _cannot_be_written(entry, error) from None


def open_corpus(entry: Path) -> Corpus | None:
    """Returns the stored corpus, or None if the entry is missing or damaged.

    Raises:
        DataError: somebody else can change it.
    """
    if not entry.is_dir():
        return None
    try:
        with opened_folder(entry) as folder:  # what is read is then what was checked
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
