"""Labels that cannot be meant are refused once the data are read, and what each file of case 05 gives."""

from pathlib import Path
from typing import Any

import pytest

from mtlkit.data import Corpus, Instance
from mtlkit.errors import DataError
from mtlkit.experiment import Experiment, check_known_labels, load_corpora

CASES = Path(__file__).parents[1] / "cases"
ODDITIES = CASES / "05-tsv-oddities"
SOUND = {"pos": 18, "neg": 12}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))


def load(train: Path, dev: Path = CASES / "a.dev.tsv", limit: int | None = None, **reader: Any) -> Any:
    """The corpora of one task, and what was said of its labels."""
    kind = {"type": "text_classification", **reader}
    head = {"type": "crf_tagger" if kind["type"] == "columns" or "tags_field" in kind else "classifier"}
    experiment = Experiment.model_validate(
        {
            "tasks": {"t": {"reader": kind, "train": str(train), "dev": str(dev), "head": head}},
            "model": {"embedder": {"type": "words"}, "sharing": {"type": "private", "encoder": {"type": "lstm"}}},
        }
    )
    said: list[str] = []
    corpora = load_corpora(experiment, limit=limit, say=said.append)
    others = ("reading", "texts of", "tasks.t.dev: all ")  # the last where train and dev are one file, to be short
    return corpora.by_task["t"], [line for line in said if not line.startswith(others)]


def written(path: Path, *lines: tuple[str, str]) -> Path:
    path.write_text("".join(f"{label}\t{text}\n" for label, text in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "labels", "skipped"),
    [
        ("blank.tsv", SOUND, {"blank": 1}),
        ("blankend.tsv", SOUND, {"blank": 2}),
        ("spaces.tsv", SOUND, {"blank": 1}),
        ("bom.tsv", SOUND, {}),
        ("crlf.tsv", SOUND, {}),
        ("mixed.tsv", SOUND, {}),
        ("nonl.tsv", SOUND, {}),
        ("f.tsv.bz2", SOUND, {}),
        ("gz_nosuffix.tsv", SOUND, {}),
        ("plain.tsv.gz", SOUND, {}),
        ("labelspace.tsv", {"very pos": 18, "neg": 12}, {}),
        ("openquote.tsv", {"pos": 19, "neg": 11}, {}),
        ("quoted.tsv", {"pos": 19, "neg": 11}, {}),
        ("tabs.tsv", {"pos": 19, "neg": 11}, {}),
    ],
)
def test_what_is_read_of_odd_files(name: str, labels: dict[str, int], skipped: dict[str, int]) -> None:
    splits, said = load(ODDITIES / name)
    assert (splits["train"].label_counts(), splits["train"].skipped) == (labels, skipped)
    quoted = ["tasks.t.train: 1 of 30 texts stand in quotes, as in CSV; the quotes count as text"]
    assert said == (quoted if name == "quoted.tsv" else [])
    word = {"openquote.tsv": '"fine', "quoted.tsv": '""fine""', "tabs.tsv": "with"}.get(name, "bad")
    assert word in splits["train"].forms and not any("\ufeff" in form for form in splits["train"].forms)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("bombom.tsv", ".train: {path}:16: a byte order mark inside the file, as where files were joined; remove it"),
        (
            "case.tsv",
            ": the labels 'Pos' (6 in train, first in text 2) and 'pos' (12 in train, first in text 12; 17 in dev, "
            "first in text 1) differ only in letter case; write them alike in the files, or name all labels "
            "in the reader's `labels`",
        ),
        (
            "spacelabel.tsv",
            ": the labels 'pos ' (6 in train, first in text 2) and 'pos' (12 in train, first in text 12; 17 in dev, "
            "first in text 1) differ only in white space; write them alike in the files, or name all labels in the "
            "reader's `labels`",
        ),
        ("cr.tsv", ".train: {path}:1: lines that end at CR alone, as on old Macs; convert them to LF"),
        ("csv.tsv", ".train: {path}:1: no TAB between label and text, but a comma, as in CSV; write the line as"),
        ("emptylabel.tsv", ".train: {path}:31: no label before the TAB; write the line as label<TAB>text"),
        ("latin1.tsv", ".train: {path}:31: not UTF-8 ("),
        ("utf16.tsv", ".train: {path}:1: UTF-16 or UTF-32, by its byte order mark; convert the file to UTF-8"),
        (
            "header.tsv",
            ".train: {path}: text 1, 'text' with label 'label', looks like a header row; remove it, or name all labels "
            "in the reader's `labels` if they are meant",
        ),
        (
            "idfirst.tsv",
            ".train: {path}: labels such as '0' look like ids, and first words of texts like labels;",
        ),
        ("swapped.tsv", ".train: {path}: has 30 labels, such as 'bad a the dull was a poor the dull', for 2"),
        (
            "numeric.tsv",
            ".dev: has no label that train has ('pos', 'neg'; train has '0', '1'); give files with the same",
        ),
        ("stars.tsv", ".dev: has no label that train has ('pos', 'neg'; train has '1.0', '4.5'); give files with the"),
    ],
)
def test_what_is_refused_of_odd_files(name: str, what: str) -> None:
    with pytest.raises(DataError) as error:
        load(ODDITIES / name)
    assert str(error.value).startswith("tasks.t" + what.format(path=ODDITIES / name))


