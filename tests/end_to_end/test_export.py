"""Programs out of archives, run by PyTorch alone."""

import json
import shutil
import subprocess
import sys

import pytest

import mtlkit
from mtlkit.errors import ConfigError


@pytest.fixture
def trained(trained_once, elsewhere, tmp_path):
    return shutil.copytree(trained_once("small"), tmp_path / "run")


ALONE = """
import json, sys, torch
sys.modules["mtlkit"] = None  # so that nothing of it can be imported
about = {"mtlkit.json": ""}
run = torch.export.load(sys.argv[1], extra_files=about).module()
about = json.loads(about["mtlkit.json"])
ids = {word: number for number, word in enumerate(about["vocabulary"]["words"]) if number > 1}
texts = [text.split() for text in json.loads(sys.argv[2])]
words = torch.zeros(len(texts), max(map(len, texts)), dtype=torch.int64)
for row, text in zip(words, texts):
    row[: len(text)] = torch.tensor([ids.get(word.lower(), 1) for word in text])
answers = run(words > 0, {"words": words})
labels = [about["labels"][number] for number in answers["ids"].tolist()]
print(json.dumps([labels, answers["confidence"].tolist(), about["task"], about["targets"]]))
"""
TEXTS = ["the cast was warm", "bleak", "A Fine film and a dull end that nobody has ever seen before now", "fine bleak"]


def test_a_program_answers_without_mtlkit_as_the_archive_does(run, trained, tmp_path):
    file = tmp_path / "films.pt2"
    result = run("export", trained, "--task", "films", "--output", file)
    assert result.returncode == 0, result.stderr
    assert f"wrote {file}" in result.stderr
    alone = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, file, json.dumps(TEXTS)], capture_output=True, text=True, check=True
    )
    labels, confidences, *about = json.loads(alone.stdout)
    expected = mtlkit.predict(trained, TEXTS, "films", device="cpu")
    assert about == ["films", "label"]
    assert labels == [record["label"] for record in expected]
    assert confidences == pytest.approx([record["probability"] for record in expected], abs=1e-5)


def test_a_program_is_for_one_task(run, trained, tmp_path):
    file = tmp_path / "model.pt2"
    result = run("export", trained, "--output", file)
    assert result.returncode == 2
    assert "--task: a program answers for one task; give one of books, films" in result.stderr
    result = run("export", trained, "--task", "book", "--output", file)
    assert result.returncode == 2 and "--task book: the archive's tasks are books, films" in result.stderr
    assert not file.exists()


def test_nothing_of_a_run_is_overwritten(run, trained, tmp_path):
    archive = trained / "archive.tar.gz"
    before = archive.read_bytes()
    result = run("export", trained, "--task", "films", "--output", archive)
    assert result.returncode == 2 and "which is read and would be lost" in result.stderr
    with pytest.raises(ConfigError, match="belongs to the run in"):
        mtlkit.export(archive, trained / "metrics.json", "films")
    assert archive.read_bytes() == before
