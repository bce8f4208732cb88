"""Runs and archives of versions that read or scored the same files otherwise: the difference is said, or refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mtlkit
from mtlkit.data import Vocabulary
from mtlkit.data.tokenizers import WORDS_AND_MARKS
from mtlkit.errors import DataError, RunError
from mtlkit.experiment import load_corpora, load_experiment, load_split
from mtlkit.runs.as_begun import as_begun
from mtlkit.runs.changes import Changes
from mtlkit.runs.directory import RunDirectory
from tests.soak.tiny_archive import packed, read_members, sealed, tar

DOCUMENT = "-DOCSTART- -X- O O\n\n"
SENTENCES = "Ann X O B-PER\nsaw X O O\nRome X O B-LOC\n\nthe X O O\nfilm X O O\n\n"
SHARING = {"type": "fully_shared", "encoder": {"type": "lstm", "hidden_dim": 4}}
Parts = dict[str, Any]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for split in ("train", "dev", "test"):
        Path(f"{split}.conll").write_text(DOCUMENT + SENTENCES.replace("saw", split).replace("film", split) * 4)
    lines = [f"{'pos' if number % 2 else 'neg'}\tunique text number {number}\n" for number in range(40)]
    Path("one.tsv").write_text("".join(lines))
    Path("other.tsv").write_text("".join(line.replace("unique", "another") for line in lines))
    return tmp_path


def an_experiment(task: Parts) -> Parts:
    model = {"embedder": {"type": "words", "dim": 4}, "sharing": SHARING}
    return {"tasks": {"t": task}, "model": model, "trainer": {"epochs": 1}}


def tagged(**settings: Any) -> Parts:
    files = {split: f"{split}.conll" for split in ("train", "dev", "test")}
    reader = {"type": "columns", "tags": 3}
    return an_experiment({"reader": reader, "head": {"type": "crf_tagger"}, **files, **settings})


def classified(**settings: Any) -> Parts:
    reader, head = {"type": "text_classification"}, {"type": "classifier"}
    return an_experiment({"reader": reader, "head": head, "train": "one.tsv", **settings})


def make_older(run: Path, change: Callable[[Parts], None], experiment: Callable[[Parts], None] | None = None) -> None:
    """Changes what a run and its archive say of the texts to what an older version would have written."""
    meta = json.loads((run / "meta.json").read_text())
    change(meta)
    (run / "meta.json").write_text(json.dumps(meta))
    archive = run / "archive.tar.gz"
    members = read_members(archive)
    for name, edit in (("meta.json", change), ("experiment.resolved.json", experiment)):
        if edit is not None:
            value = json.loads(members[name])
            edit(value)
            members[name] = json.dumps(value).encode()
    archive.write_bytes(packed(tar(sealed(members))))


def without_digests(meta: Parts) -> None:
    del meta["identities"], meta["seen_texts"]
    for counts in meta["texts"]["t"].values():
        counts.pop("structure", None)


def with_documents_as_texts(meta: Parts) -> None:
    without_digests(meta)
    for counts in meta["texts"]["t"].values():
        counts["read"] += 1
        counts["used"] += 1


@pytest.mark.parametrize(
    ("older", "how"),
    [
        (with_documents_as_texts, "8 texts against 9"),
        (without_digests, "rows that are not words any more: document boundaries 1"),
    ],
)
def test_rows_that_an_older_version_read_as_words_are_said_by_evaluate_and_not_resumed(
    older: Callable[[Parts], None], how: str
) -> None:
    run = mtlkit.train(tagged(), "run", device="cpu")
    assert run.evaluate().notes == []
    loaded = load_experiment(tagged())
    corpora, vocabulary = load_corpora(loaded.experiment), RunDirectory(Path("run")).read_vocabulary()
    said: list[str] = []
    Changes(RunDirectory(Path("run")), False, said.append).look_at_texts(loaded.experiment, corpora, vocabulary)

    make_older(Path("run"), older)
    sentence = f"t: test.conll is read otherwise than by the mtlkit that trained the model ({how}), so these figures"
    (note,) = run.evaluate(data=".").notes
    assert note == f"{sentence} do not compare with its own"
    with pytest.raises(RunError) as refusal:
        Changes(RunDirectory(Path("run")), False, said.append).look_at_texts(loaded.experiment, corpora, vocabulary)
    assert str(refusal.value).startswith(
        f"run: what is read from the data files changed since the run was begun: train of t ({how}), dev of t ({how})"
    )
    assert said == []
    Changes(RunDirectory(Path("run")), True, said.append).look_at_texts(loaded.experiment, corpora, vocabulary)
    assert said[0] == f"going on although what is read from the data files changed: train of t ({how})"


def test_span_scores_of_tags_that_an_older_version_did_not_know_are_said_and_not_resumed() -> None:
    for split in ("train", "dev", "test"):
        Path(f"{split}.conll").write_text("Ann X O B-PER\nSmith X O E-PER\nsaw X O O\nRome X O S-LOC\n\n" * 4)
    older = tagged(reader={"type": "columns", "tags": 3, "scheme": "none"}, metrics=[{"type": "token_accuracy"}])
    run = mtlkit.train(older, "run", device="cpu")

    def with_span_f1(value: Parts) -> None:
        value["tasks"]["t"]["metrics"] = [{"type": "span_f1"}]
        value["tasks"]["t"]["reader"]["scheme"] = "auto"

    make_older(Path("run"), without_digests, with_span_f1)
    members = read_members(Path("run/archive.tar.gz"))
    members["vocabulary/vocabulary.json"] = _without_schemes(members["vocabulary/vocabulary.json"])
    Path("run/archive.tar.gz").write_bytes(packed(tar(sealed(members))))
    said = "t: the mtlkit that trained the model did not know that tags such as"
    assert [note for note in run.evaluate(data=".").notes if note.startswith(said)]

    loaded = load_experiment(tagged())
    vocabulary = Vocabulary.of(["Ann"], "An", {"t": ["B-PER", "E-PER", "O", "S-LOC"]})
    with pytest.raises(RunError, match="how spans are scored changed since the run was begun: t"):
        Changes(RunDirectory(Path("run")), False, print).look_at_texts(
            loaded.experiment, load_corpora(loaded.experiment), vocabulary
        )


def _without_schemes(content: bytes) -> bytes:
    value = json.loads(content)
    value.pop("tag_schemes", None)
    return json.dumps(value).encode()


def test_an_archive_whose_run_pooled_a_file_twice_is_scored_on_the_texts_that_were_drawn() -> None:
    experiment = classified(dev="other.tsv", resplit={"dev": 10, "test": 10})
    run = mtlkit.train(experiment, "run", device="cpu")
    make_older(Path("run"), without_digests, lambda value: value["tasks"]["t"].update(dev="one.tsv"))
    for split, is_held_out in (("dev", True), ("test", True), ("train", False)):
        found = run.evaluate(split, data=".")
        assert len(found.predictions[0].gold) == {"train": 60}.get(split, 10)
        assert any("named twice, one.tsv, so most of them were also trained on" in each for each in found.notes) is (
            is_held_out
        )

    task = load_experiment(classified(resplit={"dev": 10})).experiment.tasks["t"]
    twice = task.model_copy(update={"dev": "one.tsv"})
    with pytest.raises(DataError, match="holds the same texts as train"):
        load_split("t", twice, "dev", normalization="nfc")


def test_a_run_is_resumed_with_the_pattern_that_was_the_default_of_its_tokenizer() -> None:
    regex = classified(reader={"type": "text_classification", "tokenizer": {"type": "regex"}}, dev="other.tsv")
    mtlkit.train(regex, "run", device="cpu")
    said: list[str] = []

    def pattern_with(value: str | None) -> str | None:
        resolved = json.loads(Path("run/experiment.resolved.json").read_text())
        resolved["tasks"]["t"]["reader"]["tokenizer"]["pattern"] = value
        Path("run/experiment.resolved.json").write_text(json.dumps(resolved))
        begun = as_begun(RunDirectory(Path("run")), load_experiment(regex), said.append)
        tokenizer = begun.experiment.to_json()["tasks"]["t"]["reader"]["tokenizer"]
        found: str | None = tokenizer["pattern"]
        return found

    assert pattern_with(None) is None and pattern_with(r"\w") is None and said == []
    assert pattern_with(WORDS_AND_MARKS) == WORDS_AND_MARKS
    (line,) = said
    assert line.endswith("had a pattern by default; tasks.t.reader.tokenizer goes on with it")
