"""Corpora in the cache: nobody else can read them, and none that somebody else could have written is used."""

import json
import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from mtlkit.config import Lazy
from mtlkit.data import TextClassificationReader, load_corpus
from mtlkit.data.corpus_cache import _strings_sha256
from mtlkit.errors import DataError
from mtlkit.files import file_sha256
from mtlkit.files.ownership import own_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
READER = Lazy.of(TextClassificationReader)


@pytest.fixture
def source(tmp_path: Path) -> str:
    (tmp_path / "train.tsv").write_text("yes\tgood fun\nno\tbad fun\n")
    return str(tmp_path / "train.tsv")


@pytest.fixture
def entry(source: str, tmp_path: Path) -> Path:
    """An entry that somebody has changed, digests and all: its labels are swapped."""
    load_corpus(READER, source, cache=tmp_path / "cache")
    (entry,) = (tmp_path / "cache" / "corpora").iterdir()
    np.save(entry / "targets.npy", np.load(entry / "targets.npy")[::-1])
    about = json.loads((entry / "corpus.json").read_text())
    about["digests"]["targets"] = file_sha256(entry / "targets.npy")
    names = ("forms", "labels", "target_kind", "skipped", "structure")
    about["strings"] = _strings_sha256({name: about[name] for name in names})
    (entry / "corpus.json").write_text(json.dumps(about))
    return entry


def test_the_canary_is_alive(entry: Path, source: str, tmp_path: Path) -> None:
    assert load_corpus(READER, source, cache=tmp_path / "cache").targets.tolist() == [1, 0]


@pytest.mark.parametrize("place", ["cache", "cache/corpora", "entry", "entry/targets.npy", "entry/corpus.json"])
def test_an_entry_that_others_could_replace_is_refused(entry: Path, source: str, tmp_path: Path, place: str) -> None:
    path = tmp_path / place.replace("entry", str(entry.relative_to(tmp_path)))
    path.chmod(0o777)
    with pytest.raises(DataError, match=rf"^{path}: other users can write to it.*; remove it, or set MTLKIT_CACHE"):
        load_corpus(READER, source, cache=tmp_path / "cache")


def test_the_remedy_works(entry: Path, source: str, tmp_path: Path) -> None:
    entry.chmod(0o777)
    for path in (*entry.iterdir(), entry):
        path.rmdir() if path.is_dir() else path.unlink()
    assert load_corpus(READER, source, cache=tmp_path / "cache").targets.tolist() == [0, 1]
    assert load_corpus(READER, source, cache=tmp_path / "cache").targets.tolist() == [0, 1]


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can give a file away")
def test_an_entry_of_another_user_is_refused(entry: Path, source: str, tmp_path: Path) -> None:
    os.chown(entry, 65534, -1)
    with pytest.raises(DataError, match=rf"^{entry}: belongs to another user"):
        load_corpus(READER, source, cache=tmp_path / "cache")


def test_nobody_else_can_read_the_texts_whatever_the_umask(source: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    before = os.umask(0)
    try:
        load_corpus(READER, source, cache=cache)
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (cache, *cache.rglob("*"))}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_the_texts_of_earlier_versions_are_closed_to_others(source: str, tmp_path: Path) -> None:
    folder = own_folder(tmp_path / "cache" / "corpora")
    folder.chmod(0o755)
    load_corpus(READER, source, cache=tmp_path / "cache")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
