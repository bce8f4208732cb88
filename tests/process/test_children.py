"""Programs that mtlkit starts: what lies in the current folder has no say in them."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mtlkit
from mtlkit.process.children import child_environment, find_program, python_command
from tests.traps import INSTALLED, Trap

ROOT = Path(mtlkit.__file__).parent


@pytest.fixture
def trap(tmp_path, monkeypatch):
    """The current folder is a trap."""
    (tmp_path / "here").mkdir()
    (tmp_path / "told").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return Trap(tmp_path / "here", tmp_path / "told")


def test_a_module_that_is_run_is_the_installed_one(trap):
    code = "import rich, selectors, typer, json; print('fine')"
    done = subprocess.run(python_command("-c", code), capture_output=True, text=True, env=child_environment())
    assert (done.stdout, trap.ran) == ("fine\n", set())


def test_the_trap_is_alive(trap):
    subprocess.run([sys.executable, "-c", "import rich"], env=child_environment())
    assert trap.ran == {"rich"}


def test_an_empty_entry_of_a_search_path_is_left_out(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", f"{os.pathsep}/one{os.pathsep}{os.pathsep}/two{os.pathsep}")
    monkeypatch.setenv("CPLUS_INCLUDE_PATH", os.pathsep)
    monkeypatch.setenv("MTLKIT_OTHER", ":as it is:")
    found = child_environment()
    assert found["PYTHONPATH"] == f"/one{os.pathsep}/two"
    assert "CPLUS_INCLUDE_PATH" not in found
    assert found["MTLKIT_OTHER"] == ":as it is:"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell programs by their permissions")
def test_a_program_is_looked_for_in_folders_that_are_named_in_full(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    for program in (tmp_path / "c++", tmp_path / "bin" / "c++"):
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.pathsep}bin")
    assert find_program("c++") is None
    monkeypatch.setenv("PATH", f".{os.pathsep}{tmp_path / 'bin'}")
    assert find_program("c++") == str(tmp_path / "bin" / "c++")


def faults(source: str) -> list[str]:
    """The places in a module that start a program in which the current folder may have a say."""
    nodes = list(ast.walk(ast.parse(source)))
    lists = [[ast.unparse(item) for item in node.elts] for node in nodes if isinstance(node, ast.List) and node.elts]
    isolated = any(words[:2] == ["sys.executable", "'-I'"] for words in lists)
    found = [f"{words}" for words in lists if words[0] == "sys.executable" and words[1:2] != ["'-I'"]]
    for node in nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("subprocess.run", "subprocess.Popen"):
            given = " ".join(ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg == "env")
            found += [] if isolated or "child_environment()" in given else [f"line {node.lineno}"]
        if isinstance(node, ast.Import | ast.ImportFrom) and re.match(r"\w+ multiprocessing\b", ast.unparse(node)):
            found.append(f"line {node.lineno}")  # its children look for modules in the current folder
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("shutil.which", "os.system", "os.popen"):
            found.append(f"line {node.lineno}")
    return found


def test_every_start_of_a_program_goes_through_here():
    """A later `subprocess.run([sys.executable, "-m", ...])` would open the hole again."""
    shown = {"children.py", "options.py"}  # the place for it, and one that only shows a command
    modules = [path for path in sorted(ROOT.rglob("*.py")) if path.name not in shown]
    found = {str(path): faults(path.read_text(encoding="utf-8")) for path in modules}
    assert not {path: places for path, places in found.items() if places}


@pytest.mark.parametrize(
    "code",
    [
        'subprocess.run([sys.executable, "-m", "pip"], env=child_environment())',
        'subprocess.Popen(["git", "status"], env={})',
        'subprocess.run(["git", "status"])',
        'shutil.which("c++")',
        "from multiprocessing import Pool",
    ],
)
def test_a_start_that_does_not_go_through_here_is_found(code):
    assert faults(code)


def in_a_trap_for_installed_modules(tmp_path, *command):
    """Runs a command where PYTHONPATH has an empty entry; Python itself could not start if the trap had `encodings`."""
    (tmp_path / "here").mkdir()
    (tmp_path / "told").mkdir()
    trap = Trap(tmp_path / "here", tmp_path / "told", INSTALLED)
    path = os.pathsep.join([str(ROOT.parent), ""])
    done = subprocess.run(
        [sys.executable, *command],
        cwd=trap.folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    return done, trap.ran


@pytest.mark.parametrize("command", [("-m", "mtlkit"), ("-c", "from mtlkit.__main__ import main; main()")])
def test_the_command_imports_nothing_from_the_current_folder(tmp_path, command):
    done, ran = in_a_trap_for_installed_modules(tmp_path, *command, "--version")
    assert (done.stdout.strip(), ran) == (mtlkit.__version__, set()), done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell programs by their permissions")
def test_a_library_starts_no_program_of_the_current_folder(tmp_path):
    """Python itself starts `uname` when it is asked for the platform."""
    (tmp_path / "uname").write_text(f"#!/bin/sh\ntouch '{tmp_path / 'told'}'\n")
    (tmp_path / "uname").chmod(0o755)
    told = []
    for imports in ("", "import mtlkit.__main__; "):
        code = f"{imports}import subprocess; subprocess.run(['uname'])"
        path = os.pathsep.join([".", "", os.environ["PATH"]])
        environment = {**os.environ, "PYTHONPATH": str(ROOT.parent), "PATH": path}
        subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, env=environment, capture_output=True)
        told.append((tmp_path / "told").exists())
        (tmp_path / "told").unlink(missing_ok=True)
    assert told == [True, False]


def test_a_folder_that_pythonpath_names_stays_on_the_path(tmp_path):
    code = "import mtlkit.__main__, mine; print(mine.VALUE)"
    (tmp_path / "mine.py").write_text("VALUE = 3\n")
    path = os.pathsep.join([str(ROOT.parent), "", str(tmp_path)])
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "3\n", done.stderr
