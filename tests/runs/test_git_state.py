"""The git state of the current folder, also of a repository that is set up to run programs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mtlkit.runs.git_state import git_state

pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="there is no git"),
    pytest.mark.skipif(sys.platform == "win32", reason="the canaries are scripts of a shell"),
]
IDENTITY = (
    "-c",
    "user.name=n",
    "-c",
    "user.email=e",
    "-c",
    "init.defaultBranch=main",
    "-c",
    "protocol.file.allow=always",
)


def git(*arguments: str, cwd: Path | None = None) -> str:
    command = ["git", *IDENTITY, *arguments]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """The current folder: a repository with one commit, read with no settings but its own."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init")
    (folder / "file.txt").write_text("one\n")
    git("add", "file.txt")
    git("commit", "--message", "one")
    return folder


def test_the_commit_and_whether_it_is_clean(repository):
    commit = git("rev-parse", "HEAD")
    assert git_state() == {"commit": commit, "dirty": False}
    (repository / "file.txt").write_text("two\n")
    assert git_state() == {"commit": commit, "dirty": True}
    git("checkout", "file.txt")
    (repository / "more.txt").write_text("")
    assert git_state() == {"commit": commit, "dirty": True}
    (repository / ".git" / "info" / "exclude").write_text("more.txt\n")
    assert git_state() == {"commit": commit, "dirty": False}
    os.chdir(repository.parent)
    assert git_state() is None


def test_a_folder_within_the_repository(repository, monkeypatch):
    (repository / "deeper").mkdir()
    monkeypatch.chdir(repository / "deeper")
    state = git_state()
    assert state is not None and state["commit"] == git("rev-parse", "HEAD")


def test_a_repository_without_a_commit_and_a_machine_without_git(repository, monkeypatch):
    shutil.rmtree(repository / ".git")
    git("init")
    assert git_state() is None
    monkeypatch.setenv("PATH", "")
    assert git_state() is None


def test_a_filter_that_cannot_be_switched_off(repository):
    """Its name has the sign that ends a name in `-c NAME=VALUE`."""
    git("config", "filter.a=b.clean", "cat")
    assert git_state() == {"commit": git("rev-parse", "HEAD"), "dirty": None}


def test_filters_without_number(repository):
    with (repository / ".git" / "config").open("a") as file:
        file.writelines(f'[filter "f{number}"]\n\tclean = cat\n' for number in range(5000))
    assert git_state() == {"commit": git("rev-parse", "HEAD"), "dirty": None}


def touched(repository: Path) -> None:
    """Lets git look into the file again."""
    os.utime(repository / "file.txt", (1, 1))


def monitor(repository: Path, canary: str) -> None:
    git("config", "core.fsmonitor", canary)


def hook(repository: Path, canary: str) -> None:
    shutil.copy(canary, repository / ".git" / "hooks" / "post-index-change")
    touched(repository)


def hook_elsewhere(repository: Path, canary: str) -> None:
    (repository / "hooks").mkdir()
    shutil.copy(canary, repository / "hooks" / "post-index-change")
    git("config", "core.hooksPath", "hooks")
    touched(repository)


def clean_filter(repository: Path, canary: str) -> None:
    (repository / ".gitattributes").write_text("* filter=evil\n")
    git("config", "filter.evil.clean", canary)
    touched(repository)


def filter_process(repository: Path, canary: str) -> None:
    (repository / ".gitattributes").write_text("* filter=Evil.one\n")
    git("config", "filter.Evil.one.process", canary)
    git("config", "filter.Evil.one.required", "true")
    touched(repository)


def included_filter(repository: Path, canary: str) -> None:
    (repository / ".git" / "info" / "attributes").write_text("* filter=evil\n")
    (repository / "more").write_text(f'[FILTER "evil"]\n\tClean = {canary}\n')
    git("config", "includeIf.gitdir:**.path", str(repository / "more"))
    touched(repository)


