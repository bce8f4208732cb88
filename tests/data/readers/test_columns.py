import re

import pytest

from mtlkit.data import ColumnsReader, Instance, Skipped
from mtlkit.errors import DataError

CONLL = "# # I-NP\n1 CD I-NP\n\n\nAl\u00a0Zaman NNP  B-NP  \n# columns =\n"
GRID = (
    "# columns = TOKEN UPOS NER\n\n"
    "# sent_id = 1\n# domain = weblog\n# 1\tSYM\tO\n#\tSYM\tO\nNew York\tPROPN\tB-LOC\n\n"
    "# domain = email\n# note\nHi\tINTJ\tO\n"
)
OTHER = Skipped("of another domain")


@pytest.fixture
def source(tmp_path):
    def write(content: str) -> str:
        path = tmp_path / "a.tsv"
        path.write_text(content)
        return str(path)

    return write


def test_a_token_can_be_a_hash_where_blanks_separate_columns(source):
    read = list(ColumnsReader(tags=2).read(source(CONLL)))
    assert read == [
        Instance(("#", "1"), ("I-NP", "I-NP")),
        Instance(("Al\u00a0Zaman", "#"), ("B-NP", "=")),
    ]


def test_a_file_with_a_header_has_comments_and_blanks_in_words(source):
    read = list(ColumnsReader(tags="NER", words="TOKEN").read(source(GRID)))
    assert read == [Instance(("# 1", "#", "New York"), ("O", "O", "B-LOC")), Instance(("Hi",), ("O",))]
    assert list(ColumnsReader(tags=2).read(source(GRID))) == read
    assert ColumnsReader(tags="NER").target_kind == "tags"


def test_a_domain_is_kept(source):
    assert list(ColumnsReader(tags="UPOS", domain="email").read(source(GRID))) == [OTHER, Instance(("Hi",), ("INTJ",))]


def test_tags_of_other_types_are_nothing(source):
    content = "# columns = A B\n\nhe\tB-ARG0\nsaw\tB-V\nit\tB-ARG1\nall\tI-ARG1\nV\tX\n"
    (read,) = ColumnsReader(tags="B", types=["V"]).read(source(content))
    assert read.target == ("O", "B-V", "O", "O", "X")


def test_a_domain_lasts_one_sentence(source):
    content = "# columns = A B\n\n# domain = x\na\tb\n\nc\td\n"
    assert list(ColumnsReader(tags="B", domain="x").read(source(content))) == [Instance(("a",), ("b",)), OTHER]


def test_a_domain_that_matches_nothing_names_those_seen(source):
    with pytest.raises(DataError, match=r"a\.tsv: no sentence of domain 'blog' \(domains: email, weblog\)"):
        list(ColumnsReader(tags="NER", domain="blog").read(source(GRID)))


@pytest.mark.parametrize(
    ("content", "settings", "what"),
    [
        (GRID, {"tags": "NERR"}, r":5: no column 'NERR' \(columns: TOKEN, UPOS, NER\)"),
        (GRID, {"tags": 3}, ":5: no column 3, only 0 to 2"),
        (CONLL, {"tags": "NER"}, ":1: no column 'NER' .*lacks the line `# columns = "),
        (CONLL, {"tags": 1, "words": 3}, ":1: no column 3, only 0 to 2"),
        ("a b c\nd e\n", {"tags": 1}, ":2: 2 columns where the file has 3"),
        ("# columns = A B\na\tb\na b c\n", {"tags": 1}, ":3: no TAB, which separates columns in this file; put one"),
        ("# columns = A B\na\tb\na\tb\tc\n", {"tags": 1}, ":3: 3 columns where the file has 2; mend the line"),
        ("# columns = A B\na\t\n", {"tags": 1}, ":2: an empty column where the tag is due; write the tag, or set"),
        ("# columns = A B\nc\td\n\tb\n", {"tags": 1}, ":3: an empty column where the word is due; write the word"),
        ("# columns = A B A\na\tb\tc\n", {"tags": "A"}, ":2: several columns are called 'A'; give the place of one"),
    ],
)
def test_what_is_wrong_is_placed(source, content, settings, what):
    path = source(content)
    with pytest.raises(DataError, match=re.escape(path) + what):
        list(ColumnsReader(**settings).read(path))


def test_texts_to_predict():
    reader = ColumnsReader(tags="NER")
    assert reader.parse("New York !") == Instance(("New", "York", "!"))
    assert reader.parse({"words": ["New York"], "tags": ["B-LOC"]}) == Instance(("New York",), ("B-LOC",))
