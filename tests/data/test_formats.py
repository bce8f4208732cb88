"""Formats are recognised by first lines; what may be plain texts is not taken for anything else."""

from collections.abc import Sequence

import pytest

from mtlkit.data.formats import recognize

LABELS, TAGS = ("pos", "neg"), ("O", "B-PER", "I-PER")
SENTENCES = ["Ann B-PER", "saw O", "", "Bo B-PER", "Lee I-PER", "left O", ""]
UNTAGGED = ["Ann", "saw", "Bo", "", "Rome", "is", "old", ""]


def found(lines: Sequence[str], labels: Sequence[str] = LABELS, tags: Sequence[str] = ()) -> str | None:
    recognized = recognize(lines, labels, tags)
    return recognized and (recognized.format if recognized.is_certain else f"{recognized.format}?")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (['{"text": "good", "id": 3}'], "json_lines"),
        (["[1]", "not json", '{"text": "good"}', '{"text": "bad"}'], "json_lines"),
        (['[{"text": "good"}, {"text": "bad"}]'], "json_document"),
        (["[", '  {"text": "good"}', "]"], "json_document"),
        (["{", '  "texts": []', "}"], "json_document"),
        (['[{"text": "good"},', ' {"text": "bad"}]'], "json_document"),
        (["pos\tgood film", "neg\tbad film", ""], "label_and_text"),
        (["pos\tgood"], "label_and_text"),
        (["_\tgood film", "_\tbad film"], "label_and_text"),
        (["\tgood film", "pos\tbad film"], "label_and_text"),
        (['"good, film",pos', '"bad, film",neg', "dull,neg"], "table"),
        (['"Good," he said, "fun"', '"Bad," she said, "film"'], None),
        (["pos\tgood\tfilm", "neg\tbad"], "label_and_text"),
        (["Pos\tgood film", "NEG \tbad film"], "label_and_text"),
        ([*["pos\tgood film"] * 9, "no label here"], "label_and_text"),
        (["17\tgood film", "18\tbad film"], "id_and_text"),
        (["17\tgood film"], "id_and_text"),
        (["doc-1\tgood film", "doc-2\tbad film"], "id_and_text"),
        (["id\ttext", "1\tgood film", "2\tbad film"], "table"),
        (["label\ttext", *["pos\tgood film"] * 20], "table"),
        (["text,label", "good film,pos", "bad film,neg"], "table"),
        (['"id";"review_text"', "1;good film", "2;bad film"], "table"),
        (["1,good film", "2,bad film", "3,nice film"], "table"),
        (["pos,good film", "neg,bad film"], "table"),
        (["good film\tpos", "bad film\tneg"], "table"),
        (["1\tpos\tgood film", "2\tneg\tbad film"], "table"),
        (["joy\tgood film", "joy\tbad film", "fear\ta film", "joy\tfilm"], "label_and_text?"),
        (["joy\tgood film", "fear\ta film"], "table"),
        (["joy\ta\tgood film", "joy\tbad film", "\tno label", "joy\tfilm"], "label_and_text?"),
        (["a good film\tjoy", "a film\tjoy"], "table"),
        (["joy,a good film", "joy,a film", "fear,it, too", "fear,plot"], "table"),
        (["Ann,B-PER", "saw,O"], "table"),
        (["3 4", "good 0.1 0.2 -3e-1 4", "bad 0.1 nan 0.3 0.4"], "table"),
        (["pos\tgood film", "pos\tbad film", "very neg\tdull plot", "no label"], "label_and_text?"),
        (["Ann B-PER", "saw O"], "columns"),
        (["Ann B-PER", "saw", "it O", "Bo B-PER", "left O"], "columns"),
        (["Ann\tB-PER", "\tO", "Bo\tB-PER"], "columns"),
        (["text", "a good film", "a bad film"], "table"),
        (["# columns = TOKEN TAG", "Ann\tB-PER"], "columns"),
        (["-DOCSTART- -X- O O", "", "EU NNP B-NP B-ORG"], "columns"),
        (["Ann B-PER", "saw O", "Bo B-PER"], "columns"),
        (["1\tAnn\tAnn" + "\t_" * 7, "2\tsaw\tsee" + "\t_" * 7, "3-4\tit's\t_" + "\t_" * 7, ""], "columns"),
        (["# sent_id = 1", "Ann\tB-PER", "saw\tO", "it\tO", ""], "columns"),
    ],
)
def test_formats_are_recognised(lines: list[str], expected: str) -> None:
    assert found(lines) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (SENTENCES, "columns"),
        (["Ann B-PER"], "columns"),
        (["Ann NNP B-PER", "saw VBD O", "Bo NNP B-PER"], "columns"),
        (["B-PER Ann", "O saw", "O it"], "columns"),
        (["Bo Lee\tB-PER", "saw\tO", "it\tO"], "columns"),
        (UNTAGGED, "columns"),
        (["Ann NNP", "saw VBD", "it PRP", "", "Bo NNP", "left VBD"], "columns"),
        (["Ann", "saw", "Bo"], "columns?"),
        (["Ann\tNNP", "saw\tVBD", "Bo\tNNP"], "columns?"),
        (["blood type O"], None),
        (["O brother where art thou"], None),
        (["Ann"], None),
        (["Ann saw Bo", "", "Rome is very old"], None),
    ],
)
def test_rows_of_columns_are_recognised_for_a_task_with_tags(lines: list[str], expected: str | None) -> None:
    assert found(lines, (), TAGS) == expected


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["", " "],
        ["good film", "bad film", "dull film"],
        ["good, fine film", "bad, dull film"],
        ["In 1999, we left.", "In 2001, we came."],
        ["10,000 came to see it"],
        ["[bold] red", "{sic} it says"],
        ["[1] a footnote", "[2] another one"],
        ["good film\tand plot", "bad film\tand book", "dull\tfilm"],
        ["text", "film", "book"],
        ["a text", "of several lines"],
        ["in 1999", "in 2001"],
        ["it is 3 to 4", "and 5 6 were left"],
        ["a film\tpos", "no label"],
        ["positive\tgood film"],
        ["author, date", "are asked for, too"],
        ["Rating: 5, text follows", "and so on, and on"],
        ["# a heading", "some text of several words"],
        ["fine", "dull", "fine"],
        ["one two three four", "", "five six"],
        ["take the B-side", "make a U-turn"],
    ],
)
def test_plain_texts_are_not_taken_for_another_format(lines: list[str]) -> None:
    assert found(lines) is None


def test_rows_without_known_tags_are_recognised_with_doubt_where_no_task_has_tags() -> None:
    assert found(["good film", "bad film", "", "dull plot", "fine book"]) == "columns?"
