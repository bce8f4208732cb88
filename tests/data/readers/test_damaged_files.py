"""Whatever stands in a file: instances, or one error with the file and the line."""

import gzip
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtlkit.config import Lazy
from mtlkit.data import (
    ColumnsReader,
    DatasetReader,
    Instance,
    JsonLinesReader,
    RegexTokenizer,
    Skipped,
    StructuralRows,
    TextClassificationReader,
    VaderReader,
    lines,
    load_corpus,
)
from mtlkit.errors import DataError

GOOD = {
    "text": b"1\tgood  fun \r\n0\tbad\tfilm\xe2\x80\xa8here\n0\t\n1\tso-so\n",
    "columns": b"good JJ B-NP\nfun NN I-NP\n\n\n# NN O\nfilm NN B-NP\n",
    "named": b"# columns = TOKEN UPOS NER\n\n# domain = a\nNew York\tPROPN\tB-LOC\n\n# domain = b\nHi\tX\tO\n",
    "conllu": b"# newdoc\n1-2\tal\t_\n1\ta\tADP\n2\tel\tDET\n2.1\tx\tX\n\n-DOCSTART-\n\n1\tAnn\tPROPN\n",
    "jsonl": b'{"text": "good fun", "label": "yes", "id": 7}\n{"label": 0, "text": "bad\\n film"}\n',
    "tags": b'{"words": ["New York", "!"], "tags": ["B-LOC", "O"], "text": "not this"}\n',
}
READERS: list[tuple[str, Lazy[DatasetReader]]] = [
    ("text", Lazy.of(TextClassificationReader, skip_empty=True)),
    ("text", Lazy.of(TextClassificationReader, tokenizer={"type": "regex"}, labels={"0": "no", "1": "yes"})),
    ("text", Lazy.of(VaderReader, domain="movie")),
    ("columns", Lazy.of(ColumnsReader, tags=2)),
    ("named", Lazy.of(ColumnsReader, tags="NER", words="TOKEN")),
    ("named", Lazy.of(ColumnsReader, tags=2, domain="a", types=["LOC"])),
    ("conllu", Lazy.of(ColumnsReader, tags=2, format="conllu")),
    ("conllu", Lazy.of(ColumnsReader, tags=2, words=1, missing=["_", ""], format="columns")),
    ("jsonl", Lazy.of(JsonLinesReader)),
    ("jsonl", Lazy.of(JsonLinesReader, label_field=None)),
    ("tags", Lazy.of(JsonLinesReader, words_field="words", tags_field="tags")),
]
each_reader = pytest.mark.parametrize(("kind", "reader"), READERS, ids=lambda each: str(each) if each else "")
fuzzed = settings(max_examples=60, suppress_health_check=list(HealthCheck))
PIECES = [
    *(b"\x00", b"\xff", b"\n", b"\r", b"\t", b" ", b'"', b"{", b"[" * 2000, b"\\ud800", b"9" * 5000, b"\xef\xbb\xbf"),
    *(b"1-3", b"# ", b"-DOCSTART-", b"\xc2\xa0", b"_", b"\r", b"\n\n"),
    *(b"# columns = \n", b"# domain = b\n", b"null", b"1e999", b"-", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"x" * 70_000),
]


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    """A good file with some pieces of it replaced by others, or no file of the kind at all."""
    content = good
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 12)))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=8))
        content = content[:start] + piece + content[end:]
    return content


