"""Archives that are damaged, that need something that is not here, or that hold several sets of weights."""

import hashlib
import json
from importlib.metadata import EntryPoint

import pytest
import torch
from safetensors.numpy import save

import mtlkit.archive.archive
import mtlkit.plugins
from mtlkit.archive import open_archive
from mtlkit.runs import predict_inputs
from tests.soak.tiny_archive import packed, read_members, tar

CPU = torch.device("cpu")


@pytest.fixture
def repack(archive):
    """Writes the archive again after `change` of its members and manifest; the manifest fits the members again."""

    def write(change):
        members = read_members(archive)
        manifest = json.loads(members.pop("manifest.json"))
        change(members, manifest)
        manifest["members"] = {name: {"sha256": hashlib.sha256(member).hexdigest()} for name, member in members.items()}
        archive.write_bytes(packed(tar({"manifest.json": json.dumps(manifest).encode(), **members})))
        return archive

    return write


def fails(result, *parts):
    assert result.returncode == 2, result.stderr
    for part in parts:
        assert part in result.stderr
    assert len(result.stderr.splitlines()) == 1, result.stderr


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("seen.safetensors", None),
        ("seen.safetensors", b"no tensors"),
        ("seen.safetensors", save({})),
        ("meta.json", None),
        ("meta.json", b"{"),
        ("meta.json", b"[1]"),
        ("experiment.resolved.json", None),
        ("experiment.resolved.json", b"\xff"),
        ("experiment.resolved.json", b"[" * 100_000),
        ("vocabulary/words.txt", b"no vocabulary"),
        ("weights/model.safetensors", None),
        ("weights/model.safetensors", b"no weights"),
    ],
)
def test_a_damaged_member_is_named(repack, run, member, content):
    def damage(members, manifest):
        del members[member]
        if content is not None:
            members[member] = content

    named = "vocabulary" if member.startswith("vocabulary") else member
    result = run("predict", repack(damage), "-", text="warm\n")
    fails(result, f"archive.tar.gz: damaged: {named} is missing or cannot be read")


def test_a_manifest_that_names_no_plugins(repack, run):
    archive = repack(lambda members, manifest: manifest.pop("plugins"))
    fails(run("evaluate", archive), "archive.tar.gz: damaged: manifest.json is missing or cannot be read")


def test_why_weights_do_not_fit(repack, run):
    def widen(members, manifest):
        experiment = json.loads(members["experiment.resolved.json"])
        experiment["model"]["embedder"]["dim"] = 13
        members["experiment.resolved.json"] = json.dumps(experiment).encode()

    result = run("predict", repack(widen), "-", text="warm\n")
    fails(result, "weights/model.safetensors does not fit the experiment: size mismatch for")


def test_what_is_missing_for_an_unknown_component(registry, experiment, write, run, repack, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "import mtlkit\n\n\n"
        "@mtlkit.Tokenizer.register('letters')\n"
        "class Letters(mtlkit.Tokenizer):\n"
        "    def tokenize(self, text: str) -> list[str]:\n"
        "        return list(text.replace(' ', ''))\n"
    )
    experiment["tasks"]["books"]["reader"]["tokenizer"] = {"type": "letters"}
    include = ["--include-package", tmp_path / "mine.py"]
    trained = run("train", write(experiment), "-s", tmp_path / "run", "--force", *include)
    assert trained.returncode == 0, trained.stderr

    def rename(members, manifest):  # as if the file were not given: it cannot be imported again in this process
        text = members["experiment.resolved.json"]
        members["experiment.resolved.json"] = text.replace(b'"letters"', b'"lettres"')

    broken = EntryPoint("broken", "mtlkit_no_such_module", "mtlkit.plugins")
    monkeypatch.setattr(mtlkit.plugins, "entry_points", lambda group: [broken])
    result = run("evaluate", repack(rename))
    fails(
        result,
        "tasks.books.reader.tokenizer.type: no Tokenizer 'lettres'; did you mean 'letters'?",
        f"--include-package {tmp_path / 'mine.py'}; install or give what is missing",
        "plugin broken failed to import: ModuleNotFoundError",
    )
    assert "the archive was made with " in result.stderr


def test_plugins_are_not_blamed_for_other_mistakes(repack, run, monkeypatch):
    def break_setting(members, manifest):
        manifest["plugins"] = {"mtlkit-other": "1.0"}
        text = members["experiment.resolved.json"]
        members["experiment.resolved.json"] = text.replace(b'"batch_size": 32', b'"batch_size": "no many"')

    broken = EntryPoint("broken", "mtlkit_no_such_module", "mtlkit.plugins")
    monkeypatch.setattr(mtlkit.plugins, "entry_points", lambda group: [broken])
    fails(run("evaluate", repack(break_setting)), "trainer.batch_size: should be a valid integer")


def test_each_set_of_weights_is_loaded_once(experiment, write, run, tmp_path, monkeypatch):
    experiment["trainer"] = {"epochs": 2, "selection": {"type": "per_task"}}
    assert run("train", write(experiment), "-s", tmp_path / "run").returncode == 0
    loaded = []
    load = mtlkit.archive.archive.load_weights
    monkeypatch.setattr(
        mtlkit.archive.archive, "load_weights", lambda path, *rest: loaded.append(path.stem) or load(path, *rest)
    )
    with open_archive(tmp_path / "run" / "archive.tar.gz", CPU) as archive:
        inputs = [("warm", "here:1"), ("bleak", "here:2"), ("kind", "here:3")]
        records = list(predict_inputs(archive, inputs, ["books", "films"], batch_size=1))
    assert [record["task"] for record in records] == ["books", "films"] * 3
    assert loaded == ["books", "films"]


def test_evaluate_tells_of_a_trial(experiment, write, run, tmp_path):
    experiment["trainer"] = {"epochs": 1}
    assert run("train", write(experiment), "-s", tmp_path / "run", "--limit", "8").returncode == 0
    assert "the run was trained with --limit 8" in run("evaluate", tmp_path / "run").stderr
    assert "--limit" not in run("evaluate", tmp_path / "run", "--limit", "8").stderr


@pytest.mark.parametrize("output", [".", "missing/figures.json", "taken/figures.json"])
def test_an_output_that_cannot_be_written_is_found_before_the_work(archive, run, elsewhere, output):
    (elsewhere / "taken").write_text("a file")
    result = run("evaluate", archive, "--output", output)
    fails(result, f"--output {output}: ")
    assert (elsewhere / "taken").read_text() == "a file"


def test_an_output_that_is_a_link_is_not_followed(archive, run, elsewhere):
    """Whoever prepared the folder may have made it, to a file that means much to its owner."""
    (elsewhere / "mine.json").write_text("mine")
    (elsewhere / "link.json").symlink_to(elsewhere / "mine.json")
    fails(run("evaluate", archive, "--output", "link.json"), "--output link.json: is a symbolic link")
    assert (elsewhere / "mine.json").read_text() == "mine" and (elsewhere / "link.json").is_symlink()
    fails(run("evaluate", archive, "--output", "mine.json"), "--output mine.json: is there already")
    assert run("evaluate", archive, "--output", "scores.json").returncode == 0, "the remedy"
    assert "books/accuracy" in json.loads((elsewhere / "scores.json").read_text())
