"""Work in a folder that a stranger has prepared, and beside a cache that others can write to: none of what lies there
is run or read.

`tests/traps.py` has the modules. Here are a repository that is set up to run programs, files in which tools look for
settings, programs with the names of those that are started, and a library in the place of a compiled kernel.
"""

import os
import random
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mtlkit.files import file_sha256
from mtlkit.process.children import find_program
from tests.soak.counts import Counts
from tests.soak.verdicts import Ended
from tests.soak.workplace import Try, Workplace, soak_in_a_workplace
from tests.traps import Trap

LEAST = 12
MODULES = (
    *(
        "pip",
        "rich",
        "jinja2",
        "selectors",
        "sitecustomize",
        "usercustomize",
        "torch",
        "numpy",
        "mtlkit",
        "json",
        "_jsonnet",
    ),
    *("matplotlib", "sklearn", "typer", "regex", "safetensors", "optuna", "conftest", "setup", "secrets", "tempfile"),
)
PROGRAMS = (
    "git",
    "uname",
    "c++",
    "g++",
    "clang++",
    "cc",
    "ld",
    "as",
    "python",
    "python3",
    "sh",
    "less",
    "tput",
    "nvidia-smi",
)
SETTINGS = {
    "matplotlibrc": "backend: module://mtlkit_evil\n",
    ".env": "PYTHONSTARTUP=./torch.py\nPYTHONPATH=.\nMTLKIT_CACHE=.\n",
    "pyproject.toml": '[project]\nname = "evil"\n[tool.pytest.ini_options]\naddopts = "-p mtlkit_evil"\n',
    "setup.cfg": "[metadata]\nname = evil\n",
    "pip.conf": "[global]\nindex-url = http://127.0.0.1:9/\n",
    "pytest.ini": "[pytest]\naddopts = -p mtlkit_evil\n",
    "evil.pth": "import mtlkit_evil\n",
    "pyvenv.cfg": "home = .\n",
    "__pycache__/rich.cpython-311.pyc": "",
}
GIT = """[core]
\tfsmonitor = {canary}
\thooksPath = hooks
\tpager = {canary}
\tsshCommand = {canary}
\teditor = {canary}
\taskPass = {canary}
\tattributesFile = attributes
\tworktree = ..
[diff]
\texternal = {canary}
[credential]
\thelper = {canary}
[filter "evil"]
\tclean = {canary}
\tsmudge = {canary}
\tprocess = {canary}
\trequired = true
[diff "evil"]
\ttextconv = {canary}
\tcommand = {canary}
[alias]
\tstatus = !{canary}
\trev-parse = !{canary}
[include]
\tpath = {more}
[remote "origin"]
\turl = ext::{canary}
\tpromisor = true
[extensions]
\tpartialClone = origin
"""
HOOKS = ("post-index-change", "fsmonitor-watchman", "pre-commit", "reference-transaction", "post-checkout")
LIBRARY = (
    '#include <cstdio>\n__attribute__((constructor)) static void run() {{ std::fclose(std::fopen("{told}", "w")); }}\n'
)


def soak(seconds: float, seed: int, least: int = LEAST) -> Counts:
    """Tries for so many seconds, but at least so many commands."""
    return soak_in_a_workplace(attempt, "trap_folders", seconds, seed, least)


def attempt(workplace: Workplace, generator: random.Random, name: str) -> None:
    """Prepares the folder, and runs a command in it."""
    folder, told = workplace.new_stranger(), workplace.told
    prepare(folder, told)
    verb = generator.choice([*VERBS])
    words, environment = VERBS[verb](workplace), _search_path(generator)
    if generator.random() < 0.25:
        environment = (*environment, *open_cache(folder, told, generator))
    what = Try(f"{name} ({verb})", words, b"fine film\n", folder, environment)
    workplace.attempt(what, partial(_in_a_process, workplace) if generator.random() < 0.25 else None)


def prepare(folder: Path, told: Path) -> None:
    """Fills a folder with traps, which leave a file each in `told`."""
    Trap(folder, told, MODULES)
    for prepare_kind in (_settings, _programs, _repository):
        prepare_kind(folder, told)


def _settings(folder: Path, told: Path) -> None:
    del told
    for name, text in SETTINGS.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def _programs(folder: Path, told: Path) -> None:
    (folder / "bin").mkdir()
    for name in PROGRAMS:
        for path in (folder / name, folder / "bin" / name):
            _program(path, told / f"{path.parent.name}-{name}")


def _program(path: Path, told: Path) -> None:
    path.write_text(f"#!/bin/sh\n: > '{told}'\nexit 1\n")
    path.chmod(0o755)


