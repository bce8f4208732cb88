import re

import pytest

from mtlkit.data import ColumnsReader, Instance, Skipped
from mtlkit.errors import DataError

CONLL = "# # I-NP\n1 CD I-NP\n\n\nAl\u00a0Zaman NNP\tB-NP  \n# columns =\n"
GRID = (
    "# columns = TOKEN UPOS NER\n\n"
    "# sent_id = 1\n# domain = weblog\n# \tSYM\tO\n#\tSYM\tO\nNew York\tPROPN\tB-LOC\n\n"
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


def test_the_blank_form_has_no_comments(source):
    read = list(ColumnsReader(tags=2).read(source(CONLL)))
    assert read == [
        Instance(("#", "1"), ("I-NP", "I-NP")),
        Instance(("Al\u00a0Zaman", "#"), ("B-NP", "=")),
    ]


def test_the_named_form_has_comments_and_blanks_in_words(source):
    read = list(ColumnsReader(tags="NER", words="TOKEN").read(source(GRID)))
    assert read == [Instance(("# ", "#", "New York"), ("O", "O", "B-LOC")), Instance(("Hi",), ("O",))]
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
        ("# columns = A B\na\tb\na b c\n", {"tags": 1}, ":3: 1 columns where the file has 2"),
        ("# columns = A B\na\t\n", {"tags": 1}, ":2: an empty column"),
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
