"""The names that a plugin needs, and what they cost."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mtlkit
from mtlkit.config import Component, interfaces

HEAVY = ("torch", "torch._dynamo", "pydantic", "numpy", "spacy")
LOADED = f"import json, sys; print(json.dumps([name for name in {HEAVY} if name in sys.modules]), file=sys.stderr)"


def python(code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def loaded_by(code: str) -> list[str]:
    outcome = python(f"{code}\n{LOADED}")
    assert outcome.returncode == 0, outcome.stderr
    loaded: list[str] = json.loads(outcome.stderr.splitlines()[-1])
    return loaded


@pytest.mark.parametrize("name", mtlkit.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(mtlkit, name) is not None


def test_all_is_every_public_name() -> None:
    exported = [name for name in mtlkit.__all__ if name != "__version__"]
    assert exported == sorted(exported)
    assert dir(mtlkit) == sorted(mtlkit.__all__)


def test_type_checkers_see_the_same_names() -> None:
    """The imports that only type checkers read must not fall behind the names that are resolved at run time."""
    tree = ast.parse(Path(mtlkit.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imported = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert {alias.asname: node.module for node in imported for alias in node.names} == mtlkit._HOME


def test_every_interface_is_public() -> None:
    own = [kind for kind in interfaces().values() if kind.__module__.startswith("mtlkit.")]
    assert all(getattr(mtlkit, kind.__name__) is kind for kind in own)
    assert issubclass(mtlkit.Encoder, Component)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'mtlkit' has no attribute 'Encodr'"):
        mtlkit.Encodr  # noqa: B018


def test_importing_mtlkit_costs_nothing() -> None:
    assert loaded_by("import mtlkit; mtlkit.__version__, dir(mtlkit)") == []
    assert loaded_by("import mtlkit; mtlkit.Encoder") != []


VERBS = [
    "train",
    "evaluate",
    "predict",
    "explain",
    "export",
    "report",
    "transfer",
    "sweep",
    "compare",
    "diff",
    "check",
    "components",
    "schema",
    "plugins",
    "data",
]
VERB = """
import sys
sys.argv = ["mtlkit", *{arguments}]
from mtlkit.cli import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_is_cheap(verb: str) -> None:
    loaded = loaded_by(VERB.format(arguments=[*filter(None, [verb]), "--help"]))
    assert not {"torch", "spacy"} & set(loaded)


def test_check_does_not_wait_for_the_compiler() -> None:
    """Half of what `check` would take, for a model that it builds and throws away."""
    experiment = Path(__file__).parent.parent / "experiments" / "ic_mtl.jsonnet"
    loaded = loaded_by(VERB.format(arguments=["check", str(experiment)]))
    assert "torch" in loaded and "torch._dynamo" not in loaded


def test_help_names_every_verb() -> None:
    outcome = python(VERB.format(arguments=["--help"]))
    assert outcome.returncode == 0, outcome.stderr
    for verb in VERBS:
        assert verb in outcome.stdout
