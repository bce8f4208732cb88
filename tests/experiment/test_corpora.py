"""The splits of a task, and how often its files are read."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtlkit.data import Corpus, CorpusLoader
from mtlkit.errors import DataError
from mtlkit.experiment import SPLITS, TaskSettings, load_split, load_splits

SIZES = {"train": 20, "dev": 5, "test": 7}


@pytest.fixture
def sources(tmp_path: Path, make_corpus: Callable[[Path, int, int], None], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    files = {split: str(tmp_path / f"{split}.tsv") for split in SPLITS}
    for seed, (split, file) in enumerate(files.items()):
        make_corpus(Path(file), SIZES[split], seed)
    return files


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each split's file is loaded, from the disk or from the cache."""
    found: Counter[str] = Counter()
    load = CorpusLoader.load

    def counting(self: CorpusLoader, reader: Any, source: str) -> Corpus:
        found[Path(source).stem] += 1
        return load(self, reader, source)

    monkeypatch.setattr(CorpusLoader, "load", counting)
    return found


def task(sources: dict[str, str], **settings: Any) -> TaskSettings:
    parts = {"reader": {"type": "text_classification"}, "head": {"type": "classifier"}}
    return TaskSettings.model_validate({**parts, **sources, **settings})


def content(corpus: Corpus) -> list[Any]:
    return [corpus.instance(place) for place in range(len(corpus))] + [corpus.places.tolist(), corpus.skipped]


@pytest.mark.parametrize("resplit", [None, {"dev": 6}, {"dev": 6, "test": 4}])
@pytest.mark.parametrize("again", [False, True])
def test_each_file_is_read_once(
    sources: dict[str, str], loads: Counter[str], resplit: dict[str, int] | None, again: bool
) -> None:
    settings = task(sources, resplit=resplit)
    if again:  # from the cache
        load_splits("books", settings, SPLITS, normalization="nfc")
        loads.clear()
    load_splits("books", settings, SPLITS, normalization="nfc")
    assert loads == dict.fromkeys(SPLITS, 1)


def test_only_what_is_needed_is_read(sources: dict[str, str], loads: Counter[str]) -> None:
    load_splits("books", task(sources, resplit={"dev": 6}), ["test"], normalization="nfc")
    assert loads == {"test": 1}
    loads.clear()
    load_split("books", task(sources, resplit={"dev": 6}), "dev", normalization="nfc")
    assert loads == {"train": 1, "dev": 1}


@pytest.mark.parametrize("resplit", [None, {"dev": 6}, {"dev": 6, "test": 4}])
def test_splits_read_together_are_those_read_one_by_one(
    sources: dict[str, str], resplit: dict[str, int] | None
) -> None:
    settings = task(sources, resplit=resplit, max_length=4)
    together = load_splits("books", settings, SPLITS, 3, normalization="nfc")
    assert list(together) == list(SPLITS)
    for split in SPLITS:
        assert content(together[split]) == content(load_split("books", settings, split, 3, normalization="nfc"))
        assert len(together[split]) == 3 and together[split].lengths.max() <= 4


def test_mistakes_name_their_place(sources: dict[str, str]) -> None:
    with pytest.raises(DataError, match=r"^tasks\.books\.resplit: 32 of 32 texts are asked for"):
        load_splits("books", task(sources, resplit={"dev": 20, "test": 12}), SPLITS, normalization="nfc")
    Path(sources["dev"]).write_text("no label\n")
    with pytest.raises(DataError, match=r"^tasks\.books\.dev: .*dev\.tsv:1"):
        load_splits("books", task(sources, resplit={"dev": 6}), SPLITS, normalization="nfc")
