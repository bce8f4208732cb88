"""Each file is read once, whichever of the tasks read it, and nobody can tell by what is read."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtlkit.config import Lazy
from mtlkit.data import (
    ColumnsReader,
    Corpus,
    CorpusLoader,
    DatasetReader,
    Instance,
    JsonLinesReader,
    TextClassificationReader,
    VaderReader,
    load_corpus,
)
from mtlkit.data import lines as lines_of_files
from mtlkit.data.passes import PORTION, FilePass, read_together
from mtlkit.data.readers import columns, jsonl, sentences, text_classification, vader
from mtlkit.errors import DataError

NUM_SENTENCES = 3 * PORTION + 7


def columns_file(folder: Path, num_sentences: int = NUM_SENTENCES, last: str = "") -> str:
    """Sentences of three domains with two columns of tags."""
    parts = ["# columns = TOKEN POS NER\n"]
    for number in range(num_sentences):
        rows = [f"word{number % 11}\tN{number % 3}\tO", f"é{number % 5}\tV\t{'B-X' if number % 2 else 'O'}"]
        parts.append(f"# domain = d{number % 3}\n" + "\n".join(rows) + "\n")
    path = folder / "corpus.tsv"
    path.write_text("\n".join(parts) + last, encoding="utf-8")
    return str(path)


def grid() -> list[Lazy[DatasetReader]]:
    return [
        Lazy.of(ColumnsReader, words="TOKEN", tags=tags, domain=domain)
        for domain in ("d0", "d1", "d2", None)
        for tags in ("POS", "NER")
    ]


def content(corpus: Corpus) -> list:
    arrays = (corpus.tokens, corpus.offsets, corpus.targets, corpus.digests, corpus.places)
    texts = [corpus.forms, corpus.labels, corpus.target_kind, corpus.skipped, corpus.structure, corpus.file_digests]
    return [*texts, *((array.dtype, array.tolist()) for array in arrays)]


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """The paths of the files whose lines were read to their end, or to an error."""
    found: list[str] = []
    read_lines = lines_of_files.read_lines

    def watched(path: Path) -> Iterator[tuple[int, str]]:
        yield from read_lines(path)
        found.append(Path(path).name)

    for module in (sentences, text_classification, vader, lines_of_files):
        monkeypatch.setattr(module, "read_lines", watched)
    return found


def test_columns_and_domains_of_one_file_are_read_in_one_pass_and_are_the_same(tmp_path, opened):
    source = columns_file(tmp_path)
    alone = [content(load_corpus(reader, source, cache=None)) for reader in grid()]
    opened.clear()
    loader = CorpusLoader([(reader, source) for reader in grid()], cache=tmp_path / "cache")
    together = [content(loader.load(reader, source)) for reader in grid()]
    assert together == alone
    assert opened == ["corpus.tsv"]


def test_what_is_read_together_is_in_the_cache_for_each_reader_alone(tmp_path, opened):
    source, cache = columns_file(tmp_path), tmp_path / "cache"
    loader = CorpusLoader([(reader, source) for reader in grid()], cache=cache)
    together = [content(loader.load(reader, source)) for reader in grid()]
    assert [content(load_corpus(reader, source, cache=cache)) for reader in grid()] == together
    assert opened == ["corpus.tsv"]


def test_only_what_the_cache_lacks_is_read(tmp_path, opened):
    source, cache = columns_file(tmp_path), tmp_path / "cache"
    load_corpus(grid()[3], source, cache=cache)
    loader = CorpusLoader([(reader, source) for reader in grid()], cache=cache)
    before = {path: path.stat().st_mtime_ns for path in (cache / "corpora").iterdir()}
    for reader in grid():
        loader.load(reader, source)
    assert opened == ["corpus.tsv"] * 2
    assert all(path.stat().st_mtime_ns == changed for path, changed in before.items())
    assert len([*(cache / "corpora").iterdir()]) == len(grid())


def test_readers_that_parse_otherwise_do_not_share_a_pass(tmp_path, opened):
    source = columns_file(tmp_path)
    readers = [Lazy.of(ColumnsReader, tags=1), Lazy.of(ColumnsReader, tags=1, format="columns")]
    loader = CorpusLoader([(reader, source) for reader in readers], cache=tmp_path / "cache")
    for reader in readers:
        loader.load(reader, source)
    assert opened == ["corpus.tsv"] * 2


def test_an_error_of_one_reader_comes_when_it_is_asked_for_and_the_others_read_on(tmp_path, opened):
    source = columns_file(tmp_path)
    good, odd, missing = grid()[0], Lazy.of(ColumnsReader, tags="POS", domain="mars"), Lazy.of(ColumnsReader, tags=9)
    loader = CorpusLoader([(each, source) for each in (good, odd, missing)], cache=tmp_path / "cache")
    for reader, told in ((odd, "no sentence of domain 'mars'"), (missing, "no column 9")):
        with pytest.raises(DataError) as alone:
            load_corpus(reader, source, cache=None)
        opened.clear()
        with pytest.raises(DataError, match=told) as together:
            loader.load(reader, source)
        assert str(together.value) == str(alone.value)
    assert content(loader.load(good, source)) == content(load_corpus(good, source, cache=None))


@pytest.mark.parametrize("place", [1, PORTION, PORTION + 1, NUM_SENTENCES])
def test_an_error_of_the_file_is_told_to_each_reader_as_if_it_was_alone(tmp_path, place):
    source = columns_file(tmp_path, place, last="\nword\tonly two\n")
    loader = CorpusLoader([(reader, source) for reader in grid()], cache=tmp_path / "cache")
    for reader in grid():
        with pytest.raises(DataError) as alone:
            load_corpus(reader, source, cache=None)
        with pytest.raises(DataError) as together:
            loader.load(reader, source)
        assert str(together.value) == str(alone.value)
        assert "2 columns where the file has 3" in str(alone.value)


def test_the_first_of_two_errors_is_the_one_that_a_reader_meets_first(tmp_path):
    path = tmp_path / "corpus.tsv"
    path.write_text("a\tX\tO\n\nb\t_\tO\n\nragged\n")
    readers = [Lazy.of(ColumnsReader, tags=1), Lazy.of(ColumnsReader, tags=2)]
    loader = CorpusLoader([(reader, str(path)) for reader in readers], cache=None)
    with pytest.raises(DataError, match=r"corpus\.tsv:3: each tag of the text is `_`"):
        loader.load(readers[0], str(path))
    with pytest.raises(DataError, match=r"corpus\.tsv:5: no TAB"):
        loader.load(readers[1], str(path))


def test_a_file_that_changes_during_the_pass_is_refused_for_all(tmp_path, monkeypatch):
    source = columns_file(tmp_path)
    read = sentences.read_lines

    def written_meanwhile(path: Path) -> Iterator[tuple[int, str]]:
        yield from read(path)
        Path(path).write_text("a\tX\tO\n")

    monkeypatch.setattr(sentences, "read_lines", written_meanwhile)
    loader = CorpusLoader([(reader, source) for reader in grid()], cache=tmp_path / "cache")
    for reader in grid()[:2]:
        with pytest.raises(DataError, match="changed while it was read"):
            loader.load(reader, source)
    assert not (tmp_path / "cache" / "corpora").exists()


def test_a_damaged_entry_is_read_again_beside_sound_ones(tmp_path):
    source, cache = columns_file(tmp_path), tmp_path / "cache"
    first = CorpusLoader([(reader, source) for reader in grid()], cache=cache)
    expected = [content(first.load(reader, source)) for reader in grid()]
    for entry in sorted((cache / "corpora").iterdir())[::2]:
        (entry / "tokens.npy").write_bytes(b"damaged")
    again = CorpusLoader([(reader, source) for reader in grid()], cache=cache)
    assert [content(again.load(reader, source)) for reader in grid()] == expected


def test_fields_of_one_file_of_json_lines_are_read_in_one_pass(tmp_path, opened):
    path = tmp_path / "corpus.jsonl"
    lines = [
        {"text": f"good film {number}", "a": "x" if number % 2 else "y", "tags": ["O", "B-X", "O"]}
        for number in range(PORTION + 9)
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n\n", encoding="utf-8")
    readers = [
        Lazy.of(JsonLinesReader, label_field="a"),
        Lazy.of(JsonLinesReader, label_field="a", labels={"x": "good", "y": "bad"}),
        Lazy.of(JsonLinesReader, tags_field="tags"),
        Lazy.of(JsonLinesReader, label_field="b"),
    ]
    source = str(path)
    loader = CorpusLoader([(reader, source) for reader in readers], cache=tmp_path / "cache")
    found = [content(loader.load(reader, source)) for reader in readers[:3]]
    assert opened == ["corpus.jsonl"]
    with pytest.raises(DataError, match=r"corpus.jsonl:1: no field 'b'"):
        loader.load(readers[3], source)
    assert found == [content(load_corpus(reader, source, cache=None)) for reader in readers[:3]]
    assert found[0][3] == {"blank": 1}


def test_readers_of_labelled_lines_that_split_or_rename_otherwise_share_a_pass(tmp_path, opened):
    path = tmp_path / "corpus.tsv"
    path.write_text("".join(f"{number % 2}\tgood, film{number}!\n" for number in range(PORTION + 3)))
    readers = [
        Lazy.of(TextClassificationReader),
        Lazy.of(TextClassificationReader, labels={"0": "no", "1": "yes"}),
        Lazy.of(TextClassificationReader, tokenizer={"type": "regex"}),
        Lazy.of(VaderReader, domain="movie"),
    ]
    loader = CorpusLoader([(reader, str(path)) for reader in readers], cache=tmp_path / "cache")
    found = [content(loader.load(reader, str(path))) for reader in readers]
    assert opened == ["corpus.tsv"]
    assert found == [content(load_corpus(reader, str(path), cache=None)) for reader in readers]


def test_splits_of_one_file_are_drawn_from_it_in_one_pass_however_many_lines_each_leaves_out(
    tmp_path, opened, monkeypatch
):
    path = tmp_path / "movie.txt"
    path.write_text("".join(f"{number}_1\t{number % 5 - 2}\tgood film {number}\n" for number in range(9 * PORTION)))
    monkeypatch.setattr(vader, "vader_folder", lambda cache: tmp_path)
    monkeypatch.setattr(vader, "VADER_FILES", {"movie": "movie.txt"})
    monkeypatch.setattr(vader, "check_fetched", lambda *args: None)
    reader = Lazy.of(VaderReader, domain="movie")
    loader = CorpusLoader([(reader, split) for split in ("train", "dev", "test")], cache=tmp_path / "cache")
    found = {split: content(loader.load(reader, split)) for split in ("train", "dev", "test")}
    assert opened == ["movie.txt"]
    assert found == {split: content(load_corpus(reader, split, cache=None)) for split in found}
    assert len({len(each[-1][1]) for each in found.values()}) > 1


def test_only_a_few_portions_of_a_file_are_held_however_long_it_is():
    alive: set[int] = set()
    most = 0

    class Item:
        def __init__(self, number: int) -> None:
            nonlocal most
            self.number = number
            alive.add(number)
            most = max(most, len(alive))

        def __del__(self) -> None:
            alive.discard(self.number)

    def reader(step: int) -> FilePass:
        def texts(file: None, items: Iterator[Item]) -> Iterator[Instance]:
            return (Instance((f"w{item.number}",), "x") for item in items if item.number % step == 0)

        return FilePass(("key",), lambda: (None, map(Item, range(100 * PORTION))), texts)

    found = read_together([(reader(step), "label") for step in (1, 2, 3)])
    assert [len(corpus) for corpus in found] == [100 * PORTION // step + (step == 3) for step in (1, 2, 3)]
    assert most <= 3 * PORTION


def test_readers_built_in_say_how_they_can_be_read_together():
    """A reader that reads a file and has no pass would read it again for each task."""
    for reader in (columns.ColumnsReader, jsonl.JsonLinesReader, text_classification.TextClassificationReader):
        assert reader.file_pass is not DatasetReader.file_pass
