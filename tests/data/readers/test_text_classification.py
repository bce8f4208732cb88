import gzip
import re

import pytest

from mtlkit.config import Lazy
from mtlkit.data import Instance, RegexTokenizer, Skipped, TextClassificationReader
from mtlkit.errors import DataError

RENAMED = TextClassificationReader(labels={"0": "negative", "1": "positive"})


@pytest.mark.parametrize("name", ["a.tsv", "a.tsv.gz"])
def test_lines_are_labelled_texts(tmp_path, name):
    path = tmp_path / name
    content = "1\tgood  fun \r\n0\tbad\tfilm\u2028here\n".encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    read = list(RENAMED.read(str(path)))
    assert read == [Instance(("good", "fun"), "positive"), Instance(("bad", "film", "here"), "negative")]
    assert RENAMED.files(str(path)) == [path]
    assert RENAMED.target_kind == "label"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("1 good fun", "no TAB between label and text"),
        ("1,good fun", "no TAB between label and text, but a comma, as in CSV; write the line as label<TAB>text"),
        ("1;good, fun", "no TAB between label and text, but a semicolon, as in CSV; write"),
        ("good fun, 1", "no TAB between label and text; write"),
        ("__label__1 good fun", "no TAB between label and text, but a blank, as in fastText; write the line as"),
        (" \tgood fun", "no label before the TAB"),
        (
            "1\tgood\r0\tbad",
            "a CR inside the line and a TAB after it, as where lines end at CR alone; convert CR to LF",
        ),
        ("\ufeff1\tgood", "a byte order mark inside the file, as where files were joined; remove it"),
        ("\tgood fun", "no label before the TAB"),
        ("1\t ", "no words in the text.*`skip_empty`"),
        ("2\tgood fun", r"label '2' is not in the reader's `labels` \(0, 1\)"),
    ],
)
def test_a_bad_line_is_placed(tmp_path, line, what):
    path = tmp_path / "a.tsv"
    path.write_text(f"1\tgood\n{line}\n0\tbad\n")
    with pytest.raises(DataError, match=re.escape(f"{path}:2: ") + what):
        list(RENAMED.read(str(path)))


@pytest.mark.parametrize("blank", ["", " ", "\t", " \t ", "\u00a0", "\r"])
@pytest.mark.parametrize("skip_empty", [False, True])
def test_blank_lines_are_left_out(tmp_path, blank, skip_empty):
    (tmp_path / "a.tsv").write_bytes(f"1\tgood\n{blank}\n0\tbad\n{blank}".encode())
    read = list(TextClassificationReader(skip_empty=skip_empty).read(str(tmp_path / "a.tsv")))
    blanks = [Skipped("blank")] * (1 + bool(blank))
    assert read == [Instance(("good",), "1"), blanks[0], Instance(("bad",), "0"), *blanks[1:]]


def test_a_cr_in_a_text_is_white_space_and_quotes_are_text(tmp_path):
    (tmp_path / "a.tsv").write_bytes(b'1\tgood\rfun\n0\t"bad\n# 1\t#\n')
    words = [each.words for each in TextClassificationReader().read(str(tmp_path / "a.tsv"))]
    assert words == [("good", "fun"), ('"bad',), ("#",)]


def test_empty_texts_are_left_out_when_asked(tmp_path):
    (tmp_path / "a.tsv").write_text("0\t\n1\tgood\n")
    reader = TextClassificationReader(skip_empty=True)
    assert list(reader.read(str(tmp_path / "a.tsv"))) == [Skipped("without words"), Instance(("good",), "1")]


def test_texts_to_predict():
    reader = TextClassificationReader(Lazy.of(RegexTokenizer), {"1": "positive"})
    assert reader.parse("good fun!") == Instance(("good", "fun", "!"))
    assert reader.parse({"text": "good", "id": 3}) == Instance(("good",))
    assert reader.parse({"text": "good", "label": "1"}) == Instance(("good",), "positive")


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (" ", "no words"),
        ({"txt": "good"}, r"no field 'text' \(fields here: txt\)"),
        ({}, r"no field 'text' \(fields here: none\)"),
        ({"text": ["good"]}, "'text' is not a string"),
        ({"text": "good", "label": True}, "'label' is neither a string nor a whole number"),
    ],
)
def test_what_cannot_be_predicted_is_told(raw, what):
    with pytest.raises(DataError, match=what):
        TextClassificationReader().parse(raw)


def test_a_byte_order_mark_before_a_text_is_none_of_its_words(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("pos\t\ufeffgood fun\n", encoding="utf-8")
    reader = TextClassificationReader()
    assert list(reader.read(str(path))) == [Instance(("good", "fun"), "pos")]
    assert reader.parse("\ufeffgood fun").words == ("good", "fun")