def held_to_its_promise(reader: Lazy[DatasetReader], path: Path) -> None:
    built = reader.build()
    try:
        found = list(built.read(str(path)))
    except DataError as error:
        assert re.match(re.escape(str(path)) + r"(:\d+)?: .*; ", str(error), re.DOTALL), str(error)
        return
    kind = str if built.target_kind == "label" else tuple
    structure = [each for each in found if isinstance(each, StructuralRows)]
    found = [each for each in found if not isinstance(each, StructuralRows)]
    for each in found:
        assert isinstance(each, Skipped) or (each.words and isinstance(each.target, kind | None))
    try:
        corpus = load_corpus(reader, str(path), cache=path.parent / "cache")
    except DataError as error:
        assert "holds no text" in str(error) and not any(isinstance(each, Instance) for each in found)
    else:
        assert [corpus.instance(index) for index in range(len(corpus))] == [e for e in found if isinstance(e, Instance)]
        assert sum(corpus.skipped.values()) == sum(isinstance(each, Skipped) for each in found)
        assert corpus.structure == {each.kind: each.count for each in structure}


@each_reader
@fuzzed
@given(data=st.data())
def test_a_damaged_file(kind: str, reader: Lazy[DatasetReader], data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(data.draw(damaged(GOOD[kind])))
    held_to_its_promise(reader, path)


@each_reader
@fuzzed
@given(content=st.binary(max_size=200), packed=st.booleans())
def test_any_bytes(kind: str, reader: Lazy[DatasetReader], content: bytes, packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    held_to_its_promise(reader, path)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(GOOD[kind])[:-9] + content if packed else content)
    held_to_its_promise(reader, tmp_path / "a.txt.gz")


@each_reader
@fuzzed
@given(
    raw=st.text(max_size=30)
    | st.dictionaries(
        st.sampled_from(["text", "words", "tags", "label"]),
        st.recursive(st.none() | st.integers() | st.text(st.characters(), max_size=3), st.lists, max_leaves=4),
    )
)
def test_any_text_to_predict(kind: str, reader: Lazy[DatasetReader], raw: "str | dict[str, object]") -> None:
    try:
        instance = reader.build().parse(raw)
    except DataError as error:
        assert "; " in str(error)
    else:
        assert instance.words


@pytest.mark.parametrize("kind", ["text", "columns", "named", "jsonl", "tags"])
@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (b"a\x00b\n", "a NUL byte; convert the file to UTF-8, if it is UTF-16, or give a text file"),
        ("Grüße".encode("utf-16"), "a NUL byte"),
        (b"caf\xe9\n", "not UTF-8 (unexpected end of data); convert"),
        (b"x" * 101 + b"\n", "a line of more than 100 bytes; give a text file, with a text a line"),
    ],
)
def test_what_is_no_text_is_placed(
    kind: str, damage: bytes, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 100)
    path = tmp_path / "a.txt"
    path.write_bytes(GOOD[kind] + damage)
    reader = next(reader for name, reader in READERS if name == kind).build()
    number = GOOD[kind].count(b"\n") + 1
    with pytest.raises(DataError) as error:
        list(reader.read(str(path)))
    assert str(error.value).startswith(f"{path}:{number}: {what}")


def test_a_label_of_thousands_of_digits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "good", "label": ' + "9" * 5000 + "}\n")
    with pytest.raises(DataError, match=r"a\.jsonl:1: not valid JSON \(Exceeds the limit"):
        list(JsonLinesReader().read(str(tmp_path / "a.jsonl")))


def test_a_file_that_unpacks_without_end_is_not_unpacked(tmp_path: Path) -> None:
    """Of one line of 64 MiB; what is read of it is the longest line and no more."""
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"1\t" + b"x" * 2**26))
    with pytest.raises(DataError, match="a line of more than 16,777,216 bytes"):
        list(TextClassificationReader(Lazy.of(RegexTokenizer)).read(str(path)))


def test_the_reader_counts_what_it_leaves_out(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(b"0\t \n1\tgood\n0\t\n")
    for _ in range(2):  # read, and taken from the cache
        corpus = load_corpus(READERS[0][1], str(path), cache=tmp_path / "cache")
        assert (len(corpus), corpus.skipped) == (1, {"without words": 2})
    path.write_bytes(b"0\t \n")
    with pytest.raises(DataError, match=r"holds no text but those that are left out \(1 without words\); give a file"):
        load_corpus(READERS[0][1], str(path), cache=tmp_path / "cache")
