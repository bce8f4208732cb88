"""A text and its twin in another normal form get the same answers, and are one text to audits."""

import json
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

import mtlkit
from mtlkit.data import audit
from mtlkit.data.tokenizers import WORDS_AND_MARKS
from mtlkit.experiment import load_corpora
from tests.soak.tiny_archive import packed, read_members, sealed, tar

CASE = Path(__file__).parents[1] / "cases" / "24-normalisation"
Run = Callable[..., CompletedProcess[str]]


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


@pytest.fixture
def case(elsewhere: Path) -> Path:
    """The case in the current folder, with a hundred of its train texts, in the other form, as test texts."""
    shutil.copytree(CASE, elsewhere, dirs_exist_ok=True)
    train = (CASE / "train.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    (elsewhere / "trainseen.nfd.tsv").write_text(nfd("".join(train[:100])), encoding="utf-8")
    return elsewhere


def figures(run: Run, directory: Path, file: str) -> dict[str, float]:
    result = run("evaluate", directory, "--task", "fr", "--file", file, "--output", "figures.json")
    assert result.returncode == 0, result.stderr
    found: dict[str, float] = json.loads(Path("figures.json").read_text())
    return found


def labels(answers: list[dict[str, Any]]) -> list[tuple[str, float]]:
    return [(answer["label"], answer["probability"]) for answer in answers]


@pytest.mark.parametrize("tokenizer", ["whitespace", "regex"])
def test_either_form_scores_the_same_and_answers_the_same(tokenizer: str, case: Path, run: Run) -> None:
    trained = run("train", "n.jsonnet", "--str", f"tok={tokenizer}", "-s", "run")
    assert trained.returncode == 0, trained.stderr
    scores = {form: figures(run, case / "run", f"test.{form}.tsv") for form in ("nfc", "nfd")}
    assert scores["nfd"] == scores["nfc"] and scores["nfc"]["fr/accuracy"] == 1
    archive = mtlkit.load_archive("run")
    texts = [line.split("\t")[1] for line in (case / "test.nfc.tsv").read_text(encoding="utf-8").splitlines()]
    assert archive.predict(map(nfd, texts)) == archive.predict(texts)
    (answer,) = archive.predict([nfd("génial")])
    assert answer["words"] == ["génial"]
    # Its own training texts, in the other form, are none that it has not seen.
    test = json.loads(Path("run/metrics.json").read_text())["test"]
    assert test["fr/clean_share"] == 0


def test_a_file_to_predict_is_recognised_and_read_in_either_form(case: Path, run: Run) -> None:
    renamed = 'tasks.fr.reader.labels={"pos": "génial", "neg": "raté", "préféré": "génial"}'
    trained = run("train", "n.jsonnet", "--str", "tok=regex", "-s", "run", "-o", renamed, "-o", "trainer.epochs=1")
    assert trained.returncode == 0, trained.stderr
    lines = "préféré\tune scène préférée\npréféré\tdéjà élégant\npos\traté\n"
    answers = []
    for form in ("NFC", "NFD"):
        Path("labelled.tsv").write_text(unicodedata.normalize(form, lines), encoding="utf-8")
        result = run("predict", "run", "labelled.tsv")
        assert result.returncode == 0, result.stderr
        assert "looks like LABEL<TAB>TEXT, so the task's reader reads it" in result.stderr
        answers.append([json.loads(line) for line in result.stdout.splitlines()])
        piped = run("predict", "run", "-", "--format", "text", text=unicodedata.normalize(form, "déjà élégant\n"))
        assert json.loads(piped.stdout)["words"] == ["déjà", "élégant"]
    assert answers[0] == answers[1]
    assert [answer["target"] for answer in answers[0]] == ["génial"] * 3
    assert answers[0][0]["words"] == ["une", "scène", "préférée"]


def audited(run: Run, task: str, *arguments: str | Path) -> dict[str, str]:
    """What the audit says of the test texts of a task."""
    result = run("data", "audit", *arguments)
    assert result.returncode == 0, result.stderr
    row = next(line for line in result.stdout.splitlines() if line.startswith(f"│ {task} "))
    names = ("own train", "own dev", "other tasks", "clean", "conflicts")
    return dict(zip(names, [cell.strip() for cell in row.split("│")][-6:-1], strict=True))


def test_an_audit_knows_train_texts_in_the_other_form(case: Path, run: Run) -> None:
    arguments = ("n.jsonnet", "--str", "tok=whitespace")
    found = audited(run, "fr", *arguments)
    assert found == {"own train": "100", "own dev": "2", "other tasks": "0", "clean": "0", "conflicts": "0"}
    assert audited(run, "fr", *arguments, "-o", "normalization=none")["clean"] == "100"


def test_an_audit_may_ignore_case_and_white_space_whatever_max_length_cuts(
    experiment: dict[str, Any], write: Callable[[dict[str, Any]], Path], run: Run
) -> None:
    task = experiment["tasks"]["books"]
    del experiment["tasks"]["films"]
    task["max_length"] = 1
    Path(task["train"]).write_text("positive\tA good film\nnegative\tan op - ed\n")
    Path(task["test"]).write_text("positive\ta good FILM\nnegative\tan op-ed\nnegative\ta good day\n")

    def clean(*options: str) -> str:
        return audited(run, "books", write(experiment), *options)["clean"]

    assert clean() == "3"
    assert clean("--ignore-case") == "2" and clean("--ignore-white-space") == "2"
    assert clean("--ignore-case", "--ignore-white-space") == "1"
    whole = load_corpora(mtlkit.load_experiment(write(experiment)).experiment.uncut())
    assert audit(whole.by_task, ignore_case=True).total.clean == 2


def without_the_setting(archive: Path, target: Path) -> None:
    """The archive as a version before the setting wrote it."""
    members = read_members(archive)
    for name in ("experiment.resolved.json", "vocabulary/vocabulary.json"):
        value = json.loads(members[name])
        assert value.pop("normalization") == "none"
        members[name] = json.dumps(value, indent=2).encode()
    target.write_bytes(packed(tar(sealed(members))))


def test_an_older_archive_answers_as_it_did(case: Path, run: Run) -> None:
    own_words = f"tasks.fr.reader.tokenizer={json.dumps({'type': 'regex', 'pattern': WORDS_AND_MARKS})}"
    trained = run("train", "n.jsonnet", "--str", "tok=regex", "-s", "run", "-o", "normalization=none", "-o", own_words)
    assert trained.returncode == 0, trained.stderr
    without_the_setting(case / "run" / "archive.tar.gz", case / "old.tar.gz")
    old, new = (mtlkit.load_archive(file) for file in ("old.tar.gz", "run"))
    texts = ["une scène géniale", nfd("une scène géniale"), "अच्छी 👍🏽"]
    assert old.predict(texts) == new.predict(texts)
    assert [answer["words"] for answer in old.predict(texts)] == [
        ["une", "scène", "géniale"],
        ["une", "sce", "\u0300", "ne", "ge", "\u0301", "niale"],
        ["अच", "्", "छ", "ी", "👍", "🏽"],
    ]
    assert figures(run, case / "old.tar.gz", "test.nfd.tsv") == figures(run, case / "run", "test.nfd.tsv")
    assert figures(run, case / "old.tar.gz", "test.nfd.tsv")["fr/accuracy"] < 1
    # It also says so, to those who compare it with a later one.
    assert "normalization" not in run("diff", "old.tar.gz", "run").stdout
    assert run("train", "n.jsonnet", "--str", "tok=regex", "-s", "later").returncode == 0
    assert "normalization" in run("diff", "old.tar.gz", "later").stdout


@pytest.mark.parametrize("finished", [True, False])
def test_an_older_run_goes_on_with_texts_as_they_are(finished: bool, case: Path, run: Run) -> None:
    arguments = ["train", "n.jsonnet", "--str", "tok=whitespace", "-s", "run"]
    assert run(*arguments, "-o", "normalization=none").returncode == 0
    resolved, before = case / "run" / "experiment.resolved.json", json.loads(Path("run/metrics.json").read_text())
    value = json.loads(resolved.read_text())
    assert value.pop("normalization") == "none"
    resolved.write_text(json.dumps(value))
    if not finished:
        (case / "run" / "metrics.json").unlink()
        (case / "run" / "archive.tar.gz").unlink()
    resumed = run(*arguments, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert "begun by an mtlkit without the setting normalization; goes on with normalization 'none'" in resumed.stderr
    assert json.loads(Path("run/metrics.json").read_text()) == before
    archived = json.loads(read_members(case / "run" / "archive.tar.gz")["experiment.resolved.json"])
    assert archived["normalization"] == "none"
    # Where the experiment says another form, the run would be one of two kinds of texts.
    refused = run(*arguments, "--resume", "-o", "normalization=nfc")
    assert refused.returncode == 2 and 'normalization (was "none", is "nfc")' in refused.stderr
    assert run(*arguments, "--resume", "-o", "normalization=none").returncode == 0


def test_a_run_that_knows_the_setting_is_not_resumed_in_another_form(case: Path, run: Run) -> None:
    arguments = ["train", "n.jsonnet", "--str", "tok=whitespace", "-s", "run"]
    assert run(*arguments, "-o", "normalization=none").returncode == 0
    refused = run(*arguments, "--resume")
    assert refused.returncode == 2 and 'normalization (was "none", is "nfc"); undo the change' in refused.stderr


def test_a_form_that_there_is_none_is_refused(case: Path, run: Run) -> None:
    refused = run("check", "n.jsonnet", "--str", "tok=whitespace", "-o", "normalization=NFC")
    assert refused.returncode == 2
    assert "normalization: should be 'nfc', 'nfkc' or 'none' (got \"NFC\")" in refused.stderr
