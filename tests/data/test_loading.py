import inspect
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from mtlkit.config import Lazy
from mtlkit.data import ColumnsReader, Corpus, TextClassificationReader, Tokenizer, load_corpus
from mtlkit.errors import DataError
from mtlkit.files import file_sha256

READER = Lazy.of(TextClassificationReader)


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "train.tsv"
    path.write_text("yes\tgood good fun\nno\tbad\\ \u2028 fun\n")
    return str(path)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def count_readings(monkeypatch) -> list[int]:
    readings = []
    from_instances = Corpus.from_instances
    monkeypatch.setattr(Corpus, "from_instances", lambda *args: readings.append(1) or from_instances(*args))
    return readings


def content(corpus: Corpus) -> list:
    columns = (corpus.tokens, corpus.offsets, corpus.targets, corpus.digests, corpus.places)
    return [corpus.forms, corpus.labels, corpus.target_kind, *((column.dtype, column.tolist()) for column in columns)]


def test_the_second_time_comes_from_the_cache_and_is_equal(source, cache, count_readings):
    fresh = load_corpus(READER, source, cache=None)
    first = load_corpus(READER, source, cache=cache)
    second = load_corpus(READER, source, cache=cache)
    assert content(fresh) == content(first) == content(second)
    assert len(count_readings) == 2


def test_a_cached_corpus_is_memory_mapped_and_goes_to_torch_without_a_copy(source, cache):
    load_corpus(READER, source, cache=cache)
    tokens = load_corpus(READER, source, cache=cache).tokens
    assert isinstance(tokens.base, np.memmap)
    torch.from_numpy(tokens)[0] = 1  # warnings are errors; the file must not change
    assert load_corpus(READER, source, cache=cache).tokens[0] == 0


def test_other_content_or_settings_make_another_entry(source, cache, count_readings):
    load_corpus(READER, source, cache=cache)
    load_corpus(Lazy.of(TextClassificationReader, labels={"yes": "1", "no": "0"}), source, cache=cache)
    Path(source).write_text("yes\tanother text\n")
    assert load_corpus(READER, source, cache=cache).forms == ["another", "text"]
    assert len(count_readings) == 3


def damages() -> dict:
    def cut(entry: Path) -> None:
        path = entry / "tokens.npy"
        path.write_bytes(path.read_bytes()[:-4])

    def lose(entry: Path) -> None:
        (entry / "offsets.npy").unlink()

    def garble(entry: Path) -> None:
        (entry / "corpus.json").write_text('{"forms": [')

    def exceed(entry: Path) -> None:
        np.save(entry / "tokens.npy", np.full(5, 99, np.int32))

    def empty(entry: Path) -> None:
        np.save(entry / "tokens.npy", np.empty(0, np.int32))

    def flip(entry: Path) -> None:
        content = bytearray((entry / "tokens.npy").read_bytes())
        content[-4] ^= 1  # another word of the corpus
        (entry / "tokens.npy").write_bytes(content)

    def rename(entry: Path) -> None:
        path = entry / "corpus.json"
        path.write_text(path.read_text().replace('"forms": ["', '"forms": ["x'))

    def relist(entry: Path) -> None:
        (entry / "corpus.json").write_text("[]")

    def nest(entry: Path) -> None:
        (entry / "corpus.json").write_text("[" * 5_000)

    return {damage.__name__: damage for damage in (cut, lose, garble, exceed, empty, flip, rename, relist, nest)}


@pytest.mark.parametrize("damage", damages().values(), ids=damages())
def test_a_damaged_entry_is_made_again(source, cache, count_readings, damage):
    whole = content(load_corpus(READER, source, cache=cache))
    (entry,) = (cache / "corpora").iterdir()
    damage(entry)
    assert content(load_corpus(READER, source, cache=cache)) == whole
    assert content(load_corpus(READER, source, cache=cache)) == whole
    assert len(count_readings) == 2
    assert list((cache / "corpora").iterdir()) == [entry]


def test_a_corpus_knows_the_digests_of_the_bytes_it_was_parsed_from(source, cache):
    digests = {source: file_sha256(Path(source))}
    read = [load_corpus(READER, source, cache=where) for where in (None, cache, cache)]
    assert [corpus.file_digests for corpus in read] == [digests] * 3
    assert Corpus.joined([read[0].cut(1), read[1].head(1)]).file_digests == digests