def test_every_file_of_the_case_is_judged() -> None:
    marks = [
        mark for test in (test_what_is_read_of_odd_files, test_what_is_refused_of_odd_files) for mark in test.pytestmark
    ]  # type: ignore[attr-defined]
    assert {row[0] for mark in marks for row in mark.args[1]} == {path.name for path in ODDITIES.iterdir()}


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("case.tsv", {"Pos": "pos", "pos": "pos", "neg": "neg"}),
        ("case.tsv", {"Pos": "Pos", "pos": "pos", "neg": "neg"}),
        ("spacelabel.tsv", {"pos ": "pos", "pos": "pos", "neg": "neg"}),
        ("numeric.tsv", {"0": "neg", "1": "pos", "neg": "neg", "pos": "pos"}),
        ("header.tsv", {"label": "label", "pos": "pos", "neg": "neg"}),
    ],
)
def test_naming_all_labels_helps(name: str, labels: dict[str, str]) -> None:
    splits, said = load(ODDITIES / name, labels=labels)
    assert splits["train"].label_counts().keys() == set(labels.values())
    assert said == []


def test_naming_the_labels_of_texts_and_labels_in_each_others_place_helps() -> None:
    path = ODDITIES / "swapped.tsv"
    labels = {line.partition("\t")[0]: f"intent {n}" for n, line in enumerate(path.read_text().splitlines())}
    splits, said = load(path, path, labels=labels)
    assert (len(splits["train"].label_counts()), said) == (30, [])


TRAIN = [("pos", "a fine film"), ("neg", "a dull film"), ("pos", "fine"), ("neg", "dull")]


@pytest.mark.parametrize(
    ("label", "shown", "by"),
    [
        ("pos ", "'pos '", "white space"),
        ("pos\u00a0", r"'pos\xa0'", "white space"),
        ("po\u200bs", r"'po\u200bs'", "invisible characters"),
        ("Pos", "'Pos'", "letter case"),
        ('"pos"', "'\"pos\"'", "quotes around them"),
        ("\uff50os", r"'\uff50os'", "Unicode normal form"),
    ],
)
def test_a_label_of_dev_that_looks_like_one_of_train_is_refused(
    tmp_path: Path, label: str, shown: str, by: str
) -> None:
    train = written(tmp_path / "train.tsv", *TRAIN)
    dev = written(tmp_path / "dev.tsv", *TRAIN[1:], (label, "another"))
    with pytest.raises(DataError) as error:
        load(train, dev)
    assert (
        f"'pos' (2 in train, first in text 1; 1 in dev, first in text 2) and {shown} (1 in dev, first in text 4)"
        in (str(error.value))
    )
    assert f"differ only in {by}; write them alike in the files" in str(error.value)
    corpora, _ = load(train, written(dev, *TRAIN[1:], ("pos", "another")))  # as the message says
    assert len(corpora["dev"]) == 4


def test_labels_that_look_the_same_in_the_setting_are_refused(tmp_path: Path) -> None:
    train = written(tmp_path / "train.tsv", *TRAIN)
    with pytest.raises(DataError, match="differ only in white space; write them alike in the reader's `labels`"):
        load(train, train, labels={"pos": "a", "neg": "a "})


def test_tags_that_differ_in_case_are_reported_and_others_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("the a\nfilm A\n\nit a\n")
    _, said = load(path, path, type="columns", tags=1)
    told = (
        "the labels 'a' (2 in train, first in text 1; 2 in dev, first in text 1) and 'A' (1 in train, first in text 1; "
    )
    assert [line for line in said if "differ" in line] == [
        f"tasks.t: {told}1 in dev, first in text 1) differ only in letter case; they count as different ones"
    ]
    path.write_text("the a\nfilm b\n\nit a\u200b\n")
    with pytest.raises(DataError, match=r"'a\\u200b' \(1 in train, first in text 2; .* differ only in invisible char"):
        load(path, path, type="columns", tags=1)


