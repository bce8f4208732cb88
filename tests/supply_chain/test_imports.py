"""What mtlkit imports reads no pickle and opens no socket on import, so that a new version that does is noticed."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from mtlkit import cli

WATCHED = Path(__file__).with_name("watched_imports.py")
ROOT = Path(cli.__file__).parents[1]
OPTIONAL = ["jinja2", "matplotlib.pyplot", "optuna", "sklearn", "sklearn.decomposition", "sklearn.manifold", "spacy"]
NEEDS_TRITON = "mtlkit.kernels.recurrence.persistent."
KNOWN = [
    r"socket\.__new__ at urllib3/util/connection\.py:\d+",
    r"socket\.bind \('::1', 0\) at urllib3/util/connection\.py:\d+",
]
"""urllib3 asks the system whether it has IPv6: a socket that is bound to this machine, and closed, sends nothing."""
CANARIES = {
    r"socket\.connect \('127": "import socket; socket.socket().connect_ex(('127.0.0.1', 9))",
    "pickle.loads": "import pickle; pickle.loads(pickle.dumps({}))",
    "pickle.find_class": "import pickle, io; pickle.Unpickler(io.BytesIO(pickle.dumps(io.BytesIO))).load()",
}


def seen(*modules: str, path: Path = ROOT.parent) -> list[str]:
    """What is read and opened while these modules are imported, in a process of their own."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(path), *filter(None, sys.path)]),
        "MPLBACKEND": "agg",
    }
    done = subprocess.run([sys.executable, "-P", WATCHED, *modules], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow(seconds=20)
def test_imports_read_no_pickle_and_open_no_socket() -> None:
    files = [path.relative_to(ROOT.parent).with_suffix("") for path in sorted(ROOT.rglob("*.py"))]
    programs = {"mtlkit.__main__", "mtlkit.data.download_by_pip"}
    modules = [name for path in files if (name := ".".join(path.parts).removesuffix(".__init__")) not in programs]
    assert "mtlkit.training.trainer" in modules
    if find_spec("triton") is None:
        modules = [name for name in modules if not name.startswith(NEEDS_TRITON)]
    found = seen(*modules, *(name for name in OPTIONAL if find_spec(name.partition(".")[0])))
    assert [line for line in found if not any(re.fullmatch(known, line) for known in KNOWN)] == []


@pytest.mark.parametrize("what", CANARIES)
def test_the_canaries_are_alive(what: str, tmp_path: Path) -> None:
    (tmp_path / "canary_of_imports.py").write_text(CANARIES[what])
    assert any(
        re.match(what, line) and "canary_of_imports.py:1" in line for line in seen("canary_of_imports", path=tmp_path)
    )
