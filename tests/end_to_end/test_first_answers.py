"""The first answers on a machine where nothing was built yet: a few texts do not wait for a compiler."""

import json
import shutil

import pytest
import torch

from mtlkit.files.ownership import own_folder
from mtlkit.kernels import choice, postponing
from mtlkit.kernels.compiling import compiler, library
from mtlkit.runs import load_archive

pytestmark = pytest.mark.skipif(
    not any(compiler.find_program(name) for name in compiler.COMPILERS), reason="there is no C++ compiler"
)
TEXTS = "a warm film\n\nthe plot was dull and the cast was rather cold\n"


@pytest.fixture
def compiled(monkeypatch, tmp_path, archive, compiled_kernels, known_archives):
    """A cache and a process without libraries, and a compiler that copies those of other tests, and lists them."""
    # `archive` was trained with what is copied here.
    own_folder(tmp_path / "empty")
    (tmp_path / "empty" / known_archives.name).symlink_to(known_archives, target_is_directory=True)
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "empty"))
    monkeypatch.setattr(library, "_libraries", {})
    monkeypatch.setattr(library, "_missing", set())
    compiled = []

    def copy(command, flags, source, path):
        compiled.append(source.stem)
        shutil.copyfile(compiled_kernels / path.name, path)
        path.chmod(0o700)

    monkeypatch.setattr(compiler, "_compile", copy)
    return compiled


def answers(stdout):
    """Labels, and probabilities without the digits in which kernels differ."""
    records = [json.loads(line) for line in stdout.splitlines()]
    return [(each.get("label"), round(each.get("probability", 0), 4), "error" in each) for each in records]


def test_a_few_texts_build_nothing_and_have_the_same_answers(run, archive, compiled, monkeypatch, tmp_path):
    first = run("predict", archive, "-", text=TEXTS)
    assert first.returncode == 1, "a line is empty"
    assert run("explain", archive, "a warm film", "--task", "books").returncode == 0
    assert run("evaluate", archive).returncode == 0
    assert run("report", archive.parent).returncode == 0
    assert not compiled and "building" not in first.stderr
    assert not list((tmp_path / "empty").glob("kernels/*.so"))
    monkeypatch.setattr(postponing, "MOST_SECONDS", 0.0)
    then = run("predict", archive, "-", text=TEXTS)
    assert compiled == ["recurrence"]
    assert answers(first.stdout) == answers(then.stdout)
    assert then.stderr.count("building the compiled recurrence for this machine") == 1


def test_a_library_of_the_cache_runs_from_the_first_text(run, archive, compiled, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setattr(postponing, "MOST_SECONDS", 0.0)
        assert "building" in run("predict", archive, "-", text=TEXTS).stderr
    library._libraries.clear()  # as in another process
    library._missing.clear()
    assert "building" not in run("predict", archive, "-", text=TEXTS).stderr
    assert compiled == ["recurrence"] and list(library._libraries) == ["recurrence.cpp"]


@pytest.mark.parametrize("verb", ["evaluate", "explain", "report"])
def test_every_verb_that_runs_a_model_says_that_it_builds(run, archive, compiled, monkeypatch, verb):
    monkeypatch.setattr(postponing, "MOST_SECONDS", 0.0)
    arguments = {"explain": ["a warm film", "--task", "books"]}.get(verb, [])
    result = run(verb, archive.parent, *arguments)
    assert result.returncode == 0, result.stderr
    assert compiled == ["recurrence"] and result.stderr.count("building the compiled recurrence") == 1


def test_training_says_that_it_builds(run, archive, compiled, write, experiment, tmp_path):
    experiment["trainer"]["epochs"] = 1
    result = run("train", write(experiment), "-s", tmp_path / "other")
    assert result.returncode == 0, result.stderr
    assert compiled == ["recurrence"] and result.stderr.count("building the compiled recurrence") == 1
    assert json.loads((tmp_path / "other" / "meta.json").read_text())["ran"] == {"recurrence": "compiled"}


def test_an_archive_in_memory_builds_when_it_pays(archive, compiled, monkeypatch):
    told = []
    loaded = load_archive(archive, say=told.append)
    first = loaded.predict(["a warm film"], "books")
    assert not compiled and not told
    monkeypatch.setattr(postponing, "MOST_SECONDS", 0.0)
    then = loaded.predict(["a warm film"], "books")
    assert compiled == ["recurrence"] and len(told) == 1
    assert first[0]["label"] == then[0]["label"] and abs(first[0]["probability"] - then[0]["probability"]) < 1e-5
    monkeypatch.setattr(postponing, "MOST_SECONDS", 1e9)
    again = load_archive(archive)  # what is loaded is used, whatever it saves
    again.predict(["a warm film"], "books")
    recurrence = choice.recurrence_for(torch.device("cpu"), again._archive.model_for("books").compute, 0.0)
    assert recurrence.name == "compiled"
