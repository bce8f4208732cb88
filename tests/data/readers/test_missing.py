"""Texts that are annotated for some tasks only."""

import json
import re
from pathlib import Path

import pytest

from mtlkit.config import Lazy
from mtlkit.data import (
    ColumnsReader,
    DatasetReader,
    Instance,
    JsonLinesReader,
    Skipped,
    TextClassificationReader,
    load_corpus,
)
from mtlkit.errors import DataError

CASES = Path(__file__).parents[2] / "cases/28-partial"
LEFT_OUT = Skipped("with a missing target")
ANN = Instance(("Ann", "saw"), ("B-PER", "O"))


def test_a_sentence_without_tags_counts_for_other_tasks_only() -> None:
    source = str(CASES / "m.txt")
    read = [list(ColumnsReader(words="TOKEN", tags=tags, missing=["_"]).read(source)) for tags in ("POS", "NER")]
    assert read[0] == [Instance(("Ann", "saw"), ("PROPN", "VERB")), Instance(("Bo", "ran"), ("PROPN", "VERB"))]
    assert read[1] == [ANN, LEFT_OUT]
    assert list(ColumnsReader(words="TOKEN", tags="POS").read(source)) == read[0]


def test_it_is_refused_until_the_task_says_what_the_mark_is() -> None:
    source = str(CASES / "m.txt")
    what = r"m\.txt:5: each tag of the text is `_`, which may mark a missing target; "
    remedy = r"set the reader's `missing` to \['_'\] to leave such texts out, or to \[\] if it is a tag$"
    with pytest.raises(DataError, match=what + remedy):
        list(ColumnsReader(words="TOKEN", tags="NER").read(source))
    assert list(ColumnsReader(words="TOKEN", tags="NER", missing=[]).read(source))[1].target == ("_", "_")


def test_a_field_that_is_absent_is_a_missing_target() -> None:
    source = str(CASES / "p.jsonl")
    assert list(JsonLinesReader(words_field="words", tags_field="tags", missing=["_"]).read(source)) == [ANN, LEFT_OUT]
    for missing in (None, []):
        with pytest.raises(
            DataError, match=r"p\.jsonl:2: no field 'tags' .*, or set the reader's `missing` to \['_'\] to"
        ):
            list(JsonLinesReader(words_field="words", tags_field="tags", missing=missing).read(source))


@pytest.mark.parametrize("missing", [["_", ""], ["", "?", "_"]])
@pytest.mark.parametrize("tags", [("_", "_"), ("B-PER", "_"), ("", ""), ("", "O")])
def test_one_missing_tag_leaves_a_sentence_out(tmp_path: Path, missing: list[str], tags: tuple[str, str]) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(f"Bo\t{tags[0]}\tN\nran\t{tags[1]}\tV\n\nAnn\tB-PER\tN\nsaw\tO\tV\n")
    assert list(ColumnsReader(tags=1, missing=missing).read(str(path))) == [LEFT_OUT, ANN]
    assert len(list(ColumnsReader(tags=2).read(str(path)))) == 2
    path = tmp_path / "a.jsonl"
    lines = [{"words": ["Bo", "ran"], "tags": tags}, {"words": ["Ann", "saw"], "tags": ["B-PER", "O"]}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    reader = JsonLinesReader(words_field="words", tags_field="tags", missing=missing)
    assert list(reader.read(str(path))) == [LEFT_OUT, ANN]


@pytest.mark.parametrize(
    ("rows", "line", "mark"),
    [
        ("Bo _\nran V\n", 1, "_"),
        ("Bo N\nran V\n\nso _\nhe N\n", 4, "_"),
        ("Ann B-PER\nsaw O\n\nBo B-PER\nran _\n", 5, "_"),
        ("Ann B-PER\nsaw O\n\nBo -\nran -\n", 4, "-"),
    ],
)
def test_a_mark_beside_other_tags_is_refused_until_the_task_says_what_it_is(
    tmp_path: Path, rows: str, line: int, mark: str
) -> None:
    columns, lines = tmp_path / "a.txt", tmp_path / "a.jsonl"
    columns.write_text(rows)
    texts = [[row.split() for row in text.splitlines()] for text in rows.split("\n\n")]
    lines.write_text(
        "".join(json.dumps({"w": [row[0] for row in text], "t": [row[1] for row in text]}) + "\n" for text in texts)
    )
    what = f"the tag `{mark}` may mark a missing target; set the reader's `missing` to ['{mark}'] to leave"
    with pytest.raises(DataError, match=re.escape(f"a.txt:{line}: {what}")):
        list(ColumnsReader(tags=1).read(str(columns)))
    with pytest.raises(DataError, match=re.escape(f"a.jsonl:{1 + rows.count(chr(10) * 2)}: {what}")):
        list(JsonLinesReader(words_field="w", tags_field="t").read(str(lines)))
    for reader, path in (
        (lambda missing: ColumnsReader(tags=1, missing=missing), columns),
        (lambda missing: JsonLinesReader(words_field="w", tags_field="t", missing=missing), lines),
    ):
        read = list(reader([mark]).read(str(path)))
        assert LEFT_OUT in read and all(mark not in each.target for each in read if isinstance(each, Instance))
        assert len(list(reader([]).read(str(path)))) == len(texts) and LEFT_OUT not in reader([]).read(str(path))


@pytest.mark.parametrize("mark", ["_", "-"])
def test_the_only_mark_of_words_outside_of_spans_is_one(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"Ann B-PER\nsaw {mark}\n")
    assert list(ColumnsReader(tags=1).read(str(path))) == [Instance(("Ann", "saw"), ("B-PER", mark))]


@pytest.mark.parametrize(("tags", "what"), [([], "field 'tags' is an empty list"), (["O", ""], "an empty tag in")])
def test_an_empty_list_of_tags_or_an_empty_tag_may_be_missing(tmp_path: Path, tags: list[str], what: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"words": ["Bo", "ran"], "tags": tags}) + "\n")
    with pytest.raises(DataError, match=rf"a\.jsonl:1: {what}.*; write it, or set the reader's `missing` to \['_?'\]"):
        list(JsonLinesReader(words_field="words", tags_field="tags").read(str(path)))
    reader = JsonLinesReader(words_field="words", tags_field="tags", missing=[""])
    assert list(reader.read(str(path))) == [LEFT_OUT]


