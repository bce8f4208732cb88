import json
import re

import pytest

from mtlkit.data import Instance, JsonLinesReader, Skipped
from mtlkit.errors import DataError


def read(reader, tmp_path, *lines):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return list(reader.read(str(path)))


def test_texts_and_labels(tmp_path):
    lines = [{"text": "good fun", "label": "yes", "id": 7}, {"label": 0, "text": "bad\n film\u2028"}]
    expected = [Instance(("good", "fun"), "yes"), Instance(("bad", "film"), "0")]
    assert read(JsonLinesReader(), tmp_path, *lines) == expected
    assert JsonLinesReader().target_kind == "label"


def test_words_and_tags(tmp_path):
    reader = JsonLinesReader(words_field="tokens", tags_field="ner")
    line = {"tokens": ["New York", "!"], "ner": ["B-LOC", "O"], "text": "not this"}
    assert read(reader, tmp_path, line) == [Instance(("New York", "!"), ("B-LOC", "O"))]
    assert reader.target_kind == "tags"


def test_labels_and_tags_are_renamed(tmp_path):
    names = {"0": "bad", "1": "good"}
    assert read(JsonLinesReader(labels=names), tmp_path, {"text": "fun", "label": 1}) == [Instance(("fun",), "good")]
    tagging = JsonLinesReader(words_field="words", tags_field="tags", labels=names)
    line = {"words": ["a", "b"], "tags": ["1", "0"]}
    assert read(tagging, tmp_path, line) == [Instance(("a", "b"), ("good", "bad"))] == [tagging.parse(line)]
    with pytest.raises(
        DataError, match=r"a\.jsonl:1: label '2' is not in the reader's `labels` \(0, 1\); add it there or"
    ):
        read(JsonLinesReader(labels=names), tmp_path, {"text": "fun", "label": 2})


@pytest.mark.parametrize("blank", ["", " ", "\t", "\u00a0"])
def test_blank_lines_are_left_out(tmp_path, blank):
    line = {"text": "good", "label": "yes"}
    found = read(JsonLinesReader(), tmp_path, line, blank, line, blank)
    assert found == [Instance(("good",), "yes"), Skipped("blank")] * 2


def test_without_a_target_field_there_is_no_target(tmp_path):
    reader = JsonLinesReader("body", label_field=None)
    assert read(reader, tmp_path, {"body": "good", "label": "yes"}) == [Instance(("good",))]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"text": "good"', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('["good"]', "no JSON object"),
        ({"label": "yes"}, "no field 'text'"),
        ({"text": "good", "lable": "yes"}, r"no field 'label' \(fields here: text, lable\)"),
        ({"text": "good", "label": None}, "field 'label' is null; write it, or set the reader's `missing` to"),
        ({"text": "good", "label": 1.5}, "'label' is neither a string nor a whole number"),
        ({"text": "", "label": "yes"}, "no words"),
    ],
)
def test_a_bad_line_is_placed(tmp_path, line, what):
    with pytest.raises(DataError, match=re.escape(f"{tmp_path}/a.jsonl:2: ") + f".*{what}"):
        read(JsonLinesReader(), tmp_path, {"text": "good", "label": "yes"}, line)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ({"tokens": ["a", "b"], "ner": ["O"]}, "2 words but 1 tags in field 'ner'"),
        ({"tokens": ["a", ""], "ner": ["O", "O"]}, "'tokens' needs at least one word"),
        ({"tokens": [], "ner": []}, "'tokens' needs at least one word"),
        ({"tokens": "a b", "ner": ["O", "O"]}, "'tokens' is not a list of strings"),
        ({"tokens": ["a"], "ner": [1]}, "'ner' is not a list of strings"),
        ({"ner": ["O"]}, "no field 'tokens'"),
    ],
)
def test_a_bad_line_of_tags_is_placed(tmp_path, line, what):
    with pytest.raises(DataError, match=re.escape(f"{tmp_path}/a.jsonl:1: ") + f".*{what}"):
        read(JsonLinesReader(words_field="tokens", tags_field="ner"), tmp_path, line)


def test_texts_to_predict():
    reader = JsonLinesReader(words_field="tokens", tags_field="ner")
    assert reader.parse("a b") == Instance(("a", "b"))
    assert reader.parse({"tokens": ["a b"]}) == Instance(("a b",))
    assert reader.parse({"text": "a b"}) == Instance(("a", "b"))
    assert reader.parse({"text": "a b", "ner": ["O", "X"]}) == Instance(("a", "b"), ("O", "X"))


@pytest.mark.parametrize("name", ["text", "label", "other"])
def test_a_field_that_occurs_twice_is_refused(name, tmp_path):
    line = f'{{"text": "fun", "label": "pos", "other": 1, "{name}": "neg"}}'
    with pytest.raises(DataError, match=rf"a\.jsonl:1: the field '{name}' occurs twice; write it once"):
        read(JsonLinesReader(), tmp_path, line)


def test_a_byte_order_mark_before_a_text_is_none_of_its_words(tmp_path):
    line = {"text": "\ufeffgood \ufefffun", "label": "pos"}
    assert read(JsonLinesReader(), tmp_path, line)[0].words == ("good", "\ufefffun")
    assert JsonLinesReader().parse(line).words == ("good", "\ufefffun")


@pytest.mark.timeout(600)
def test_a_field_of_200_000_that_occurs_twice_is_named_at_once(tmp_path):
    """Comparing each with all others would take hours."""
    fields = ", ".join(f'"{number}": 0' for number in (*range(200_000), 199_999))
    (tmp_path / "a.jsonl").write_text(f'{{"text": "fine", {fields}}}\n')
    with pytest.raises(DataError, match="the field '199999' occurs twice"):
        list(JsonLinesReader().read(str(tmp_path / "a.jsonl")))
