"""Loading of corpora through readers: indexed once, cached on disk, and memory-mapped from then on.

Tasks often share files: each is one column, or one domain, of the same sentences. A `CorpusLoader` knows all corpora
that will be asked for. When the first of a file is not in the cache, those of all tasks are indexed in one pass.
"""

import os
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, final

from mtlkit.config import Lazy
from mtlkit.data.corpus import Corpus
from mtlkit.data.corpus_cache import check_cache, entry_key, open_corpus, store_corpus
from mtlkit.data.format_check import check_format
from mtlkit.data.formats import FileFormat
from mtlkit.data.instance import TargetKind
from mtlkit.data.normalization import Normalization
from mtlkit.data.passes import FilePass, read_together
from mtlkit.data.readers.normalized import build_reader
from mtlkit.data.readers.reader import DatasetReader
from mtlkit.errors import DataError
from mtlkit.files import Fingerprint

Wanted = tuple[Lazy[DatasetReader], str]
"""A reader and a source."""


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
    return CorpusLoader([], cache=cache, normalization=normalization).load(reader, source)


@final
@dataclass(frozen=True)
class _Request:
    """A corpus that is asked for, and its files as they are before it is read."""

    reader: DatasetReader
    source: str
    files: tuple[Fingerprint, ...]
    key: str

    def part(self) -> tuple[FilePass[Any, Any], TargetKind]:
        """Returns what it takes to read it together with others; for readers that have a pass."""
        own = self.reader.file_pass(self.source)
        assert own is not None, "only requests with equal passes are read together"
        return own, self.reader.target_kind


@final
class CorpusLoader:
    """Loads corpora as `load_corpus` does, and goes through each file once for all of them.

    What is read ahead for later calls is kept until they ask for it. So is what is wrong with it: each call raises what
    it would raise alone. A file that has changed since an earlier call is read again.

    Args:
        wanted: the reader and source of each corpus that will be asked for; others can be asked for as well.
        cache: the folder of the cache, or None to store nothing.
        normalization: the normal form of words and targets.
    """

    def __init__(self, wanted: Iterable[Wanted], *, cache: Path | None, normalization: Normalization = "nfc") -> None:
        self._wanted = list(wanted)
        self._cache, self._normalization = cache, normalization
        self._fingerprints: dict[Path, Fingerprint] = {}
        self._ahead: dict[str, Corpus | Exception] = {}
        """What has been read and not been asked for yet, by its key."""

    def load(self, reader: Lazy[DatasetReader], source: str) -> Corpus:
        """Returns the corpus that `reader` produces from `source`; see `load_corpus`."""
        asked = self._request(reader, source)
        if self._cache is not None:
            check_cache(self._cache)
        corpus = None
        if asked.key not in self._ahead and (entry := self._entry(asked)) is not None:
            corpus = open_corpus(entry)
        if corpus is None:
            corpus = self._index(asked)
            if (entry := self._entry(asked)) is not None:
                store_corpus(corpus, entry)
        return replace(corpus, file_digests={str(each.path): each.sha256 for each in asked.files})

    def _request(self, reader: Lazy[DatasetReader], source: str) -> _Request:
        built = build_reader(reader, self._normalization)
        files = built.files(source)
        if not all(map(os.path.exists, files)):
            next(built.read(source), None)  # fetches them, or names the missing one
        taken = tuple(map(self._fingerprint, files))
        key = entry_key(reader, source, [each.sha256 for each in taken], self._normalization)
        return _Request(built, source, taken, key)

    def _fingerprint(self, file: Path) -> Fingerprint:
        """The fingerprint of a file, which is taken once, and again where something has written to the file since."""
        known = self._fingerprints.get(file)
        if known is None or not known.seems_current():
            known = self._fingerprints[file] = Fingerprint.of(file)
        return known

    def _entry(self, request: _Request) -> Path | None:
        return None if self._cache is None else self._cache / "corpora" / request.key

    def _index(self, asked: _Request) -> Corpus:
        """Returns the corpus that is asked for, after reading those of other readers that share its file."""
        if asked.key not in self._ahead:
            self._ahead |= _read([asked, *self._others(asked)])
        found = self._ahead.pop(asked.key)
        if isinstance(found, Exception):
            raise found
        if not len(found):
            reasons = ", ".join(f"{number:,} {reason}" for reason, number in found.skipped.items())
            left_out = f" but those that are left out ({reasons})" if reasons else ""
            raise DataError(f"{asked.source}: holds no text{left_out}; give a file that does")
        return found

    def _others(self, asked: _Request) -> list[_Request]:
        """The corpora that are wanted of the same pass, and neither read ahead nor in the cache."""
        own = asked.reader.file_pass(asked.source)
        found = {asked.key: asked}
        for reader, source in self._by_pass.get(own.key, ()) if own is not None else ():
            try:
                request = self._request(reader, source)
            except Exception:  # it is raised again, and placed, when the corpus is asked for
                continue
            entry = self._entry(request)
            if request.key not in self._ahead and (entry is None or not entry.is_dir()):
                found.setdefault(request.key, request)
        return list(found.values())[1:]

    @cached_property
    def _by_pass(self) -> dict[Hashable, list[Wanted]]:
        """The wanted corpora by the key of their pass, without those that are read alone."""
        found: dict[Hashable, list[Wanted]] = defaultdict(list)
        for reader, source in self._wanted:
            try:
                own = build_reader(reader, self._normalization).file_pass(source)
            except Exception:  # as above
                continue
            if own is not None:
                found[own.key].append((reader, source))
        return found


def _read(requests: Sequence[_Request]) -> dict[str, Corpus | Exception]:
    """Reads the texts of one pass, and makes sure that its files stay as they are meanwhile. Returns for each key the
    corpus, or what was raised.
    """
    wrong = _other_formats(requests)
    found: dict[str, Corpus | Exception] = {key: error for key, error in wrong.items()}
    sound = [each for each in requests if each.key not in wrong]
    try:
        if len(sound) == 1:
            found[sound[0].key] = _read_alone(sound[0])
        elif sound:
            found |= zip((each.key for each in sound), read_together([each.part() for each in sound]), strict=True)
    except DataError as error:
        found[sound[0].key] = error
    try:
        for file in {file.path: file for each in requests for file in each.files}.values():
            file.check()
    except DataError as error:  # a file that is half written has errors that are no longer there when one looks
        return {each.key: error for each in requests}
    return found


def _read_alone(request: _Request) -> Corpus:
    return Corpus.from_instances(request.reader.read(request.source), request.reader.target_kind)


def _other_formats(requests: Sequence[_Request]) -> dict[str, DataError]:
    """Returns an error for each request whose file looks like another format than its reader's. Looks once for each
    format, since all requests are of one file.
    """
    errors: dict[FileFormat | None, DataError | None] = {}
    for each in requests:
        if each.reader.file_format not in errors:
            errors[each.reader.file_format] = _format_error(each)
    return {each.key: error for each in requests if (error := errors[each.reader.file_format]) is not None}


def _format_error(request: _Request) -> DataError | None:
    try:
        check_format(request.reader, request.source)
    except DataError as error:
        return error
    return None
