"""Runs with a pretrained encoder, from training to an archive that is used elsewhere."""

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load, load_file, save_file

import mtlkit
from mtlkit.sharing.explanations import Reading
from tests.interrupted_runs import check_same_weights, interrupted_at
from tests.soak.tiny_archive import packed, read_members, sealed, tar

from .conftest import INCLUDED, Ended

Run = Callable[..., Ended]
MODES = {"tuned": {"trainable": True}, "frozen": {"trainable": False}}
INDIRECT = {"type": "message_passing", "hidden_dim": 6, "communicator": {"type": "indirect"}}


def write(folder: Path, experiment: dict[str, Any]) -> Path:
    path = folder / "experiment.json"
    path.write_text(json.dumps(experiment), "utf-8")
    return path


def succeeds(ended: Ended) -> str:
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def fails(ended: Ended, *parts: str) -> str:
    assert ended.returncode == 2, ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    for part in parts:
        assert part in ended.stderr
    return ended.stderr


def pack(path: Path, members: dict[str, bytes]) -> Path:
    """Writes an archive whose manifest fits its members."""
    path.write_bytes(packed(tar(sealed(members))))
    return path


@pytest.fixture
def trained(
    experiment_of: Callable[..., dict[str, Any]], encoder: Path, run: Run, tmp_path: Path
) -> Callable[[str], Path]:
    """Trains in one of the modes, and returns the archive."""

    def train(mode: str) -> Path:
        file = write(tmp_path, experiment_of(encoder, **MODES[mode]))
        succeeds(run("train", file, "-s", tmp_path / mode))
        return tmp_path / mode / "archive.tar.gz"

    return train


def elsewhere(archive: Path, text: Path, **environment: str) -> Ended:
    """Predicts in a new process, with an empty cache."""
    command = [sys.executable, "-m", "mtlkit", "predict", str(archive), "--task", "books", str(text), *INCLUDED]
    own = {"MTLKIT_CACHE": str(archive.parent / "empty"), **environment}
    return subprocess.run(command, text=True, capture_output=True, env=os.environ | own, check=False)


def test_a_tuned_encoder_lies_in_the_archive(
    trained: Callable[[str], Path], encoder: Path, run: Run, text: Path
) -> None:
    archive = trained("tuned")
    here = succeeds(run("predict", archive, "--task", "books", text))
    shutil.rmtree(encoder)
    there = elsewhere(archive, text)
    assert succeeds(there) == here and "positive" in here and not there.stderr
    [weights] = [load(each) for name, each in read_members(archive).items() if name.startswith("weights/")]
    assert any(name.startswith("embedders.shared.encoder.encoder.layer.2.") for name in weights)


