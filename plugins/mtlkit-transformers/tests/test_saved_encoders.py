"""Archives that hold their frozen encoder, which are enough wherever the encoder is not."""

import hashlib
import json
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, load_file, save
from transformers import AutoModel

import mtlkit
from mtlkit.errors import ConfigError
from mtlkit.experiment import load_experiment
from mtlkit.runs.checks import check_experiment
from tests.interrupted_runs import check_same_weights, interrupted_at
from tests.soak.tiny_archive import read_members

from .conftest import Ended, needs_peft
from .test_adapter_runs import experiment_with
from .test_runs import FILES, fails, forged_config, pack, succeeds, write

Run = Callable[..., Ended]
MakeExperiment = Callable[..., dict[str, Any]]
WEIGHTS = "model.safetensors"


def experiment_of_kind(kind: str, make: MakeExperiment, encoder: Path) -> dict[str, Any]:
    """An experiment whose encoder is frozen and saved: as it is, or with adapters."""
    experiment = make(encoder, trainable=False) if kind == "frozen" else experiment_with(kind, make, encoder)
    experiment["model"]["embedder"]["save_encoder"] = True
    return experiment


@pytest.mark.parametrize("kind", ["frozen", pytest.param("lora", marks=needs_peft), "each", "pool"])
def test_an_archive_with_its_encoder_is_enough(
    kind: str,
    experiment_of: MakeExperiment,
    encoder: Path,
    run: Run,
    text: Path,
    texts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = write(tmp_path, experiment_of_kind(kind, experiment_of, encoder))
    succeeds(run("train", file, "-s", tmp_path / "run", "--limit", "8"))
    archive = tmp_path / "run" / "archive.tar.gz"
    here = succeeds(run("predict", archive, "--task", "books", text))
    content = (encoder / WEIGHTS).read_bytes()
    members = read_members(archive)
    source = json.loads(members[f"{FILES}source.json"])
    assert members[FILES + WEIGHTS] == content and source["sha256"] == hashlib.sha256(content).hexdigest()
    checkpoints = [load_file(each) for each in (tmp_path / "run").rglob("checkpoints/**/*.safetensors")]
    trained = [load(each) for name, each in members.items() if name.startswith("weights/")]
    assert checkpoints and trained
    assert not any("encoder.layer" in name for weights in (*checkpoints, *trained) for name in weights)

    shutil.rmtree(encoder)
    shutil.move(archive, tmp_path / "moved.tar.gz")
    shutil.rmtree(tmp_path / "run")
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "another"))
    assert succeeds(run("predict", tmp_path / "moved.tar.gz", "--task", "books", text)) == here
    if kind == "pool":  # others have nothing to explain
        assert "module" in succeeds(run("explain", tmp_path / "moved.tar.gz", "--task", "books", "a great film"))
    data = ("--task", "books", "--data", f"books={texts / 'books.test.tsv'}")
    assert "accuracy" in succeeds(run("evaluate", tmp_path / "moved.tar.gz", *data, "--limit", "4"))


def test_two_parts_with_one_encoder_save_it_once(
    experiment_of: MakeExperiment, encoder: Path, run: Run, text: Path, tmp_path: Path
) -> None:
    experiment = experiment_of_kind("frozen", experiment_of, encoder)
    part = experiment["model"]["embedder"]
    parts = [part, {**part, "pooling": "first"}]
    experiment["model"]["embedder"] = {"type": "concatenated", "embedders": parts}
    succeeds(run("train", write(tmp_path, experiment), "-s", tmp_path / "run", "--limit", "8"))
    archive = tmp_path / "run" / "archive.tar.gz"
    assert len({file.stat().st_ino for file in (tmp_path / "run" / "files").glob(f"*/{WEIGHTS}")}) == 1
    assert len([name for name in read_members(archive) if name.startswith("files/") and name.endswith(WEIGHTS)]) == 1
    here = succeeds(run("predict", archive, "--task", "books", text))
    shutil.move(archive, tmp_path / "moved.tar.gz")
    shutil.rmtree(encoder)
    shutil.rmtree(tmp_path / "run")
    assert succeeds(run("predict", tmp_path / "moved.tar.gz", "--task", "books", text)) == here


