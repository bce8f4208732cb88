"""Answers in another precision than that of training."""

import json

import pytest
import torch

from mtlkit.errors import ConfigError
from mtlkit.model import MultiTaskModel
from mtlkit.runs import evaluate, load_archive, precision

NOTE = "answered in bf16, while the run was trained in fp32: figures may differ from its own"


@pytest.fixture
def casts(monkeypatch):
    """Whether bfloat16 was on, for each batch that was answered."""
    casts = []
    decode = MultiTaskModel.decode

    def watched(*given, **more):
        casts.append(torch.is_autocast_enabled("cpu"))
        return decode(*given, **more)

    monkeypatch.setattr(MultiTaskModel, "decode", watched)
    return casts


@pytest.fixture
def processor(tmp_path, monkeypatch):
    """Has the processor report these features."""

    def report(features):
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{features}\n\nprocessor\t: 1\n{features}\n")
        monkeypatch.setattr(precision, "CPU_FACTS", tmp_path / "cpuinfo")

    return report


def test_evaluate_says_what_it_computed_in_and_notes_it_in_its_figures(run, archive, casts, tmp_path):
    result = run("evaluate", archive, "--precision", "bf16", "--output", tmp_path / "figures.json")
    assert result.returncode == 0, result.stderr
    assert casts and all(casts)
    assert NOTE in result.stderr and NOTE in json.loads((tmp_path / "figures.json").read_text())["notes"]


def test_the_precision_of_training_is_nothing_to_note(run, archive, casts):
    for given in ([], ["--precision", "fp32"]):
        result = run("evaluate", archive, *given)
        assert result.returncode == 0 and "answered in" not in result.stderr
    assert casts and not any(casts)


def test_what_was_trained_in_bf16_can_be_answered_in_fp32(run, write, experiment, casts, tmp_path):
    experiment["trainer"] = {"epochs": 1, "precision": "bf16"}
    assert run("train", write(experiment), "-s", tmp_path / "other").returncode == 0
    casts.clear()
    result = run("predict", tmp_path / "other", "-", "--precision", "fp32", text="warm\n")
    assert result.returncode == 0 and casts and not any(casts)
    assert "answered in fp32, while the run was trained in bf16" in result.stderr


def test_python_and_the_commands_agree(run, archive, casts):
    told = []
    loaded = load_archive(archive, precision="bf16", say=told.append)
    found = loaded.predict(["a warm film"], "books")
    assert casts == [True] and NOTE in told
    result = run("predict", archive, "-", "--task", "books", "--precision", "bf16", text="a warm film\n")
    assert [json.loads(result.stdout)] == found and NOTE in result.stderr
    assert NOTE in evaluate(archive, precision="bf16").notes
    loaded.explain("a warm film", "books")
    for use in (load_archive, evaluate):
        with pytest.raises(ConfigError, match=r"precision: should be fp32 or bf16 \(got 'int8'\)"):
            use(archive, precision="int8")


def test_a_runs_own_answers_stay_in_its_own_precision(run, archive):
    folder = archive.parent / "predictions"
    before = {path: path.read_bytes() for path in folder.rglob("*.gz")}
    result = run("evaluate", archive, "--precision", "bf16", "--predictions", folder)
    assert result.returncode == 2 and "leave --precision out" in result.stderr
    assert before and {path: path.read_bytes() for path in folder.rglob("*.gz")} == before
    assert run("evaluate", archive, "--predictions", folder).returncode == 0


@pytest.mark.parametrize(
    ("features", "is_slow"),
    [
        ("flags\t\t: fpu avx2 avx512f", True),
        ("flags\t\t: fpu avx512f avx512_bf16", False),
        ("flags\t\t: fpu amx_bf16", False),
        ("Features\t: fp asimd", True),
        ("Features\t: fp asimd bf16", False),
        ("", False),
    ],
)
def test_a_processor_that_would_emulate_it_is_told(run, archive, processor, features, is_slow):
    processor(features)
    result = run("predict", archive, "-", "--precision", "bf16", text="warm\n")
    assert result.returncode == 0
    assert ("this processor has no instructions for bfloat16" in result.stderr) == is_slow


@pytest.mark.parametrize("trained_in", ["bf16", "fp32"])
def test_training_says_so_too_and_answers_in_the_same_precision(
    run, write, experiment, processor, tmp_path, trained_in
):
    processor("flags\t\t: fpu avx2")
    experiment["trainer"] = {"epochs": 1, "precision": trained_in}
    for command in (["train", write(experiment), "-s", tmp_path / "slow"], ["predict", tmp_path / "slow", "-"]):
        result = run(*command, text="warm\n")
        assert result.returncode == 0
        assert ("this processor has no instructions for bfloat16" in result.stderr) == (trained_in == "bf16")


def test_where_the_processor_tells_nothing_nothing_is_said(run, archive, monkeypatch, tmp_path):
    monkeypatch.setattr(precision, "CPU_FACTS", tmp_path / "missing")
    assert "no instructions" not in run("predict", archive, "-", "--precision", "bf16", text="warm\n").stderr
