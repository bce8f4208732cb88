"""Passwords on the command line: no file of a run and no message has them."""

import gzip
import json
import sys
import tarfile
from pathlib import Path

import pytest

from mtlkit.cli.options import command_as_given, command_to_go_on
from mtlkit.runs import RunDirectory
from mtlkit.runs.provenance import provenance

PASSWORD = "hunter2" * 3
URL = f"nosuch://me:{PASSWORD}@host/db"


def has_password(folder: Path) -> list[str]:
    """The files, and the members of archives, in which the password stands."""
    found = []
    for file in (path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        if file.suffix == ".gz":
            content = gzip.decompress(content)
        if PASSWORD.encode() in content:
            found.append(str(file))
    return found


def test_what_a_run_leaves_has_no_password(run, experiment, tmp_path):
    experiment["trainer"]["epochs"] = 1
    file, directory = tmp_path / "experiment.jsonnet", tmp_path / "run"
    file.write_text(f"assert std.extVar('hub_token') != std.extVar('url'); {json.dumps(experiment)}")
    told = run("train", file, "-s", directory, "--str", f"hub_token={PASSWORD}", "--str", f"url={URL}")
    assert told.returncode == 0, told.stderr
    assert PASSWORD not in told.stdout + told.stderr and has_password(directory) == []
    with tarfile.open(directory / "archive.tar.gz") as archive:
        command = json.load(archive.extractfile("meta.json"))["command"]
    assert "hub_token=***" in command and "url=nosuch://me:***@host/db" in command


@pytest.fixture
def older(archive):
    """The directory of a run of an older version, which has kept the password."""
    meta = archive.parent / "meta.json"
    content = json.loads(meta.read_text())
    meta.write_text(json.dumps({**content, "command": ["mtlkit", "train", "a.json", "--str", f"url={URL}"]}))
    return archive.parent


@pytest.mark.slow(seconds=8)
def test_what_is_told_of_an_older_run_has_no_password(run, older, archive, tmp_path):
    told = run("diff", "--all", older, archive)
    assert told.returncode in (0, 1) and "***" in told.stdout
    assert PASSWORD not in told.stdout + told.stderr
    page = tmp_path / "page.html"
    assert run("report", older, "-o", page).returncode == 0
    assert "nosuch://me:***@host/db" in page.read_text() and PASSWORD not in page.read_text()
    RunDirectory(older).add_meta({})
    assert has_password(older) == []


def test_a_storage_that_is_refused_shows_no_password(run, experiment, write, tmp_path):
    told = run("sweep", write(experiment), "-s", tmp_path / "sweep", "--storage", URL)
    assert told.returncode == 2 and "--storage: cannot be used" in told.stderr
    assert PASSWORD not in told.stdout + told.stderr


def test_the_command_to_go_on_shows_no_password(monkeypatch):
    given = ["mtlkit", "sweep", "a.json", "--storage", URL]
    monkeypatch.setattr(sys, "argv", given)
    shown = "mtlkit sweep a.json --storage 'nosuch://me:***@host/db'"
    assert command_as_given() == f"{shown} (with what *** stands for)"
    assert command_to_go_on(True) == f"{shown} --resume (with what *** stands for)"
    assert provenance([])["command"] == [*given[:-1], "nosuch://me:***@host/db"]
    monkeypatch.setattr(sys, "argv", given[:3])
    assert command_as_given() == "mtlkit sweep a.json"
