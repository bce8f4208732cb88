"""Files of columns as people have them: each is read as it is meant, or refused with its line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mtlkit.data import ColumnsReader, Instance, Skipped, StructuralRows
from mtlkit.errors import DataError

CASES = Path(__file__).parents[2] / "cases"
BOTH = [
    Instance(("Ann", "saw", "New", "York"), ("B-PER", "O", "B-LOC", "I-LOC")),
    Instance(("Bo", "left"), ("B-PER", "O")),
]
Written = Callable[[str], str]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(content: str) -> str:
        path = tmp_path / "a.txt"
        path.write_bytes(content.encode())
        return str(path)

    return write


def texts(path: str, **settings: object) -> list[Instance | Skipped | StructuralRows]:
    return list(ColumnsReader(**{"tags": 1, **settings}).read(path))


def refused(path: str, **settings: object) -> str:
    """What is said of a file, without the path in front of the line number."""
    with pytest.raises(DataError) as error:
        texts(path, **settings)
    assert str(error.value).startswith(path)
    return str(error.value).removeprefix(path)


@pytest.mark.parametrize(
    "name", ["ok", "blanknbsp", "blankspaces", "blanktab", "crlf", "leading", "noend", "trailspace"]
)
def test_white_space_around_rows_and_sentences_changes_nothing(name: str) -> None:
    assert texts(f"{CASES}/06-columns-oddities/{name}.txt") == BOTH


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hash", [Instance(("Ann", "saw"), ("B-PER", "O")), Instance(("Bo", "left"), ("B-PER", "O"))]),
        ("hashtok", [Instance(("#", "1", "Ann"), ("O", "O", "B-PER")), Instance(("#tag",), ("O",))]),
        ("ls", [Instance(("Ann", "x\u2028y"), ("B-PER", "O"))]),
        ("nbsptok", [Instance(("Ann\u00a0Lee", "saw"), ("B-PER", "O"))]),
        ("tokspace", [Instance(("Ann", "saw", "New York"), ("B-PER", "O", "B-LOC")), BOTH[1]]),
    ],
)
def test_comments_are_told_from_tokens_and_blanks_within_tokens_are_kept(name: str, expected: list[Instance]) -> None:
    assert texts(f"{CASES}/06-columns-oddities/{name}.txt") == expected


def test_documents_are_structure() -> None:
    assert texts(f"{CASES}/06-columns-oddities/docstart.txt", tags=3) == [
        Instance(("Ann", "saw"), ("B-PER", "O")),
        Instance(("Bo",), ("B-PER",)),
        StructuralRows("document boundaries", 2),
    ]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("bommid", ":9: a byte order mark (U+FEFF) within the file; remove it"),
        ("csvconll", ":1: no column 1, as columns seem to be separated by commas; separate them by TABs"),
        ("emptytok", ":2: an empty column where the word is due; write the word, or remove the line"),
        ("headerrow", ":1: 'token' with tag 'tag' seems to be a header, not a token; remove the line"),
        ("missingtag", ":2: 1 column where the file has 2; mend the line"),
        ("mixsep", ":2: no TAB, which separates columns in this file; put one between columns"),
        ("onecol", ":1: no column 1, only a single one; write each word and its tags on one line, with a TAB between"),
        ("zwtok", ":2: the word has only characters that are not visible (U+200B); remove the line"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(name: str, what: str) -> None:
    assert refused(f"{CASES}/06-columns-oddities/{name}.txt").startswith(what)


@pytest.mark.parametrize(
    "row", ["-DOCSTART- -X- O O", "-DOCSTART-", "-DOCSTART-\tO", "-DOCSTART- -X- -X- -X- O", "-docstart- -X- -X- O"]
)
@pytest.mark.parametrize("after", ["\n", ""])
def test_a_document_begins_with_any_number_of_columns(written: Written, row: str, after: str) -> None:
    read = texts(written(f"{row}\n{after}Ann NNP B-NP B-PER\n\n{row}\n\nBo NNP B-NP B-PER\n"), tags=3)
    assert read == [Instance((name,), ("B-PER",)) for name in ("Ann", "Bo")] + [
        StructuralRows("document boundaries", 2)
    ]


def test_documents_of_conll_2012_are_structure(written: Written) -> None:
    content = "#begin document (a); part 000\nd 0 Ann B-PER\n\n#end document\n#begin document (b); part 000\nd 0 Bo O\n"
    assert texts(written(content), words=2, tags=3) == [
        Instance(("Ann",), ("B-PER",)),
        Instance(("Bo",), ("O",)),
        StructuralRows("document boundaries", 2),
    ]


def test_a_document_within_a_sentence_is_refused(written: Written) -> None:
    what = ":2: a document begins within a sentence; put an empty line before it"
    assert refused(written("Ann B-PER\n-DOCSTART- O\nBo B-PER\n")) == what


def test_tabs_decide_even_where_each_token_has_a_blank(written: Written) -> None:
    assert texts(written("New York\tB-LOC\nSan Jose \t B-LOC\n")) == [
        Instance(("New York", "San Jose"), ("B-LOC", "B-LOC"))
    ]


@pytest.mark.parametrize("space", ["\u00a0", "\u2003", "\r", "  "])
def test_white_space_at_the_edge_of_a_column_is_no_part_of_it(written: Written, space: str) -> None:
    expected = [Instance(("Ann", "saw"), ("B-PER", "O"))]
    assert texts(written(f"{space}Ann{space}\tB-PER{space}\nsaw\tO\n")) == expected
    assert texts(written(f"Ann B-PER{space}\n{space}saw O\n")) == expected


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("Ann B-PER\nsaw\tO\n", ":2: a TAB, where blanks separate columns in this file; use one of them throughout"),
        ("Ann\tB-PER\nsaw\n", ":2: no TAB, which separates columns"),
        ("Ann\nsaw\tO\n", ":2: a TAB, where blanks separate columns"),
        ("Ann, B-PER\nsaw, O\n", ":1: columns seem to be separated by commas; separate them by TABs"),
        ("Ann;B-PER\nsaw;O\n", ":1: no column 1, as columns seem to be separated by semicolons"),
        ("Ann,B-PER\nNew York,B-LOC\n", ":2: columns seem to be separated by commas"),
        ("Ann\t\tB-PER\nsaw\t\tO\n", ":1: an empty column where the tag is due"),
        ("Ann\t\tB-PER\nsaw\tO\n", ":2: 2 columns where the file has 3; mend the line"),
        ("Ann\tNNP\tB-PER\nsaw\t\tVB\tO\n", ":2: 4 columns where the file has 3; mend the line, with a single TAB"),
        ("Word\tLabel\nAnn\tB-PER\n", ":1: 'Word' with tag 'Label' seems to be a header"),
        ("TOKEN POS\n\nAnn NNP\n", ":1: 'TOKEN' with tag 'POS' seems to be a header"),
        ("mot\tétiquette\nAnn\tB-PER\nsaw\tO\n", ":1: 'mot' with tag 'étiquette' seems to be a header; remove the"),
        ("# columns = A B\nToken\tNER\nAnn\tO\n", ":2: 'Token' with tag 'NER' seems to be a header"),
        ("\u00ad O\nAnn O\n", ":1: the word has only characters that are not visible (U+00AD)"),
        ("_\tNOUN\n_\tVERB\n", ":1: each word of the file is `_`, as where words are withheld"),
        (
            "1\tB-PER\n2\tO\n\n1\tO\n",
            ":1: column 0 numbers the tokens; set the reader's `words` to another, or set",
        ),
        ("0 B-PER\n1 O\n\n2 O\n", ":1: column 0 numbers the tokens"),
        ('"Ann"\t"B-PER"\n"saw"\t"O"\n', ":1: each word is between double quotes, as in CSV; remove them, or set"),
        ("a\tO\n" * 1001, ":1: a single sentence of 1,001 words; put an empty line after each sentence, or set the"),
        (
            "N\ta\nV\tb\n" + "".join(f"N\tc{i}\nV\td{i}\n" for i in range(9)),
            ":1: 19 tags for 2 words, as if they had changed places; exchange the reader's `words` and `tags`, or set",
        ),
        ("Ann/NNP saw/VBD Bo/NNP\n\nCy/NNP ran/VBD far/RB\n", ":1: words and tags seem to be joined by `/`; write one"),
        ("Ann saw Bo\tN V N\nCy ran\tN V\n", ":1: a line seems to hold a whole sentence and its tags; write one"),
        ("#\tx\nAnn\tB-PER\nsaw\tO\n", ":1: `#` with tag 'x' may be a token or a comment; remove the line, or"),
        ("#token\ttag\nAnn\tB-PER\nsaw\tO\n", ":1: '#token' with tag 'tag' seems to be a header, not a token"),
        ("# columns = A B\na\tb\n# columns = B A\nb\ta\n", ":3: the columns of another file begin here; give each"),
        ("# note\nAnn B-PER\nsaw O\n", ":1: `#` with tag 'note' may be a token or a comment; set the reader's"),
        ("# a b\nAnn B-PER\n\n# O\nBo O\n", ":4: `#` with tag 'O' may be a token or a comment"),
        (
            "Ann B-PER\n# a b\nsaw O\n",
            ":2: 3 columns where the file has 2; mend the line, or set the reader's `comments`",
        ),
        ("#\nAnn B-PER\n", ":1: 1 column where the file has 2; mend the line, or set the reader's `comments` to true"),
        ("#id\nAnn\tB-PER\n", ":1: no TAB, which separates columns in this file; mend the line, or set the reader's"),
    ],
)
def test_relatives_are_refused_with_their_line(written: Written, content: str, what: str) -> None:
    said = refused(written(content))
    assert said.startswith(what)
    assert "; " in said


def test_rows_that_are_no_words_are_told_by_their_ids_whatever_is_wrong_with_these(written: Written) -> None:
    path = written("0-1\tal\t_\n0\ta\tADP\n1\tel\tDET\n")
    what = (
        ":1: `0-1` looks like the id of a row that is no word, as in CoNLL-U; set the reader's `format` to 'conllu', or"
    )
    assert refused(path, words=1, tags=2).startswith(what)
    assert "id 0-1 where word 1 is due; mend the ids" in refused(path, words=1, tags=2, format="conllu")
    read = texts(path, words=1, tags=2, format="columns", missing=[])
    assert [each.words for each in read if isinstance(each, Instance)] == [("al", "a", "el")]


def test_types_that_no_span_has_are_refused_and_the_remedy_works(written: Written) -> None:
    path = written("Ann B-PER\nsaw O\n\nRome B-LOC\n")
    assert refused(path, types=["Per"]) == ": no tag of the types 'Per' (types: LOC, PER); choose some of them"
    assert texts(path, types=["PER"])[1] == Instance(("Rome",), ("O",))
    assert texts(written("saw O\n"), types=["PER"]) == [Instance(("saw",), ("O",))]


def test_a_byte_order_mark_within_a_line_is_part_of_a_word(written: Written) -> None:
    assert texts(written("Ann O\nDubbz\ufeff B-PER\n")) == [Instance(("Ann", "Dubbz\ufeff"), ("O", "B-PER"))]


@pytest.mark.parametrize("settings", [{"words": 0, "tags": 0}, {"words": 1, "tags": 1}])
def test_one_column_is_not_words_and_tags_at_once(written: Written, settings: dict[str, object]) -> None:
    what = f":1: column {settings['tags']} is read as words and as tags; set the reader's `tags` to another"
    assert refused(written("Ann B-PER\nsaw O\n"), **settings) == what


@pytest.mark.parametrize(
    ("content", "settings", "words"),
    [
        ("# note\nAnn B-PER\nsaw O\n", {"comments": True}, [("Ann", "saw")]),
        ("# note\nAnn B-PER\nsaw O\n", {"comments": False}, [("#", "Ann", "saw")]),
        ("# a b\nAnn B-PER\n\n# O\nBo O\n", {"comments": True}, [("Ann",), ("Bo",)]),
        ("#\nAnn B-PER\n", {"comments": True}, [("Ann",)]),
        ("#id\nAnn\tB-PER\n#\tO\n", {"comments": True}, [("Ann", "#")]),
        ("#\tO\nAnn\tB-PER\n", {"comments": True}, [("#", "Ann")]),
        ("#\tx\nAnn\tO\n", {"comments": False}, [("#", "Ann")]),
        ("1\tO\n2\tO\n", {"format": "columns"}, [("1", "2")]),
        ("1/a 2/b\n", {"format": "columns"}, [("1/a",)]),
        ("a b\tN V\n", {"format": "columns"}, [("a b",)]),
        ("_\tN\n_\tV\n", {"format": "columns"}, [("_", "_")]),
        ("Ann, N\nsaw, V\n", {"format": "columns"}, [("Ann,", "saw,")]),
        ('"a"\tN\n', {"format": "columns"}, [('"a"',)]),
        ("a\tO\n" * 1001, {"format": "columns"}, [("a",) * 1001]),
        ("1\tAnn\tO\n2\tsaw\tO\n", {"words": 1, "tags": 2}, [("Ann", "saw")]),
        ("1 Ann O\n2 3 O\n", {"words": 1, "tags": 2}, [("Ann", "3")]),
    ],
)
def test_the_remedies_hold(written: Written, content: str, settings: dict[str, object], words: list[object]) -> None:
    assert [each.words for each in texts(written(content), **settings) if isinstance(each, Instance)] == words


@pytest.mark.parametrize(
    "content",
    [
        "km/h NN/UNIT\n1 CD\n",
        "a/b NN\n1 CD\n",
        "# # I-NP\n1 CD I-NP\n",
        "1 CD\n\n2 CD\n",
        "Text O\nAnn B-PER\n",
        "a , b\n, , c\n",
        "word\tNN\nAnn\tNNP\n",
    ],
)
def test_what_can_be_meant_is_read(written: Written, content: str) -> None:
    rows = [line.split() for line in content.splitlines() if line]
    assert [word for each in texts(written(content)) for word in each.words] == [row[0] for row in rows]
