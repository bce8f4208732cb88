import os
import re
from collections import Counter
from pathlib import Path

import pytest

from mtlkit.config import Lazy
from mtlkit.data import Instance, RegexTokenizer, Skipped, VaderReader, audit, cache_folder, fetch_vader, load_corpus
from mtlkit.data.fetch import VADER_FILES, vader_folder
from mtlkit.data.readers.vader import split_of
from mtlkit.errors import DataError

SPLITS = ("train", "dev", "test")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A cache that holds a few sentences in the form of the corpora."""
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path))
    folder = vader_folder(tmp_path)
    folder.mkdir()
    ratings = {1: 1.5, 2: -0.1, 3: 0.0}
    rows = [f"{document}_{n}\t{ratings[n]}\tgood, {document}!\r\n" for document in range(99) for n in ratings]
    for name in VADER_FILES.values():
        (folder / name).write_bytes("".join(rows).encode())
    return folder


def test_sentences_of_a_document_stay_together_and_neutral_ones_are_dropped(folder):
    reader = VaderReader("product", Lazy.of(RegexTokenizer))
    found = {split: list(reader.read(split)) for split in SPLITS}
    read = {split: [each for each in found[split] if isinstance(each, Instance)] for split in SPLITS}
    assert sum(each == Skipped("rated 0") for split in SPLITS for each in found[split]) == 99
    documents = {split: {instance.words[2] for instance in instances} for split, instances in read.items()}
    assert sum(map(len, read.values())) == 2 * sum(map(len, documents.values())) == 198
    assert set.union(*documents.values()) == {str(document) for document in range(99)}
    assert read["train"][0] == Instance(("good", ",", "0", "!"), "positive")
    assert Counter(instance.target for instance in read["train"]).keys() == {"positive", "negative"}
    assert reader.files("dev") == [folder / "amazonReviewSnippets_GroundTruth.txt"]


def instances(reader, split):
    return sum(isinstance(each, Instance) for each in reader.read(split))


def test_splits_that_share_a_file_are_cached_apart(folder):
    reader = Lazy.of(VaderReader, domain="movie")
    sizes = [len(load_corpus(reader, split, cache=folder.parent)) for split in SPLITS * 2]
    assert sizes[:3] == sizes[3:] == [instances(reader.build(), split) for split in SPLITS]
    assert len(set(sizes)) > 1


def test_documents_are_split_80_10_10_for_ever():
    splits = [split_of(f"movie/{document}") for document in range(5000)]
    assert [document for document in range(40) if splits[document] == "dev"] == [1, 30, 38]
    assert [document for document in range(20) if splits[document] == "test"] == [6, 9, 10, 12]
    assert [round(splits.count(split) / 5000, 2) for split in SPLITS] == [0.8, 0.1, 0.1]


def test_an_unknown_split_is_told():
    with pytest.raises(DataError, match="no split of the VADER corpora and no file: 'valid'; write train, dev, test"):
        VaderReader("movie").files("valid")


def test_a_file_of_ones_own_can_stand_for_a_split(tmp_path):
    own = tmp_path / "own.tsv"
    own.write_text("positive\tfine film\nnegative\tdull\n")
    reader = VaderReader("movie")
    assert reader.files(str(own)) == [own]
    assert [(instance.words, instance.target) for instance in reader.read(str(own))] == [
        (("fine", "film"), "positive"),
        (("dull",), "negative"),
    ]


@pytest.mark.parametrize("line", ["1\tgood\tgood", "1\t2"])
def test_a_damaged_file_is_placed(folder, line):
    path = folder / VADER_FILES["movie"]
    path.write_text(line)
    with pytest.raises(DataError, match=re.escape(f"{path}:1: not of the form")):
        list(VaderReader("movie").read("train"))


def test_texts_to_predict():
    reader = VaderReader("tweet")
    assert reader.parse("so good") == Instance(("so", "good"))
    assert reader.parse({"text": "so good", "label": "positive"}) == Instance(("so", "good"), "positive")


@pytest.fixture
def real_cache() -> Path:
    """The user's cache, with the real corpora in it."""
    source = os.environ.get("MTLKIT_VADER_SDIST")
    if not vader_folder(cache_folder()).is_dir() and source is None:
        pytest.skip("the VADER corpora are not in the cache: run `mtlkit data fetch vader`")
    fetch_vader(cache_folder(), print, source=source and Path(source))
    return cache_folder()


def test_the_real_corpora(real_cache):
    corpora = {
        domain: {split: load_corpus(Lazy.of(VaderReader, domain=domain), split, cache=None) for split in SPLITS}
        for domain in VADER_FILES
    }
    report = audit(corpora)
    assert {domain: tuple(task.sizes.values()) for domain, task in report.tasks.items()} == {
        "movie": (8455, 1089, 1024),
        "product": (2857, 240, 513),
        "editorial": (3862, 490, 594),
        "tweet": (3361, 425, 410),
    }
    positive = {
        domain: sum(corpus.label_counts()["positive"] for corpus in splits.values())
        for domain, splits in corpora.items()
    }
    assert positive == {"movie": 5242, "product": 2128, "editorial": 2204, "tweet": 2897}
    assert report.total.test_in_own == 2