def test_a_frozen_encoder_is_found_by_its_digest(
    trained: Callable[[str], Path], encoder: Path, run: Run, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = trained("frozen")
    members = read_members(archive)
    [weights] = [load(each) for name, each in members.items() if name.startswith("weights/")]
    assert weights and not any("encoder.layer" in name for name in weights)
    source = json.loads(members["files/model.embedder=transformer/source.json"])
    assert source["sha256"] == hashlib.sha256((encoder / "model.safetensors").read_bytes()).hexdigest()

    here = succeeds(run("predict", archive, "--task", "books", text))
    moved = tmp_path / "moved" / "tiny"
    shutil.move(encoder, moved)
    said = fails(run("predict", archive, "--task", "books", text), "MTLKIT_ENCODERS", "the folder tiny")
    assert "no model.safetensors with the sha256" in said
    assert succeeds(elsewhere(archive, text, MTLKIT_ENCODERS=str(moved.parent))) == here

    other = {name: tensor + 1 for name, tensor in load_file(moved / "model.safetensors").items()}
    save_file(other, moved / "model.safetensors", {"format": "pt"})
    monkeypatch.setenv("MTLKIT_ENCODERS", str(moved.parent))
    fails(run("predict", archive, "--task", "books", text), "no model.safetensors with the sha256")


@pytest.mark.parametrize("mode", MODES)
def test_an_interrupted_run_resumes_to_the_same_bits(
    mode: str,
    experiment_of: Callable[..., dict[str, Any]],
    encoder: Path,
    run: Run,
    tmp_path: Path,
) -> None:
    experiment = experiment_of(encoder, INDIRECT, **MODES[mode])
    experiment["trainer"] |= {"checkpoint_every": 3, "schedule": {"type": "linear"}}
    file = write(tmp_path, experiment)
    succeeds(run("train", file, "-s", tmp_path / "whole"))
    with interrupted_at(8):
        assert run("train", file, "-s", tmp_path / "broken").returncode == 130
    succeeds(run("train", file, "-s", tmp_path / "broken", "--resume"))
    check_same_weights(tmp_path / "whole", tmp_path / "broken")


def test_evaluate_explain_report_and_transfer_run(
    experiment_of: Callable[..., dict[str, Any]], encoder: Path, run: Run, tmp_path: Path
) -> None:
    """On windows of four words each, so that what was shared is drawn over words of several windows."""
    file = write(tmp_path, experiment_of(encoder, INDIRECT, window=6, overlap=2))
    directory = tmp_path / "run"
    succeeds(run("train", file, "-s", directory, "--limit", "8"))
    archive = directory / "archive.tar.gz"
    assert "books" in succeeds(run("evaluate", archive, "--limit", "4"))
    words = "the great film was a readable music in town and we like it"
    [line] = succeeds(run("explain", archive, "--task", "books", "--format", "json", words)).splitlines()
    assert json.loads(line)["words"] == words.split()
    succeeds(run("report", directory))
    assert "readable" in (directory / "report.html").read_text("utf-8")
    succeeds(run("transfer", file, "--leave-out", "films", "-s", tmp_path / "transfer", "--limit", "8"))
    assert (tmp_path / "transfer" / "films" / "archive.tar.gz").is_file()


@pytest.mark.parametrize("communicator", ["indirect", "direct"])
def test_each_word_of_a_text_in_several_windows_tells_what_it_read(
    communicator: str, experiment_of: Callable[..., dict[str, Any]], encoder: Path, run: Run, tmp_path: Path
) -> None:
    sharing = INDIRECT | {"communicator": {"type": communicator}}
    experiment = experiment_of(encoder, sharing, window=6, overlap=2)
    experiment["trainer"] |= {"epochs": 1, "kernels": "pure"}
    trained = mtlkit.train(experiment, tmp_path / "run", limit=8)
    text = "the great film was a unbelievably readable music in town and we like it"
    words = text.split()
    shared = trained.explain(text, "books").shared
    assert isinstance(shared, Reading) and shared.words == tuple(words)
    assert shared.tasks == (None if communicator == "indirect" else ("films",))
    assert [len(row) for row in shared.left_to_right] == [len(shared.tasks or words)] * len(words)
    assert all(sum(row) == pytest.approx(1, abs=1e-5) for row in shared.left_to_right)
    succeeds(run("report", tmp_path / "run"))
    assert "readable" in (tmp_path / "run" / "report.html").read_text("utf-8")


FILES = "files/model.embedder=transformer/"


def forged_config(members: dict[str, bytes], **change: Any) -> None:
    config = json.loads(members[FILES + "config.json"])
    members[FILES + "config.json"] = json.dumps(config | change).encode()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "change",
    [
        {"hidden_size": 10**9},
        {"vocab_size": 10**9},
        {"hidden_size": 2**62, "vocab_size": 2**62},
        {"num_hidden_layers": 200, "intermediate_size": 2**30},
        {"num_hidden_layers": 10**9},
        {"max_position_embeddings": 10**12},
        {"model_type": "gpt2"},
        {"auto_map": {"AutoModel": "stranger/code--model.Model"}},
        {"hidden_act": "no_such_function"},
        {"num_attention_heads": 3},
        {"type_vocab_size": 0},
    ],
    ids=str,
)
def test_a_forged_configuration_is_one_sentence_before_memory_is_allocated(
    mode: str, change: dict[str, Any], archives: dict[str, Path], run: Run, text: Path, tmp_path: Path
) -> None:
    members = read_members(archives[mode])
    forged_config(members, **change)
    archive = pack(tmp_path / "forged.tar.gz", members)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said = fails(run("predict", archive, "--task", "books", text))
    assert "forged.tar.gz: " in said or "config.json describes" in said
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "source.json"])
@pytest.mark.parametrize("content", [None, b"{}", b"\xff", b"[" * 10_000])
def test_a_damaged_file_of_the_encoder_is_one_sentence(
    name: str, content: bytes | None, archives: dict[str, Path], run: Run, text: Path, tmp_path: Path
) -> None:
    members = read_members(archives["frozen"])
    if content is None:
        del members[FILES + name]
    else:
        members[FILES + name] = content
    fails(run("predict", pack(tmp_path / "forged.tar.gz", members), "--task", "books", text), "forged.tar.gz: ")


@pytest.fixture(scope="session")
def archives(
    encoders: dict[str, Path],
    experiment_of: Callable[..., dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """An archive of each mode, of one epoch, whose encoder stays where it is."""
    folder = tmp_path_factory.mktemp("archives")
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MTLKIT_CACHE", str(folder / "cache"))
        for mode, settings in MODES.items():
            experiment = experiment_of(encoders["word_pieces"], **settings)
            experiment["trainer"]["epochs"] = 1
            made[mode] = mtlkit.train(experiment, folder / mode).archive
    return made
