"""Counts of the corpora in $MTLKIT_DATA, as their READMEs and papers give them."""

import os
from pathlib import Path

import pytest

from mtlkit.config import Lazy
from mtlkit.data import (
    ColumnsReader,
    Corpus,
    TextClassificationReader,
    Vectors,
    VocabularySettings,
    audit,
    build_vocabulary,
    load_corpus,
)

DATA = Path(os.environ.get("MTLKIT_DATA", ""))
pytestmark = pytest.mark.skipif(not (DATA / "fdu-mtl").is_dir(), reason="MTLKIT_DATA names no folder with the corpora")

SMALLER = {"baby": 1300, "camera_photo": 1397, "electronics": 1398, "magazines": 1370, "software": 1315}
LEAKS = {
    "books": 7, "electronics": 12, "dvd": 14, "kitchen_housewares": 9, "apparel": 6, "camera_photo": 72,
    "health_personal_care": 30, "music": 9, "toys_games": 8, "video": 99, "baby": 14, "magazines": 169,
    "software": 62, "sports_outdoors": 28, "imdb": 0, "MR": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def fdu() -> dict[str, dict[str, Corpus]]:
    reader = Lazy.of(TextClassificationReader, labels={"0": "negative", "1": "positive"}, skip_empty=True)
    return {
        task: {
            split: load_corpus(reader, str(DATA / f"fdu-mtl/{task}.{split}.tsv.gz"), cache=None)
            for split in ("train", "dev", "test")
        }
        for task in LEAKS
    }


def test_fdu_sizes(fdu):
    for task, splits in fdu.items():
        train = SMALLER.get(task, 1400) - (task == "sports_outdoors")  # less its empty text
        assert [len(splits[split]) for split in ("train", "dev", "test")] == [train, 200, 400]
    assert fdu["MR"]["test"].label_counts() == {"negative": 192, "positive": 208}
    assert sum(len(corpus.tokens) for splits in fdu.values() for corpus in splits.values()) == 4_154_489


def test_fdu_leaks(fdu):
    report = audit(fdu)
    assert {task: counts.test_in_own for task, counts in report.tasks.items()} == LEAKS
    assert (report.total.test_in_own, report.total.clean, report.total.conflicts) == (539, 5841, 0)
    assert report.total.test_in_others == {"dvd in video": 17, "video in dvd": 16}


@pytest.mark.parametrize(
    ("folder", "sizes"),
    [("wnut17", (3394, 1009, 1287)), ("wikigold", (1288, 111, 297)), ("ewt-pos-ner", (12543, 2001, 2077))],
)
def test_files_of_columns_are_read_whole(folder, sizes):
    reader = Lazy.of(ColumnsReader, words="TOKEN", tags="NER")
    files = [str(DATA / f"seqlab/{folder}/{split}.tsv.gz") for split in ("train", "dev", "test")]
    assert tuple(len(load_corpus(reader, file, cache=None)) for file in files) == sizes


def test_conll_2000():
    folder, reader = DATA / "seqlab/conll2000", Lazy.of(ColumnsReader, tags=2)
    train = load_corpus(reader, str(folder / "train.txt.gz"), cache=None)
    test = load_corpus(reader, str(folder / "test.txt.gz"), cache=None)
    assert (len(train), len(train.tokens), len(train.labels)) == (8936, 211_727, 22)
    assert (len(test), len(test.tokens), len(test.labels)) == (2012, 47_377, 19)
    vocabulary = build_vocabulary({"chunk": train}, VocabularySettings())
    assert set(test.label_counts()) - set(vocabulary.labels("chunk")) == {"I-LST"}


@pytest.mark.parametrize(("domain", "texts", "tokens"), [("weblog", 214, 4495), ("reviews", 524, 5306)])
def test_ewt_grid(domain, texts, tokens):
    reader = Lazy.of(ColumnsReader, tags="CHUNK", words="TOKEN", domain=domain)
    corpus = load_corpus(reader, str(DATA / "seqlab/ewt-grid/test.tsv.gz"), cache=None)
    assert (len(corpus), len(corpus.tokens)) == (texts, tokens)


def test_glove_covers_fdu(fdu):
    vectors = Vectors.read(DATA / "glove/glove.6B.100d.fdu.txt.gz", limit=1000)
    assert (vectors.words[0], vectors.matrix.shape) == ("the", (1000, 100))
    vocabulary = build_vocabulary(
        {task: splits["train"] for task, splits in fdu.items()}, VocabularySettings(), vectors
    )
    assert set(vectors.words) <= set(vocabulary["words"].tokens)
    assert vocabulary["words"].tokens[2:4] == ["the", "."]
