"""What may be meant is reported before the training begins: labels, and columns, that may be others."""

from pathlib import Path

import pytest

from tests.experiment.test_labels import load, written

LINES = [("pos" if number % 3 else "neg", f"the film of day {number} was fine") for number in range(30)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))


def test_labels_that_may_be_meant_to_be_one_are_reported(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", ("very_good", "fine"), ("very-good", "nice"), ("bad", "dull"))
    _, said = load(path, path)
    assert said == [
        "tasks.t: the labels 'very_good' (1 in train, first in text 1; 1 in dev, first in text 1) and 'very-good' "
        "(1 in train, first in text 2; 1 in dev, first in text 2) may be meant to be one; they count as different ones"
    ]
    _, said = load(path, path, labels={"very_good": "very good", "very-good": "very good", "bad": "bad"})
    assert said == []


def test_columns_that_may_be_others_are_reported(tmp_path: Path) -> None:
    numbered = [(label, f"{number}\t{text}") for number, (label, text) in enumerate(LINES)]
    path = written(tmp_path / "a.tsv", *numbered)
    _, said = load(path, path)
    assert said[0] == (
        "tasks.t.train: each text begins with a number, such as '0'; remove it from the file if it is an id or a label"
    )


def test_a_label_that_is_renamed_to_nothing_is_mended_where_it_is_renamed(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", *LINES)
    with pytest.raises(Exception, match=r"the label of text 2, '', has no visible character; mend the reader's `label"):
        load(path, path, labels={"pos": "", "neg": "neg"})


def test_a_test_file_may_have_one_text_of_each_label(tmp_path: Path) -> None:
    intents = [(f"intent {number}", f"please do thing {number}") for number in range(40)]
    train = written(tmp_path / "train.tsv", *intents, *((label, f"now {text}") for label, text in intents))
    _, said = load(train, written(tmp_path / "dev.tsv", *((label, f"could you {text}") for label, text in intents)))
    assert not [line for line in said if line.startswith("tasks.t.dev")]
