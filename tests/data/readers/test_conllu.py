"""CoNLL-U: what is a word, by its id, and in which files."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.data import ColumnsReader, Instance, Skipped, StructuralRows
from mtlkit.data.readers.conllu import numbering
from mtlkit.errors import DataError

CASES = Path(__file__).parents[2] / "cases/01-conllu"
WORDS = [
    (("Vamos", "a", "el", "mar"), ("VERB", "ADP", "DET", "NOUN")),
    (("Ana", "come", "pan", "y", "Luis", "arroz"), ("PROPN", "VERB", "NOUN", "CCONJ", "PROPN", "NOUN")),
]
STRUCTURE = [StructuralRows("document boundaries"), StructuralRows("multiword tokens"), StructuralRows("empty nodes")]
Written = Callable[[str], str]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(content: str) -> str:
        path = tmp_path / "a.conllu"
        path.write_bytes(content.encode())
        return str(path)

    return write


def texts(path: str, **settings: object) -> list[Instance | Skipped | StructuralRows]:
    return list(ColumnsReader(**{"tags": 3, **settings}).read(path))


def words(path: str, **settings: object) -> list[tuple[str, ...]]:
    return [each.words for each in texts(path, **settings) if isinstance(each, Instance)]


def refused(path: str, **settings: object) -> str:
    """What is said of a file, without the path in front of the line number."""
    with pytest.raises(DataError) as error:
        texts(path, **settings)
    assert str(error.value).startswith(path) and "; " in str(error.value)
    return str(error.value).removeprefix(path)


def conllu(*sentences: str) -> str:
    """Sentences of ten columns, from the ids of their rows."""
    return "".join(
        "".join(f"{each}\tw{each}\t_\tX" + "\t_" * 6 + "\n" for each in ids.split()) + "\n" for ids in sentences
    )


@pytest.mark.parametrize("name", ["es.conllu", "es.header.conllu"])
@pytest.mark.parametrize(
    "settings", [{}, {"words": 1}, {"words": "FORM"}, {"tags": "UPOS"}, {"words": "FORM", "tags": "UPOS"}]
)
def test_words_are_those_with_whole_numbers_as_ids(name: str, settings: dict[str, object]) -> None:
    assert texts(f"{CASES}/{name}", **settings) == [*(Instance(*each) for each in WORDS), *STRUCTURE]


def test_conllu_plus_names_its_columns(written: Written) -> None:
    content = "# global.columns = UPOS ID FORM\n#text=al mar\n_\t1-2\tal\nADP\t1\ta\nDET\t2\tel\n\nX\t1\tx\n"
    expected = [Instance(("a", "el"), ("ADP", "DET")), Instance(("x",), ("X",)), StructuralRows("multiword tokens")]
    assert texts(written(content), words="FORM", tags="UPOS") == expected
    assert texts(written(content), words=1, tags=0) == expected


@pytest.mark.parametrize(
    "comment", ["#", "#x", "# sent_id = 1", "#\ttab", "# a\tb\t" + "c\t" * 7, "# text = # 5 .", "##"]
)
def test_comments_have_any_form(written: Written, comment: str) -> None:
    assert words(written(f"{comment}\n{comment}\n{conllu('1 2')}{comment}\n{conllu('1')}")) == [("w1", "w2"), ("w1",)]


@pytest.mark.parametrize(
    ("ids", "expected", "counts"),
    [
        ("0.1 1 2", ["1", "2"], {"empty nodes": 1}),
        ("1 1.1 1.2 2", ["1", "2"], {"empty nodes": 2}),
        ("1-2 1 2 3-5 3 4 4.1 5", ["1", "2", "3", "4", "5"], {"multiword tokens": 2, "empty nodes": 1}),
        (" ".join(map(str, range(1, 700))), [str(number) for number in range(1, 700)], {}),
    ],
)
def test_rows_that_are_no_words_are_counted(
    written: Written, ids: str, expected: list[str], counts: dict[str, int]
) -> None:
    first, *structure = texts(written(conllu(ids)))
    assert isinstance(first, Instance) and first.words == tuple(f"w{each}" for each in expected)
    assert structure == [StructuralRows(kind, count) for kind, count in counts.items()]


@pytest.mark.parametrize(
    ("ids", "what"),
    [
        (("1 3",), ":2: id 3 where word 2 is due; mend the ids, or set the reader's `format` to 'columns'"),
        (("1 2 1 2",), ":3: id 1 where word 3 is due"),
        (("1", "2 3"), ":3: id 2 where word 1 is due"),
        (("1 1",), ":2: id 1 where word 2 is due"),
        (("1 x",), ":2: `x` is no id of CoNLL-U, such as 2, 2-3 or 5.1"),
        (("1 2-2 2",), ":2: id 2-2 where word 2 is due"),
        (("1-3 1 2-3 2 3",), ":3: id 2-3 where word 2 is due"),
        (("1 2-3 2",), ":3: the sentence ends before word 3 of its last multiword token"),
        (("1 1.2 2",), ":2: id 1.2 where word 2 is due"),
        (("1 2.1 2",), ":2: id 2.1 where word 2 is due"),
        (("1 " + "9" * 5000,), f":2: `{'9' * 5000}` is no id of CoNLL-U"),
    ],
)
def test_ids_out_of_order_are_refused_with_their_line(written: Written, ids: tuple[str, ...], what: str) -> None:
    assert refused(written(conllu(*ids))).startswith(what)


@given(st.lists(st.sampled_from(["1", "2", "3", "1-2", "2-3", "1.1", "2.1", "0.1"]), max_size=7))
def test_words_always_count_from_one(ids: list[str]) -> None:
    found = numbering(ids)
    if not found.wrong:
        assert [ids[place] for place in found.words] == [str(place + 1) for place in range(len(found.words))]
        assert len(found.words) + found.multiword + found.empty == len(ids)


def test_other_numbers_of_columns_are_told_apart_by_the_format(written: Written) -> None:
    source = written("1-2\tal\t_\n1\ta\tADP\n2\tel\tDET\n\n1\tsi\tADV\n")
    what = (
        ":1: `1-2` looks like the id of a row that is no word, as in CoNLL-U; set the reader's `format` to 'conllu', or"
    )
    assert refused(source, words=1, tags=2).startswith(what)
    assert words(source, tags=2, format="conllu") == [("a", "el"), ("si",)]
    assert words(source, words=1, tags=2, format="columns", missing=[]) == [("al", "a", "el"), ("si",)]


def test_blanks_may_separate_columns_if_the_format_is_given(written: Written) -> None:
    source = written("# text = al mar\n1-2 al _ X\n1 a _ X\n2 el _ X\n")
    assert refused(source, words=1).startswith(":2: `1-2` looks like the id of a row that is no word")
    assert words(source, format="conllu") == [("a", "el")]


def test_a_comment_with_as_many_columns_as_the_file_is_refused_until_the_format_is_given(written: Written) -> None:
    source = written("# text = al\n1-2 al _ X\n1 a _ X\n2 el _ X\n")
    assert refused(source, words=1).startswith(":1: `#` with tag 'al' may be a token or a comment")
    assert words(source, format="conllu") == [("a", "el")]


def test_numbers_are_words_where_they_are_no_ids(written: Written) -> None:
    assert words(written("1 CD\n2.5 CD\n\n3 CD\n"), tags=1) == [("1", "2.5"), ("3",)]
    assert words(written("1\tCD\n1.5\tCD\nmore\tJ\n"), tags=1) == [("1", "1.5", "more")]


@pytest.mark.parametrize("chosen", ["auto", "columns"])
def test_the_ids_are_never_the_words(written: Written, chosen: str) -> None:
    assert words(written(conllu("1 2")), format=chosen) == [("w1", "w2")]
    source = written("# columns = ID TOKEN POS\n1\ta\tX\n2\tb\tX\n")
    what = ":2: column 0 has the ids of tokens; set the reader's `words` to another: ID, TOKEN, POS"
    assert refused(source, tags="POS", format=chosen) == what
    assert words(source, tags="POS", words="TOKEN", format=chosen) == [("a", "b")]


def test_the_ids_are_no_tags(written: Written) -> None:
    assert refused(written(conllu("1 2")), tags="ID").startswith(
        ":1: column 0 has the ids of tokens; set the reader's `tags`"
    )


def test_a_column_of_ids_of_another_kind_is_a_column_like_others(written: Written) -> None:
    source = written("# columns = ID TOKEN POS\ns1-t1\ta\tX\ns1-t2\tb\tY\n")
    assert words(source, words="TOKEN", tags="POS") == [("a", "b")]


def test_columns_can_be_chosen_where_each_row_is_a_token(written: Written) -> None:
    source = written(conllu("1 3", "3"))
    assert words(source, words="FORM", tags="UPOS", format="columns") == [("w1", "w3"), ("w3",)]


def test_features_may_be_missing_as_that_is_a_value(written: Written) -> None:
    assert [each.target for each in texts(written(conllu("1 2")), tags="FEATS") if isinstance(each, Instance)] == [
        ("_", "_")
    ]
    assert refused(written(conllu("1 2")), tags="XPOS").startswith(":1: each tag of the text is `_`, which may mark a")
    assert words(written(conllu("1 2")), tags="XPOS", missing=[]) == [("w1", "w2")]


def test_a_domain_is_kept(written: Written) -> None:
    source = written("# domain = a\n" + conllu("1 2") + "# domain = b\n" + conllu("1"))
    assert texts(source, domain="b") == [Skipped("of another domain"), Instance(("w1",), ("X",))]