def test_what_is_not_seen_of_a_label_is_reported_and_a_label_of_nothing_else_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", ("pos", "fine"), ("neg ", "dull"))
    _, said = load(path, path)
    assert said[0] == "tasks.t.train: labels with white space or characters that are not seen: 'neg '"
    written(path, ("pos", "fine"), ("\u200b", "dull"))
    with pytest.raises(
        DataError, match=r"train: the label of text 2, '\\u200b', has no visible character; mend the file"
    ):
        load(path, path)


def test_labels_of_dev_that_train_lacks_are_no_error_under_a_limit(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", *TRAIN)
    dev = written(tmp_path / "dev.tsv", TRAIN[1], TRAIN[0])
    splits, _ = load(path, dev, limit=1)
    assert (splits["train"].label_counts(), splits["dev"].label_counts()) == ({"pos": 1}, {"neg": 1})


def test_jsonl_has_the_same_checks(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"text": "fine", "label": "pos"}\n{"text": "good", "label": "Pos"}\n{"text": "dull", "label": "neg"}\n'
    )
    with pytest.raises(DataError, match=r"differ only in letter case; .*, or name all labels in the reader's `labels`"):
        load(path, path, type="jsonl")
    splits, said = load(path, path, type="jsonl", labels={"pos": "pos", "Pos": "pos", "neg": "neg"})
    assert (splits["train"].label_counts(), said) == ({"pos": 2, "neg": 1}, [])


@pytest.mark.parametrize("mark", ["nan", "None", "NULL", "n/a", "?", "-100"])
def test_a_label_that_may_mark_a_missing_target_is_reported_and_the_remedy_works(tmp_path: Path, mark: str) -> None:
    path = written(tmp_path / "a.tsv", ("pos", "good"), (mark, "so"), ("neg", "bad"), ("neg", "dull"))
    found = f"the label '{mark}' (1 in it, first in text 2) may mark a missing target"
    assert load(path, path)[1][0] == f"tasks.t.train: {found}; if it does, set the reader's `missing` to ['{mark}']"
    corpora, said = load(path, path, missing=[mark])
    assert corpora["train"].label_counts() == {"pos": 1, "neg": 2} and not said
    assert load(path, path, missing=[])[1] == load(path, path, labels={"pos": "p", "neg": "n", mark: "m"})[1] == []


def test_a_tag_that_may_mark_a_missing_target_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("so NN\nnan nan\n\nwhat WP\n? ?\n")
    said = load(path, path, type="columns", tags=1)[1]
    assert [line for line in said if "missing" in line and "train" in line] == [
        "tasks.t.train: the tag 'nan' (1 in it, first in text 1) may mark a missing target; if it does, set the "
        "reader's `missing` to ['nan']"
    ]


def test_a_first_text_that_may_be_a_header_row_is_reported(tmp_path: Path) -> None:
    lines = [(label, f"{text} {number}") for number, (label, text) in enumerate(TRAIN * 3)]
    path = written(tmp_path / "a.tsv", ("klasse", "tekst"), *lines)
    _, said = load(path, path)
    told = "the first text looks like a header row (label 'klasse', text 'tekst'); it counts as a text"
    assert said == [f"tasks.t.train: {told}", f"tasks.t.dev: {told}"]


def test_texts_to_score_that_stand_in_quotes_are_reported() -> None:
    said: list[str] = []
    corpus = Corpus.from_instances((Instance(('"good', 'film"'), label) for label in ("pos", "neg")), "label")
    check_known_labels("t", corpus, ["neg", "pos"], said.append)
    assert said == ["tasks.t: 2 of 2 texts stand in quotes, as in CSV; the quotes count as text"]


def test_a_label_to_score_that_looks_like_one_of_the_model_is_refused() -> None:
    def corpus(*labels: str) -> Corpus:
        return Corpus.from_instances((Instance(("a",), label) for label in labels), "label")

    check_known_labels("t", corpus("pos", "neg", "other"), ["neg", "pos"])
    check_known_labels("t", corpus("Pos", "pos"), ["Pos", "pos"])
    with pytest.raises(DataError) as error:
        check_known_labels("t", corpus("pos", "neg", "pos "), ["neg", "pos"])
    assert str(error.value) == (
        "tasks.t: the label 'pos ' (1 in the file, first in text 3) differs from 'pos', which the model knows, only in "
        "white space; write it alike in the file"
    )
    with pytest.raises(DataError, match="only in letter case"):
        check_known_labels("t", corpus("Pos"), ["neg", "pos"])
    tags = Corpus.from_instances([Instance(("a", "b"), ("n", "N"))], "tags")
    check_known_labels("t", tags, ["n", "v"])
    with pytest.raises(DataError) as error:
        check_known_labels("t", corpus("0", "1"), ["neg", "pos"])
    known = "('0', '1'; the model knows 'neg', 'pos')"
    assert str(error.value) == (
        f"tasks.t: the file has no label that the model knows {known}; give a file with its labels"
    )