@pytest.mark.parametrize("kind", ["frozen", "pool"])
def test_a_run_goes_on_without_the_encoder_to_the_same_bits(
    kind: str, experiment_of: MakeExperiment, encoder: Path, run: Run, tmp_path: Path
) -> None:
    """Of the pool, from the search into the second stage, whose model is built anew."""
    experiment = experiment_of_kind(kind, experiment_of, encoder)
    for trainer in [stage["trainer"] for stage in experiment.get("stages", [])] or [experiment["trainer"]]:
        trainer |= {"epochs": 1, "checkpoint_every": 3}
    file = write(tmp_path, experiment)
    succeeds(run("train", file, "-s", tmp_path / "whole"))
    with interrupted_at(5):
        assert run("train", file, "-s", tmp_path / "broken").returncode == 130
    shutil.rmtree(encoder)
    succeeds(run("train", file, "-s", tmp_path / "broken", "--resume"))
    check_same_weights(tmp_path / "whole", tmp_path / "broken")
    whole, broken = (read_members(tmp_path / name / "archive.tar.gz") for name in ("whole", "broken"))
    assert whole[FILES + WEIGHTS] == broken[FILES + WEIGHTS]


def test_what_an_archive_holds_is_an_encoder_to_go_on_from(
    experiment_of: MakeExperiment, encoder: Path, tmp_path: Path
) -> None:
    """Weights are taken over from an archive with the encoder, by a run without, in the folder unpacked from it."""
    first = mtlkit.train(experiment_of_kind("all", experiment_of, encoder), tmp_path / "first", limit=8)
    shutil.rmtree(encoder)
    unpacked = tmp_path / FILES
    unpacked.mkdir(parents=True)
    members = read_members(first.archive)
    for name in [name for name in members if name.startswith(FILES)]:
        (unpacked / name.removeprefix(FILES)).write_bytes(members[name])
    experiment = experiment_with("all", experiment_of, unpacked)
    experiment["model"]["pretrained"] = [{"archive": str(first.archive), "parameters": [r"\.adapters\."]}]
    experiment["trainer"]["optimizer"] = {"type": "sgd", "lr": 1e-30}
    second = read_members(mtlkit.train(experiment, tmp_path / "second", limit=8).archive)
    assert FILES + WEIGHTS not in second and second[f"{FILES}source.json"] == members[f"{FILES}source.json"]
    [before], [after] = ([load(all_[n]) for n in all_ if n.startswith("weights/")] for all_ in (members, second))
    adapters = [name for name in before if ".adapters." in name]
    assert adapters and all(torch.equal(before[name], after[name]) for name in adapters)