def test_an_empty_tag_is_refused_with_its_line_until_the_task_says_that_it_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("Ann\tB-PER\nsaw\tO\n\nBo\tO\nran\t\n")
    for missing in (None, [], ["_"]):
        with pytest.raises(
            DataError, match=r":5: an empty column where the tag is due; .*`missing` to \[''\] to leave"
        ):
            list(ColumnsReader(tags=1, missing=missing).read(str(path)))
    assert list(ColumnsReader(tags=1, missing=[""]).read(str(path))) == [ANN, LEFT_OUT]


@pytest.mark.parametrize("label", ["_", "", None])
def test_a_label_of_json_may_be_missing(tmp_path: Path, label: str | None) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "good", "label": "yes"}\n' + json.dumps({"text": "so", "label": label}) + "\n")
    with pytest.raises(DataError, match=r"a\.jsonl:2: .*; .*set the reader's `missing` to \["):
        list(JsonLinesReader().read(str(path)))
    assert list(JsonLinesReader(missing=["_", ""]).read(str(path))) == [Instance(("good",), "yes"), LEFT_OUT]
    if label is not None:
        assert list(JsonLinesReader(missing=[]).read(str(path)))[1] == Instance(("so",), label)


def test_a_label_that_is_a_number_may_be_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "good", "label": 1}\n{"text": "so", "label": -1}\n')
    assert list(JsonLinesReader(missing=["-1"]).read(str(path))) == [Instance(("good",), "1"), LEFT_OUT]


def test_a_null_among_tags_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"words": ["Bo", "ran"], "tags": ["O", null]}\n')
    with pytest.raises(DataError, match=r":1: field 'tags' contains null; write it, or set the reader's `missing`"):
        list(JsonLinesReader(words_field="words", tags_field="tags").read(str(path)))
    reader = JsonLinesReader(words_field="words", tags_field="tags", missing=["_"])
    assert list(reader.read(str(path))) == [LEFT_OUT]


def test_a_label_in_front_of_a_tab_may_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("yes\tgood\n_\tso\n")
    with pytest.raises(
        DataError, match=r"a\.tsv:2: the label is `_`, .*`missing` to \['_'\] to .*, or to \[\] if it is a"
    ):
        list(TextClassificationReader().read(str(path)))
    assert list(TextClassificationReader(missing=["_"]).read(str(path))) == [Instance(("good",), "yes"), LEFT_OUT]
    assert list(TextClassificationReader(missing=[]).read(str(path)))[1] == Instance(("so",), "_")
    assert list(TextClassificationReader(labels={"yes": "y", "_": "n"}).read(str(path)))[1] == Instance(("so",), "n")


@pytest.mark.parametrize("missing", [None, [], ["_"]])
def test_nothing_in_front_of_a_tab_may_be_missing(tmp_path: Path, missing: list[str] | None) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("yes\tgood\n\tso\n")
    with pytest.raises(
        DataError, match=r"a\.tsv:2: no label before the TAB; .*`missing` to \[''\] to leave such texts out$"
    ):
        list(TextClassificationReader(missing=missing).read(str(path)))
    assert list(TextClassificationReader(missing=[""]).read(str(path))) == [Instance(("good",), "yes"), LEFT_OUT]


@pytest.mark.parametrize(
    ("reader", "raw"),
    [
        (ColumnsReader(tags=1, missing=["_"]), {"words": ["so"], "tags": ["_"]}),
        (JsonLinesReader(missing=["_"]), {"text": "so", "label": "_"}),
        (JsonLinesReader(missing=["_"]), {"text": "so", "label": None}),
        (JsonLinesReader(missing=["_"]), {"text": "so"}),
        (TextClassificationReader(missing=["_"]), {"text": "so", "label": "_"}),
    ],
)
def test_a_text_to_predict_may_have_the_mark(reader: DatasetReader, raw: dict[str, object]) -> None:
    assert reader.parse(raw) == Instance(("so",))


def test_what_is_left_out_and_what_is_structure_is_counted_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("-DOCSTART-\n\nBo\t_\n\nAnn\tB-PER\nsaw\tO\n")
    for _ in range(2):  # read, and taken from the cache
        corpus = load_corpus(Lazy.of(ColumnsReader, tags=1, missing=["_"]), str(path), cache=tmp_path / "cache")
        assert (len(corpus), corpus.num_read, corpus.places.tolist()) == (1, 2, [1])
        assert (corpus.skipped, corpus.structure) == ({"with a missing target": 1}, {"document boundaries": 1})
