"""The commit of the git repository in the current folder, read without running anything that the repository names.

A folder that a stranger delivers may have a `.git/config` of its own, and git runs much of what it names: file-system
monitors, hooks, filters, helpers of transports, programs for credentials. `git status` alone runs the first three, and
fetches a missing object from wherever the repository says.
"""

import subprocess
from typing import Any

from mtlkit.process.children import child_environment, find_program

SECONDS = 10
MOST_FILTERS = 50
OFF = {
    "core.fsmonitor": "",  # empty and not `false`, which an old git would take for a program
    "core.hooksPath": "/dev/null",
    "core.pager": "cat",
    "core.sshCommand": "false",
    "core.askPass": "",
    "credential.helper": "",
    "diff.external": "",
    "protocol.allow": "never",
    "safe.bareRepository": "explicit",  # a folder with HEAD, objects and refs would be a repository by itself
    "submodule.recurse": "false",
}
"""Settings that are given by `-c`, which counts for more than any file."""
ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",  # counts for more than `protocol.ext.allow` of the repository
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",  # the index is not refreshed, after which a hook would be run
    "GIT_TERMINAL_PROMPT": "0",
}


def git_state() -> dict[str, Any] | None:
    """The commit of the repository that the current folder is in, and whether files differ from it.

    Files that are not tracked count as well, unless they are ignored. Filters do not run, so a file that one would
    change, as Git LFS does, may count as different once its times have changed. Changes inside submodules are not seen.

    Returns:
        `commit`, and `dirty`, which is None where git cannot tell without running a program of the repository's; None
        where there is no git, no repository or no commit.
    """
    program = find_program("git")
    if program is None:
        return None
    try:
        commit = _git(program, OFF, "rev-parse", "--verify", "HEAD").strip()
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "dirty": _is_dirty(program)}


def _is_dirty(program: str) -> bool | None:
    try:
        filters = _filters(program)
        if filters is None:
            return None
        # With `dirty`, git does not ask in submodules, where the settings of this command would not be in force.
        status = _git(program, OFF | filters, "status", "--porcelain", "-z", "--ignore-submodules=dirty")
    except (OSError, subprocess.SubprocessError):
        return None
    return bool(status)


def _filters(program: str) -> dict[str, str] | None:
    """Settings that switch off each filter; None if they cannot be given.

    There is none that switches off all of them, so the configuration, of which reading runs nothing, is asked for their
    names.
    """
    listed = _git(program, OFF, "config", "--null", "--list", "--name-only")
    names = {name.rpartition(".")[0] for name in listed.split("\0") if name.startswith("filter.")} - {"filter"}
    if len(names) > MOST_FILTERS or any("=" in name or "\n" in name for name in names):
        return None
    values = {"clean": "", "smudge": "", "process": "", "required": "false"}
    return {f"{name}.{key}": value for name in sorted(names) for key, value in values.items()}


def _git(program: str, settings: dict[str, str], *arguments: str) -> str:
    given = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    done = subprocess.run(
        [program, "--no-pager", *given, *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="surrogateescape",  # as the arguments of the next command are encoded
        check=True,
        timeout=SECONDS,
        env=child_environment() | ENVIRONMENT,
    )
    return done.stdout