def writes() -> dict:
    def grow(path: Path) -> None:
        with path.open("a") as file:
            file.write("no\tanother text\n")

    def replace(path: Path) -> None:
        path.with_suffix(".new").write_text("no\tanother text\n")
        path.with_suffix(".new").replace(path)

    def write_the_same(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(b"")
        path.write_bytes(content)

    return {write.__name__: write for write in (grow, replace, write_the_same)}


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("write", writes().values(), ids=writes())
def test_a_file_that_is_written_to_while_it_is_read_is_refused(source, cache, monkeypatch, write, cached):
    """Its digest would be that of other texts; nothing is kept in the cache, and read again it is as it is now."""
    from_instances = Corpus.from_instances

    def read_then_write(*given) -> Corpus:
        corpus = from_instances(*given)
        write(Path(source))
        return corpus

    where = cache if cached else None
    with monkeypatch.context() as patch:
        patch.setattr(Corpus, "from_instances", read_then_write)
        with pytest.raises(DataError, match=r"train\.tsv: changed while it was read; start again when nothing writes"):
            load_corpus(READER, source, cache=where)
    assert not cache.exists()
    again = load_corpus(READER, source, cache=where)
    assert again.file_digests == {source: file_sha256(Path(source))}
    assert content(again) == content(load_corpus(READER, source, cache=None))


def test_a_text_that_is_half_written_is_not_called_wrong(source, cache, monkeypatch):
    """It is whole by the time that its line is looked at."""
    path, whole = Path(source), Path(source).read_bytes()
    path.write_bytes(whole + b"n")
    from_instances = Corpus.from_instances

    def read_while_it_is_written(*given) -> Corpus:
        try:
            return from_instances(*given)
        finally:
            path.write_bytes(whole + b"no\tanother text\n")

    with monkeypatch.context() as patch:
        patch.setattr(Corpus, "from_instances", read_while_it_is_written)
        with pytest.raises(DataError, match=r"train\.tsv: changed while it was read; start again"):
            load_corpus(READER, source, cache=cache)
    assert len(load_corpus(READER, source, cache=cache)) == 3


@pytest.mark.parametrize("cached", [False, True])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, cache, cached):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match=r"pipe: is a pipe or a device"):
        load_corpus(READER, str(tmp_path / "pipe"), cache=cache if cached else None)


def test_a_missing_file_is_named(cache):
    with pytest.raises(DataError, match=r"none\.tsv: no such file"):
        load_corpus(READER, "none.tsv", cache=cache)


def test_a_source_without_texts_is_refused(tmp_path):
    (tmp_path / "empty.txt").write_text("\n\n")
    with pytest.raises(DataError, match=r"empty\.txt: holds no text"):
        load_corpus(Lazy.of(ColumnsReader, tags=1), str(tmp_path / "empty.txt"), cache=None)


def test_a_cache_that_cannot_be_written_is_told(source, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=re.escape(f"{tmp_path}/file/corpora") + ".*MTLKIT_CACHE"):
        load_corpus(READER, source, cache=tmp_path / "file")


def test_changed_code_reads_anew(source, cache, tmp_path, registry, monkeypatch):
    """A plugin's tokeniser is edited between two runs; in this process its file is swapped under the cache's eyes."""
    plugin = tmp_path / "plugin.py"
    plugin.write_text("version 1")

    @Tokenizer.register("halves")
    class Halves(Tokenizer):
        """Whole words at first, halves of them later."""

        halves = False

        def tokenize(self, text: str) -> list[str]:
            return [half for word in text.split() for half in ([word[:2], word[2:]] if self.halves else [word]) if half]

    find = inspect.getsourcefile
    monkeypatch.setattr(inspect, "getsourcefile", lambda cls: str(plugin) if cls is Halves else find(cls))
    reader = Lazy.of(TextClassificationReader, tokenizer=Lazy.of(Halves))
    before = load_corpus(reader, source, cache=cache)
    Halves.halves = True
    assert content(load_corpus(reader, source, cache=cache)) == content(before)
    plugin.write_text("version 2")
    assert len(load_corpus(reader, source, cache=cache).tokens) > len(before.tokens)
