"""Components of a plugin with columns and files of their own: from training to an archive, and back."""

import json
import shutil
import signal
import sys
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import mtlkit
from mtlkit.archive import open_archive
from mtlkit.testing import check_component

SOURCE = {"endings": ["fi", "ne", "du", "ll", "wa", "rm"], "left_out": ["the", "a"], "scales": ["0.5"]}
EMBEDDERS = [
    {"type": "words", "dim": 6},
    {"type": "affixes"},
    {"type": "affixes", "length": 1, "dim": 2},
    {"type": "shapes"},
]
EMBEDDER = {"type": "concatenated", "embedders": EMBEDDERS}
FILES = {
    "model.embedder.embedders.1=affixes/endings.txt",
    "model.embedder.embedders.2=affixes/endings.txt",
    "tasks.books.reader.tokenizer=pieces/left_out.txt",
}


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the components look up where nothing is saved yet."""
    path = tmp_path / "source.json"
    path.write_text(json.dumps(SOURCE))
    monkeypatch.setenv("SOURCE", str(path))
    return path


@pytest.fixture
def plugin(registry: None, source: Path, tmp_path: Path) -> ModuleType:
    """The plugin, included."""
    file = tmp_path / "plugin_with_files.py"
    shutil.copy(Path(__file__).with_name(file.name), file)
    mtlkit.plugins.load_plugins([str(file)])
    return next(module for module in sys.modules.values() if getattr(module, "__file__", None) == str(file))


@pytest.fixture
def value(experiment: dict[str, Any], plugin: ModuleType) -> dict[str, Any]:
    """The experiment with components of the plugin."""
    experiment["model"]["embedder"] = EMBEDDER
    experiment["tasks"]["books"]["reader"]["tokenizer"] = {"type": "pieces"}
    return experiment


def saved_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def members(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def test_it_is_trained_archived_and_used_without_its_source(value, plugin, source, write, run, tmp_path, make_corpus):
    """What the components looked up once is in the archive, and what is there now changes nothing."""
    trained = run("train", write(value), "-s", tmp_path / "run")
    assert trained.returncode == 0, trained.stderr
    assert saved_in(tmp_path / "run" / "files") == FILES
    found = members(tmp_path / "run" / "archive.tar.gz")
    assert {name.removeprefix("files/") for name in found if name.startswith("files/")} == FILES
    manifest = json.loads(found["manifest.json"])
    assert manifest["format_version"] == 3
    assert all(manifest["members"][f"files/{name}"]["sha256"] for name in FILES)
    source.write_text(json.dumps({"endings": ["xx"], "left_out": [], "scales": []}))
    plugin.LOOKED_UP.clear()
    again = run("evaluate", tmp_path / "run")
    assert again.returncode == 0, again.stderr
    assert plugin.LOOKED_UP == []
    figures = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]
    shown = run("evaluate", tmp_path / "run", "--output", tmp_path / "figures.json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads((tmp_path / "figures.json").read_text()) == figures
    predicted = run("predict", tmp_path / "run", "-", "--task", "books", text="the fine film\n")
    assert json.loads(predicted.stdout)["words"] == ["fine", "film"]


def test_it_is_told_whether_weights_are_fresh(value, plugin, write, run, tmp_path):
    assert run("train", write(value), "-s", tmp_path / "run").returncode == 0
    assert set(plugin.BUILT) == {("affixes", True, False)}
    plugin.BUILT.clear()
    assert run("evaluate", tmp_path / "run").returncode == 0
    assert set(plugin.BUILT) == {("affixes", False, True)}
    plugin.BUILT.clear()
    assert run("train", write(value), "-s", tmp_path / "run", "--force").returncode == 0
    assert set(plugin.BUILT) == {("affixes", True, False)}, "what the run before has saved is no longer there"


def test_an_archive_in_memory_does_not_need_its_file(value, plugin, source, write, run, tmp_path):
    assert run("train", write(value), "-s", tmp_path / "run").returncode == 0
    archive = mtlkit.load_archive(tmp_path / "run")
    expected = archive.predict(["the fine film", "a dull plot"], "books")
    shutil.rmtree(tmp_path / "run")
    source.unlink()
    assert archive.predict(["the fine film", "a dull plot"], "books") == expected
    assert [record["words"] for record in expected] == [["fine", "film"], ["dull", "plot"]]


def test_temporary_files_go_when_nobody_needs_them(value, plugin, write, run, tmp_path, monkeypatch):
    assert run("train", write(value), "-s", tmp_path / "run").returncode == 0
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    with open_archive(tmp_path / "run" / "archive.tar.gz", torch.device("cpu")) as archive:
        archive.model_for("books")
    assert [path.name for path in (tmp_path / "temporary").iterdir() if not saved_in(path)] == []
    assert saved_in(next((tmp_path / "temporary").iterdir()) / "files") == FILES
    del archive
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_run_that_was_killed_goes_on_with_what_was_saved(value, plugin, source, write, run, fork, tmp_path):
    """Though the source is gone by then, it comes to the bits of a run that was never killed."""
    file = write(value)
    assert run("train", file, "-s", tmp_path / "whole").returncode == 0
    process = fork("train", file, "-s", tmp_path / "run", "--include-package", plugin.__file__, stops_at_step=1)
    process.wait_until(lambda: list(tmp_path.glob("run/checkpoints/step-*")))
    process.kill()
    assert process.wait() == -signal.SIGKILL and not (tmp_path / "run" / "metrics.json").exists()
    source.unlink()
    plugin.BUILT.clear()
    resumed = run("train", file, "-s", tmp_path / "run", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert plugin.BUILT and all(has_files for _, _, has_files in plugin.BUILT)
    assert saved_in(tmp_path / "run" / "files") == FILES
    one, other = (load_file(tmp_path / name / "checkpoints" / "best-model.safetensors") for name in ("run", "whole"))
    assert one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)


def test_a_run_that_ended_before_anything_was_saved_saves_it_when_it_goes_on(value, plugin, write, run, tmp_path):
    file = write(value)
    assert run("train", file, "-s", tmp_path / "run").returncode == 0
    whole = (tmp_path / "run" / "archive.tar.gz").read_bytes()
    shutil.rmtree(tmp_path / "run" / "files" / "model.embedder.embedders.2=affixes")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    (tmp_path / "run" / "files" / ".tasks.books.read-abcd_123").mkdir()
    (tmp_path / "run" / "metrics.json").unlink()
    resumed = run("train", file, "-s", tmp_path / "run", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert saved_in(tmp_path / "run" / "files") == FILES
    assert {path.name.partition("=")[0] for path in (tmp_path / "run" / "files").iterdir()} == {
        name.partition("=")[0] for name in FILES
    }
    assert (tmp_path / "run" / "archive.tar.gz").read_bytes() == whole


def test_what_a_tokeniser_has_saved_decides_which_cached_texts_are_taken(value, plugin, source, write, run, tmp_path):
    """Equal settings and equal data files, and another list: texts of the one must not be taken for the other's."""
    file = write(value)
    for name, left_out in (("some", ["the", "a"]), ("none", ["zzz"])):
        source.write_text(json.dumps(SOURCE | {"left_out": left_out}))
        assert run("train", file, "-s", tmp_path / name, "-o", "trainer.epochs=1").returncode == 0
        assert run("evaluate", tmp_path / name, "--output", tmp_path / f"{name}.json").returncode == 0
        figures = json.loads((tmp_path / name / "metrics.json").read_text())["test"]
        assert json.loads((tmp_path / f"{name}.json").read_text()) == figures
    words = {}
    value["tasks"].pop("films")
    for name, left_out in (("alone", ["the", "a"]), ("again", ["zzz"])):
        source.write_text(json.dumps(SOURCE | {"left_out": left_out}))
        assert run("train", write(value), "-s", tmp_path / name, "-o", "trainer.epochs=1").returncode == 0
        words[name] = (tmp_path / name / "vocabulary" / "words.txt").read_text().split()
    assert "the" not in words["alone"] and "the" in words["again"]