def _repository(folder: Path, told: Path) -> None:
    """A repository of one commit, and then the settings, so that making it runs nothing."""
    if (git := find_program("git")) is None:
        return
    identity = ("-c", "user.name=n", "-c", "user.email=e", "-c", "init.defaultBranch=main")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    (folder / "file.txt").write_text("one\n")
    for arguments in (("init", "--quiet"), ("add", "file.txt"), ("commit", "--quiet", "--message", "one")):
        subprocess.run([git, *identity, *arguments], cwd=folder, env=environment, check=True, capture_output=True)
    canary = folder / ".git" / "canary"
    _program(canary, told / "git-setting")
    for hooks in (folder / "hooks", folder / ".git" / "hooks"):
        hooks.mkdir(exist_ok=True)
        for name in HOOKS:
            _program(hooks / name, told / f"git-hook-{name}")
    (folder / ".git" / "more").write_text(f'[filter "more"]\n\tclean = {canary}\n')
    (folder / ".gitattributes").write_text("* filter=evil diff=evil\n*.txt filter=more\n")
    (folder / ".git" / "config").write_text(GIT.format(canary=canary, more=folder / ".git" / "more"))
    os.utime(folder / "file.txt", (1, 1))  # so that git would look into it again


def _search_path(generator: random.Random) -> tuple[tuple[str, str], ...]:
    """Empty and relative entries, as of `PATH=$MORE:$PATH` where MORE is not set."""
    usual = os.environ.get("PATH", os.defpath)
    return (
        ("PATH", generator.choice((usual, f":{usual}", f".:bin:{usual}", f"{usual}:"))),
        *((("PYTHONPATH", f":{os.environ.get('PYTHONPATH', '')}"),) if generator.random() < 0.5 else ()),
    )


def open_cache(folder: Path, told: Path, generator: random.Random) -> tuple[tuple[str, str], ...]:
    """A cache that others can write to, in which every kernel is a library that leaves a trace."""
    cache = folder / "cache"
    (cache / "kernels").mkdir(parents=True)
    compiler = next(filter(None, map(find_program, ("c++", "g++", "clang++"))), None)
    real = (
        Path(os.environ["MTLKIT_CACHE"]).expanduser()
        if "MTLKIT_CACHE" in os.environ
        else Path("~/.cache/mtlkit").expanduser()
    )
    if compiler is not None and real.exists():
        source, library = folder / "library.cpp", folder / "library.so"
        source.write_text(LIBRARY.format(told=told / "library"))
        subprocess.run([compiler, "-shared", "-fPIC", source, "-o", library], check=True, capture_output=True)
        for kernel in (real / "kernels").rglob("*.so"):
            copy = cache / "kernels" / kernel.relative_to(real / "kernels")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, copy)
            copy.with_suffix(".sha256").write_text(file_sha256(copy))
    opened = generator.choice((cache, cache / "kernels"))
    opened.chmod(opened.stat().st_mode | stat.S_IWOTH | stat.S_IWGRP)
    return (("MTLKIT_CACHE", str(cache)),)


def _in_a_process(workplace: Workplace, what: Try) -> Ended:
    """Runs a command as it starts when it is installed, with its imports still ahead. Python's path has no empty entry:
    Python itself would look for `sitecustomize` there before it runs anything.
    """
    environment = {**os.environ, **dict(workplace.environment), **dict(what.environment)}
    named = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), *named])
    command = [sys.executable, "-P", "-m", "mtlkit", *map(str, what.words)]
    done = subprocess.run(command, cwd=what.folder, env=environment, input=what.input, capture_output=True, timeout=300)
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode(errors="surrogateescape"), [])


VERBS: dict[str, Callable[[Workplace], list[str | Path]]] = {
    "train": lambda at: ["train", at.mine / "e.json", "-s", at.out / "run", "-o", "trainer.epochs=1"],
    "sweep": lambda at: [
        *("sweep", at.mine / "e.json", "-s", at.out / "sweep", "--seeds", "2", "--processes", "2"),
        *("-o", "trainer.epochs=1"),
    ],
    "transfer": lambda at: [
        *("transfer", at.mine / "e.json", "--leave-out", "all", "-s", at.out / "folds", "--processes", "2"),
        *("-o", "trainer.epochs=1"),
    ],
    "report": lambda at: ["report", at.mine / "run", "-o", at.out / "page.html"],
    "evaluate": lambda at: ["evaluate", at.mine / "run"],
    "predict": lambda at: ["predict", at.mine / "run", "-"],
    "check": lambda at: ["check", at.mine / "e.json"],
    "include a package": lambda at: ["check", at.mine / "e.json", "--include-package", "json"],
    "compare": lambda at: ["compare", at.mine / "run", at.mine / "other"],
    "plugins": lambda at: ["plugins"],
    "data fetch": lambda at: ["data", "fetch", "vader", "--from", at.mine / "e.json"],
}
