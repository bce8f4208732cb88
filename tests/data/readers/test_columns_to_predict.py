"""Files of columns whose words alone are needed."""

from pathlib import Path

import pytest

from mtlkit.config import Lazy
from mtlkit.data import ColumnsReader, Instance, Skipped, TextClassificationReader, build_reader
from mtlkit.errors import DataError

CASES = Path(__file__).parents[2] / "cases"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.tsv"


@pytest.mark.parametrize("missing", [None, [], ["_"], [""]])
def test_texts_without_targets_are_kept(path: Path, missing: list[str] | None) -> None:
    path.write_text("Ann\tN\nsaw\tV\n\nBo\t_\n\nCy\t?\n")
    targets = [each.target for each in ColumnsReader(tags=1, missing=missing).read_texts(str(path))]
    assert targets[0] == ("N", "V") and targets[2] == ("?",)
    assert targets[1] == (("_",) if missing in ([], [""]) else None)


def test_empty_tags_are_no_matter(path: Path) -> None:
    path.write_text("Ann\t\nsaw\t\n")
    assert list(ColumnsReader(tags=1).read_texts(str(path))) == [Instance(("Ann", "saw"))]


@pytest.mark.parametrize(
    ("content", "tags"), [("Ann\nsaw\n", 1), ("Ann NNP\nsaw VB\n", 2), ("Ann\tN\nsaw\tV\n", "NER")]
)
def test_the_column_of_tags_may_be_absent(path: Path, content: str, tags: str | int) -> None:
    path.write_text(content)
    assert list(ColumnsReader(tags=tags).read_texts(str(path))) == [Instance(("Ann", "saw"))]
    with pytest.raises(DataError, match=r":1: no column"):
        list(ColumnsReader(tags=tags).read(str(path)))


def test_structure_is_no_text() -> None:
    reader = build_reader(Lazy.of(ColumnsReader, tags="UPOS"), "nfc")
    texts = list(reader.read_texts(f"{CASES}/01-conllu/es.conllu"))
    assert [" ".join(each.words) for each in texts if isinstance(each, Instance)] == [
        "Vamos a el mar",
        "Ana come pan y Luis arroz",
    ]
    assert len(texts) == 2


def test_a_text_behind_a_missing_label_is_kept(path: Path) -> None:
    path.write_text("yes\tgood\n_\tso\n\tlala\n \t \n")
    expected = [Instance(("good",), "yes"), Instance(("so",)), Instance(("lala",)), Skipped("blank")]
    assert list(TextClassificationReader().read_texts(str(path))) == expected