SCALED = {"type": "scaled"}
BOTH = {"type": "stacked", "layers": [{"type": "lstm", "hidden_dim": 6}, SCALED]}


def test_stages_have_files_of_their_own_schemes(value, plugin, source, write, run, tmp_path):
    """Readers and embedders have theirs in common, also where a later stage begins with fresh weights."""
    trainer = value.pop("trainer") | {"epochs": 1}
    value["model"]["sharing"] = {"type": "private", "encoder": {"type": "lstm", "hidden_dim": 6}}
    value["stages"] = [
        {"name": "first", "trainer": trainer},
        {"name": "second", "trainer": trainer, "sharing": {"type": "private", "encoder": BOTH}, "keep": ["^embedders"]},
    ]
    trained = run("train", write(value), "-s", tmp_path / "run")
    assert trained.returncode == 0, trained.stderr
    assert plugin.BUILT[-2:] == [("affixes", True, True)] * 2
    scales = "model.sharing.encoder.layers.1=scaled/scales.txt"
    assert saved_in(tmp_path / "run" / "files") == FILES | {"stages.1.sharing.encoder.layers.1=scaled/scales.txt"}
    source.unlink()
    archive = (tmp_path / "run" / "archive.tar.gz").read_bytes()
    assert {name for name in members(tmp_path / "run" / "archive.tar.gz") if name.startswith("files/")} == {
        f"files/{name}" for name in FILES | {scales}
    }
    assert run("evaluate", tmp_path / "run").returncode == 0
    resumed = run("train", write(value), "-s", tmp_path / "run", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert (tmp_path / "run" / "archive.tar.gz").read_bytes() == archive


def test_a_derived_architecture_keeps_the_files_of_its_modules(value, plugin, source, write, run, tmp_path):
    """Its scheme is another part of the experiment than the one that searched, made from its settings."""
    trainer = value.pop("trainer") | {"epochs": 1}
    value["model"]["embedder"] = {"type": "affixes", "dim": 3}
    value["model"]["sharing"] = {"type": "pool", "module": SCALED, "num_modules": 2, "max_length": 2}
    search = {"type": "simultaneous_online", "num_samples": 2}
    value["stages"] = [
        {"name": "search", "trainer": trainer | {"update_strategy": search}},
        {"name": "tune", "trainer": trainer, "derive": {"type": "greedy"}},
    ]
    trained = run("train", write(value), "-s", tmp_path / "run")
    assert trained.returncode == 0, trained.stderr
    source.unlink()
    kept = {"model.sharing.module=scaled/scales.txt", "model.embedder=affixes/endings.txt"}
    kept.add("tasks.books.reader.tokenizer=pieces/left_out.txt")
    assert saved_in(tmp_path / "run" / "files") == kept
    assert {name for name in members(tmp_path / "run" / "archive.tar.gz") if name.startswith("files/")} == {
        f"files/{name}" for name in kept
    }
    assert run("evaluate", tmp_path / "run").returncode == 0
    shutil.rmtree(tmp_path / "run" / "stages" / "tune")
    (tmp_path / "run" / "metrics.json").unlink()
    resumed = run("train", write(value), "-s", tmp_path / "run", "--resume")
    assert resumed.returncode == 0, resumed.stderr


def test_parts_that_are_built_many_times_have_one_folder(value, plugin, write, run, tmp_path):
    value["model"] |= {"share_embedder": False, "embedder": {"type": "affixes", "dim": 3}}
    value["model"]["sharing"] = {"type": "pool", "module": SCALED, "num_modules": 3, "selector": {"type": "random"}}
    assert run("train", write(value), "-s", tmp_path / "run", "-o", "trainer.epochs=1").returncode == 0
    assert saved_in(tmp_path / "run" / "files") == {
        "model.embedder=affixes/endings.txt",
        "model.sharing.module=scaled/scales.txt",
        "tasks.books.reader.tokenizer=pieces/left_out.txt",
    }
    assert run("evaluate", tmp_path / "run").returncode == 0


def test_weights_go_into_another_model_with_equal_files_only(value, plugin, source, write, run, tmp_path):
    """Here a row of the table would stand for another ending, and no shape would show it."""
    value["trainer"]["epochs"] = 1
    assert run("train", write(value), "-s", tmp_path / "before").returncode == 0
    archive = tmp_path / "before" / "archive.tar.gz"
    value["model"]["pretrained"] = [{"archive": str(archive), "parameters": [r"embedders\.1\.table"]}]
    assert run("train", write(value), "-s", tmp_path / "same").returncode == 0
    source.write_text(json.dumps(SOURCE | {"endings": SOURCE["endings"][::-1]}))
    refused = run("train", write(value), "-s", tmp_path / "other")
    assert refused.returncode == 2 and len(refused.stderr.splitlines()[-1:]) == 1
    said = "model.pretrained.0: embedders.shared.embedders.1.table.weight is made for files of the archive, which are"
    assert said in refused.stderr.splitlines()[-1]


def test_columns_that_are_none_end_before_a_run_is_there(value, plugin, write, run, tmp_path, monkeypatch):
    monkeypatch.setattr(plugin.ShapeEmbedder, "columns", lambda embedder, forms: {"shape": [1] * len(forms)})
    result = run("train", write(value), "-s", tmp_path / "run")
    assert result.returncode == 2 and not (tmp_path / "run").exists()
    said = "ShapeEmbedder: `columns`: 'shape' is of type list, not a NumPy array"
    assert result.stderr.splitlines()[-1].endswith(said), result.stderr


@pytest.mark.parametrize(
    ("interface", "settings"),
    [
        (mtlkit.Embedder, {"type": "affixes"}),
        (mtlkit.Embedder, {"type": "shapes", "dim": 2}),
        (mtlkit.Embedder, EMBEDDER),
        (mtlkit.Tokenizer, {"type": "pieces"}),
        (mtlkit.DatasetReader, {"type": "text_classification", "tokenizer": {"type": "pieces"}}),
        (mtlkit.Encoder, {"type": "scaled"}),
        (mtlkit.Encoder, BOTH),
    ],
    ids=lambda value: value.get("type") if isinstance(value, dict) else value.kind(),
)
def test_they_keep_their_promises(plugin, interface, settings):
    check_component(interface, settings)