@pytest.fixture(scope="session")
def members(
    encoders: dict[str, Path], experiment_of: MakeExperiment, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """Those of an archive with its encoder."""
    folder = tmp_path_factory.mktemp("saved")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MTLKIT_CACHE", str(folder / "cache"))
        experiment = experiment_of_kind("frozen", experiment_of, encoders["word_pieces"])
        return read_members(mtlkit.train(experiment, folder / "run", limit=4).archive)


def _with(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[bytes], bytes]:
    """Changes the tensors of a file."""

    def changed(content: bytes) -> bytes:
        tensors = load(content)
        change(tensors)
        return save(tensors, {"format": "pt"})

    return changed


def _grown(tensors: dict[str, torch.Tensor]) -> None:
    tensors["embeddings.word_embeddings.weight"] = tensors["embeddings.word_embeddings.weight"].repeat(2, 1)


FORGED: dict[str, tuple[Callable[[bytes], bytes] | None, str]] = {
    "other numbers": (_with(lambda all_: all_["embeddings.word_embeddings.weight"].add_(1)), "the sha256 of the saved"),
    "none": (None, "save_encoder: model.safetensors is not among the saved files"),
    "a table with more rows": (_with(_grown), "config.json describes"),
    "numbers that are none": (
        _with(lambda all_: all_.update({name: each.to(torch.int64) for name, each in all_.items()})),
        "config.json describes F32",
    ),
    "a layer too few": (
        _with(lambda all_: [all_.pop(name) for name in list(all_) if "layer.2" in name]),
        "they lack|sha256",
    ),
    "much that nobody reads": (_with(lambda all_: all_.update(more=torch.zeros(2**19))), "numbers, and config.json"),
    "a pickle": (lambda content: b"\x80\x04." + content, "model.safetensors is missing or cannot be read"),
    "a header without end": (lambda content: b"\xff" * 8 + content[8:], "model.safetensors is missing or cannot be"),
    "half of it": (lambda content: content[: len(content) // 2], "model.safetensors is missing or cannot be read"),
    "nothing": (lambda content: b"", "model.safetensors is missing or cannot be read"),
}


@pytest.mark.parametrize("name", FORGED)
def test_other_weights_in_an_archive_are_one_sentence(
    name: str, members: dict[str, bytes], run: Run, text: Path, tmp_path: Path
) -> None:
    change, says = FORGED[name]
    forged = dict(members)
    if change is None:
        del forged[FILES + WEIGHTS]
    else:
        forged[FILES + WEIGHTS] = change(members[FILES + WEIGHTS])
    said = fails(run("predict", pack(tmp_path / "forged.tar.gz", forged), "--task", "books", text))
    assert any(part in said for part in says.split("|")), said


@pytest.mark.parametrize("change", [{"vocab_size": 10**9}, {"num_hidden_layers": 200, "intermediate_size": 2**30}])
def test_a_configuration_beyond_the_weights_takes_no_memory(
    change: dict[str, int], members: dict[str, bytes], run: Run, text: Path, tmp_path: Path
) -> None:
    forged = dict(members)
    forged_config(forged, **change)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fails(run("predict", pack(tmp_path / "forged.tar.gz", forged), "--task", "books", text), "config.json describes")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB


def test_a_tuned_encoder_is_saved_without_being_asked_for(experiment_of: MakeExperiment, encoder: Path) -> None:
    with pytest.raises(ConfigError, match=r"save_encoder: an encoder that is trained is always in the archive"):
        check_experiment(load_experiment(experiment_of(encoder, save_encoder=True)).experiment, "tuned")


def test_a_file_with_much_else_is_refused_before_training(
    experiment_of: MakeExperiment, encoder: Path, run: Run, tmp_path: Path
) -> None:
    tensors = load_file(encoder / WEIGHTS)
    (encoder / WEIGHTS).write_bytes(save({**tensors, "more": torch.zeros(2**19)}, {"format": "pt"}))
    file = write(tmp_path, experiment_of_kind("frozen", experiment_of, encoder))
    refused = run("train", file, "-s", tmp_path / "run", "--limit", "4")
    said = refused.stderr.splitlines()[-1]
    assert refused.returncode == 2 and not (tmp_path / "run").exists()
    assert f"the encoder {encoder}: its weights are not those of its config.json alone" in said
    assert "holds 533,272 numbers" in said and "by `AutoModel` and `save_pretrained`" in said
    AutoModel.from_pretrained(encoder).save_pretrained(encoder)
    succeeds(run("train", file, "-s", tmp_path / "run", "--limit", "4"))


def test_a_run_that_has_not_saved_its_encoder_does_not_save_it_later(
    experiment_of: MakeExperiment, encoder: Path, run: Run, tmp_path: Path
) -> None:
    """Its files are written once; an archive without what the setting says would tell only where it is used."""
    experiment = experiment_of(encoder, trainable=False)
    experiment["trainer"]["checkpoint_every"] = 2
    file = write(tmp_path, experiment)
    with interrupted_at(3):
        assert run("train", file, "-s", tmp_path / "run").returncode == 130
    later = ["-o", "model.embedder.save_encoder=true", "--resume-anyway"]
    fails(run("train", file, "-s", tmp_path / "run", *later), "save_encoder", "not among the saved files")
    succeeds(run("train", file, "-s", tmp_path / "run", "--resume"))


@pytest.mark.parametrize("kind", ["tuned", "frozen", pytest.param("lora", marks=needs_peft), "all", "pool"])
def test_export_refuses_a_pretrained_encoder_and_its_remedy_works(
    kind: str, experiment_of: MakeExperiment, encoder: Path, run: Run, text: Path, tmp_path: Path
) -> None:
    tuned = kind == "tuned"
    experiment = experiment_of(encoder) if tuned else experiment_of_kind(kind, experiment_of, encoder)
    archive = mtlkit.train(experiment, tmp_path / "run", limit=4).archive
    said = run("export", archive, "--task", "books", "--output", tmp_path / "books.pt2")
    fails(said, "task 'books' cannot be exported", "by the number of its pieces", "answer with mtlkit predict")
    assert not (tmp_path / "books.pt2").exists()
    succeeds(run("predict", archive, "--task", "books", text))
