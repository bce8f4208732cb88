"""The word that stands between the texts of a pair is in no text, so that no text is taken for two."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mtlkit.config import Lazy
from mtlkit.data import DatasetReader, Instance
from mtlkit.data.instance import BETWEEN_TEXTS
from mtlkit.data.readers import TextPairsReader
from mtlkit.data.readers.normalized import NormalizedReader, build_reader
from mtlkit.errors import DataError

TOLD = "the word ␞ stands between the two texts of a pair, and cannot be in a text; remove or replace it"
FILES: dict[str, tuple[dict[str, Any], str]] = {
    "text_classification": ({}, "good\ta film\ngood\tone ␞ two\n"),
    "text_pairs": ({}, "good\ta film\ta town\ngood\tone\ttwo ␞\n"),
    "columns": ({"words": 0, "tags": 1}, "a\tO\n␞\tO\n"),
    "jsonl": ({}, '{"text": "a film", "label": "good"}\n{"text": "one ␞ two", "label": "good"}\n'),
    "jsonl, words": (
        {"words_field": "words"},
        '{"words": ["a"], "label": "good"}\n{"words": ["one", "␞"], "label": "good"}\n',
    ),
}


@pytest.mark.parametrize(("kind", "settings", "content"), [(kind, *each) for kind, each in FILES.items()], ids=FILES)
@pytest.mark.parametrize("verb", ["read", "read_texts"])
def test_a_text_with_the_mark_is_refused_with_its_place(
    kind: str, settings: dict[str, Any], content: str, verb: str, tmp_path: Path
) -> None:
    reader = build_reader(Lazy.of(DatasetReader.by_name(kind.partition(",")[0]), **settings), "nfc")
    (tmp_path / "a.txt").write_text(content, "utf-8")
    with pytest.raises(DataError) as told:
        list(getattr(reader, verb)(str(tmp_path / "a.txt")))
    assert str(told.value) == f"{tmp_path / 'a.txt'}:2: {TOLD}"
    (tmp_path / "a.txt").write_text(content.replace("␞", "|"), "utf-8")
    assert list(getattr(reader, verb)(str(tmp_path / "a.txt"))), "the remedy"


@pytest.mark.parametrize("kind", ["text_classification", "columns", "jsonl"])
def test_a_text_to_answer_with_the_mark_is_refused(kind: str) -> None:
    reader = build_reader(Lazy.of(DatasetReader.by_name(kind), **FILES[kind][0]), "nfc")
    with pytest.raises(DataError) as told:
        reader.parse("one ␞ two")
    assert str(told.value) == TOLD
    with pytest.raises(DataError):
        reader.parse({"text": "one ␞ two"})


def test_the_mark_within_a_word_is_no_mark() -> None:
    assert build_reader(Lazy.of(DatasetReader.by_name("jsonl")), "nfc").parse(json.loads('{"text": "a␞b"}')).words == (
        "a␞b",
    )


class Careless(DatasetReader):
    """Of a plugin, which makes instances of words as they come."""

    target_kind = "label"

    def files(self, source: str) -> list[Path]:
        return []

    def read(self, source: str) -> Iterator[Instance]:
        yield Instance(("a",), "good")
        yield Instance(("one", BETWEEN_TEXTS, "two"), "good")

    def parse(self, raw: str | Mapping[str, object]) -> Instance:
        return Instance(tuple(str(raw).split()))


class OfPairs(Careless):
    reads_pairs = True


def test_readers_of_plugins_pass_the_same_check() -> None:
    reader = NormalizedReader(Careless(), "none")
    with pytest.raises(DataError) as told:
        list(reader.read("mine"))
    assert str(told.value) == f"mine: text 2: {TOLD}"
    with pytest.raises(DataError, match=r"^the word ␞ stands between"):
        reader.parse("one ␞ two")
    pairs = NormalizedReader(OfPairs(), "none")
    assert pairs.parse("one ␞ two").words == ("one", "␞", "two")
    for text, times in (("one two", 0), ("one ␞ two ␞", 2)):
        with pytest.raises(DataError, match=f"^a pair with the word ␞ {times} times, and once is due"):
            pairs.parse(text)
    assert TextPairsReader.reads_pairs
