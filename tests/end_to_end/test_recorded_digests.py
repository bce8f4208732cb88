"""The digests in `meta.json` are those of the bytes that were used, whatever happens to the files meanwhile."""

import json
import os
from pathlib import Path

import pytest

import mtlkit
from mtlkit.data import Corpus
from mtlkit.errors import DataError
from mtlkit.files import file_sha256


class At:
    """Receives what a run says, and does something once when a line begins with these words."""

    def __init__(self, beginning, action):
        self.beginning, self.action, self.is_done = beginning, action, False

    def __call__(self, line):
        if line.startswith(self.beginning) and not self.is_done:
            self.is_done = True
            self.action()


@pytest.fixture
def small(experiment):
    experiment["trainer"] = {"epochs": 1}
    return experiment


def append(path):
    with Path(path).open("a") as file:
        file.write("positive\tone more film\n")


def test_a_file_that_grows_after_it_was_read_is_recorded_as_it_was_read(small, tmp_path):
    path = small["tasks"]["books"]["train"]
    before = file_sha256(Path(path))
    say = At("vocabulary:", lambda: append(path))
    mtlkit.train(small, tmp_path / "run", say=say)
    meta = json.loads((tmp_path / "run" / "meta.json").read_text())
    assert say.is_done and meta["data"][path] == before != file_sha256(Path(path))
    assert meta["texts"]["books"]["train"]["read"] == 60
    with pytest.raises(mtlkit.errors.RunError, match=r"the data changed since the run was begun: .*books\.train\.tsv"):
        mtlkit.train(small, tmp_path / "run", resume=True)


@pytest.mark.parametrize("kept", [False, True], ids=["first time", "from the cache"])
def test_a_file_that_grows_while_it_is_read_is_refused(small, tmp_path, monkeypatch, kept):
    if kept:
        mtlkit.train(small, tmp_path / "before")
        append(small["tasks"]["books"]["train"])
    from_instances = Corpus.from_instances

    def read(instances, kind):
        corpus = from_instances(instances, kind)
        append(small["tasks"]["books"]["train"])
        return corpus

    monkeypatch.setattr(Corpus, "from_instances", read)
    message = r"^tasks\.books\.train: .*books\.train\.tsv: changed while it was read; start again when nothing writes"
    with pytest.raises(DataError, match=message):
        mtlkit.train(small, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_file_that_two_tasks_share_must_not_change_between_them(small, tmp_path):
    shared = small["tasks"]["films"]["train"] = small["tasks"]["books"]["train"]
    with pytest.raises(DataError, match=r"books\.train\.tsv: changed while it was read; start again"):
        mtlkit.train(small, tmp_path / "run", say=At("reading films", lambda: append(shared)))
    assert not (tmp_path / "run").exists()


def test_vectors_that_change_before_they_are_read_are_refused(small, tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("good 1 2\nbad 3 4\n")
    small["vocabulary"] = {"pretrained": str(path)}
    small["model"]["embedder"]["dim"] = 2
    say = At("reading vectors", lambda: path.write_text("good 5 6\nbad 7 8\n"))
    with pytest.raises(DataError, match=r"vectors\.txt: changed while it was read"):
        mtlkit.train(small, tmp_path / "run", say=say)
    assert say.is_done and not (tmp_path / "run").exists()
    mtlkit.train(small, tmp_path / "run")
    assert json.loads((tmp_path / "run" / "meta.json").read_text())["data"][str(path)] == file_sha256(path)


def test_an_archive_that_is_replaced_before_its_weights_are_taken_is_refused(small, tmp_path):
    runs = [mtlkit.train({**small, "seed": seed}, tmp_path / f"first{seed}") for seed in (1, 2)]
    archive = tmp_path / "begin.tar.gz"
    archive.write_bytes(runs[0].archive.read_bytes())
    small["model"]["pretrained"] = [{"archive": str(archive), "parameters": ["^sharing"]}]
    say = At("vocabulary:", lambda: archive.write_bytes(runs[1].archive.read_bytes()))
    with pytest.raises(DataError, match=r"begin\.tar\.gz: changed while it was read"):
        mtlkit.train(small, tmp_path / "run", say=say)
    assert say.is_done and not (tmp_path / "run").exists()
    mtlkit.train(small, tmp_path / "run")
    assert json.loads((tmp_path / "run" / "meta.json").read_text())["data"][str(archive)] == file_sha256(archive)


@pytest.mark.parametrize("verb", [("check",), ("train",), ("data", "stats")])
def test_a_pipe_is_refused_and_not_waited_for(small, write, run, tmp_path, verb):
    os.mkfifo(tmp_path / "pipe")
    small["tasks"]["books"]["dev"] = str(tmp_path / "pipe")
    result = run(*verb, write(small))
    assert result.returncode == 2
    assert "tasks.books.dev: " in result.stderr and "is a pipe or a device, and has to be read more" in result.stderr
