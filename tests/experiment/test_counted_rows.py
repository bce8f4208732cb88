"""What is counted of files in columns: texts that are left out, and rows that are not words."""

import shutil
from pathlib import Path

import pytest

from mtlkit.data import statistics
from mtlkit.errors import DataError
from mtlkit.experiment import load_corpora, load_experiment

CASES = Path(__file__).parents[1] / "cases"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for case in ("01-conllu", "06-columns-oddities", "28-partial"):
        shutil.copytree(CASES / case, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("name", ["es.conllu", "es.header.conllu"])
def test_rows_that_are_not_words_are_counted_apart_from_texts(folder: Path, name: str) -> None:
    said: list[str] = []
    loaded = load_experiment(folder / "pos.jsonnet", variables={"f": name})
    corpora = load_corpora(loaded.experiment, say=said.append)
    structure = {"document boundaries": 1, "multiword tokens": 1, "empty nodes": 1}
    assert corpora.counts()["pos"]["train"] == {"read": 2, "used": 2, "structure": structure}
    told = "document boundaries 1, multiword tokens 1, empty nodes 1"
    assert f"texts of pos: 2 train (rows that are not words: {told})" in said
    (split,) = statistics(corpora.by_task)
    assert (split.texts, split.tokens, split.structure) == (2, 10, structure)


def test_documents_are_counted_apart_from_texts(folder: Path) -> None:
    corpora = load_corpora(load_experiment(folder / "ds.jsonnet").experiment)
    counts = {"read": 2, "used": 2, "structure": {"document boundaries": 2}}
    assert corpora.counts()["t"] == {"train": counts, "dev": counts}


def test_a_missing_target_is_refused_with_its_task_and_line_or_counted_for_this_task_alone(folder: Path) -> None:
    with pytest.raises(DataError, match=r"^tasks\.ner\.train: m\.txt:5: each tag of the text is `_`"):
        load_corpora(load_experiment(folder / "m.jsonnet").experiment)
    content = (folder / "m.jsonnet").read_text().replace("tags: c }", "tags: c, missing: ['_'] }")
    (folder / "m.jsonnet").write_text(content)
    corpora = load_corpora(load_experiment(folder / "m.jsonnet").experiment)
    assert corpora.counts() == {
        "ner": {"train": {"read": 2, "used": 1, "skipped": {"with a missing target": 1}}},
        "pos": {"train": {"read": 2, "used": 2}},
    }
    assert corpora.by_task["ner"]["train"].labels == ["B-PER", "O"]