def filter_of_the_worktree(repository: Path, canary: str) -> None:
    (repository / ".gitattributes").write_text("* filter=evil\n")
    git("config", "extensions.worktreeConfig", "true")
    git("config", "--worktree", "filter.evil.clean", canary)
    touched(repository)


def submodule(repository: Path, canary: str) -> None:
    shutil.copytree(repository, repository.parent / "other")
    git("submodule", "add", str(repository.parent / "other"), "inner")
    git("commit", "--message", "two")
    git("config", "core.fsmonitor", canary, cwd=repository / "inner")


def other_transport(repository: Path, canary: str) -> None:
    """A commit whose tree is missing, and is to be got from a remote that is a program."""
    git("config", "extensions.partialClone", "origin")
    git("config", "remote.origin.promisor", "true")
    git("config", "remote.origin.url", f"ext::{canary}")
    git("config", "protocol.ext.allow", "always")
    tree = git("rev-parse", "HEAD^{tree}")
    (repository / ".git" / "objects" / tree[:2] / tree[2:]).unlink()


def ssh_command(repository: Path, canary: str) -> None:
    other_transport(repository, canary)
    git("config", "remote.origin.url", "ssh://localhost/nowhere")
    git("config", "core.sshCommand", canary)
    git("config", "ssh.variant", "ssh")


def upload_pack(repository: Path, canary: str) -> None:
    other_transport(repository, canary)
    git("config", "remote.origin.url", str(repository))
    git("config", "remote.origin.uploadpack", canary)


def bare_repository(repository: Path, canary: str) -> None:
    """The current folder is what is otherwise in `.git`."""
    for path in list((repository / ".git").iterdir()):
        path.rename(repository / path.name)
    (repository / ".git").rmdir()
    git("config", "--file", "config", "core.bare", "false")
    git("config", "--file", "config", "core.worktree", str(repository))
    git("config", "--file", "config", "core.fsmonitor", canary)


def others(repository: Path, canary: str) -> None:
    """Programs that the commands used do not run, and that a later change must not run either."""
    (repository / ".gitattributes").write_text("* diff=evil merge=evil\n")
    for name in ("core.pager", "core.editor", "core.askPass", "diff.external", "diff.evil.textconv", "gpg.program"):
        git("config", name, canary)
    for name in ("diff.evil.command", "merge.evil.driver", "core.alternateRefsCommand", "core.gitProxy"):
        git("config", name, canary)
    for name in ("alias.status", "alias.rev-parse", "alias.config", "credential.helper"):
        git("config", name, f"!{canary}")
    git("config", "pager.status", "true")
    git("config", "pager.config", canary)
    git("config", "status.submoduleSummary", "true")
    touched(repository)


ALIVE = (
    *(monitor, hook, hook_elsewhere, clean_filter, filter_process, included_filter, filter_of_the_worktree),
    *(submodule, other_transport, ssh_command, upload_pack, bare_repository),
)
"""Kinds that `git status` alone would run."""


@pytest.fixture
def canary(tmp_path):
    """A program that leaves a file, and the place of that file."""
    program, told = tmp_path / "canary", tmp_path / "told"
    program.write_text(f"#!/bin/sh\ntouch '{told}'\n")
    program.chmod(0o755)
    return str(program), told


@pytest.mark.parametrize("kind", [*ALIVE, others])
def test_nothing_that_a_repository_configures_is_run(repository, canary, kind):
    program, told = canary
    kind(repository, program)
    told.unlink(missing_ok=True)  # preparing it may have run it
    state = git_state()
    assert not told.exists()
    assert (state is None) == (kind is bare_repository)


@pytest.mark.slow(seconds=1)
@pytest.mark.parametrize("kind", ALIVE)
def test_the_canaries_are_alive(repository, canary, kind):
    program, told = canary
    kind(repository, program)
    told.unlink(missing_ok=True)
    subprocess.run(["git", "status", "--porcelain"], capture_output=True, stdin=subprocess.DEVNULL)
    assert told.exists()
