"""What a command imports and opens before it needs an encoder."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import INCLUDED, PLUGIN, Ended

OPENED: list[str] = []
"""The files that were opened while `noting` was on."""
noting = False


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if noting and event == "open":
        OPENED.append(str(arguments[0]))


sys.addaudithook(_note)  # for good: there is no way to take one back


def test_the_plugin_does_not_import_transformers_by_itself() -> None:
    code = f"import sys, {PLUGIN}; print([name for name in ('transformers', 'tokenizers') if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize("trainable", [True, False])
def test_check_opens_no_weights(
    trainable: bool,
    encoders: dict[str, Path],
    experiment_of: Callable[..., dict[str, Any]],
    run: Callable[..., Ended],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "experiment.json"
    file.write_text(json.dumps(experiment_of(encoders["word_pieces"], trainable=trainable)), "utf-8")
    monkeypatch.setattr(sys.modules[__name__], "noting", True)
    OPENED.clear()
    ended = run("check", file)
    monkeypatch.setattr(sys.modules[__name__], "noting", False)
    assert ended.returncode == 0, ended.stderr
    assert any(path.endswith("config.json") for path in OPENED)
    assert not [path for path in OPENED if path.endswith(".safetensors")]


def test_a_model_of_the_hub_that_cannot_be_fetched_is_one_sentence(
    experiment_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """In a process of its own, since `huggingface_hub` looks at the variable when it is imported."""
    file = tmp_path / "experiment.json"
    file.write_text(json.dumps(experiment_of(Path("nobody/nothing"), revision="0" * 40)), "utf-8")
    command = [sys.executable, "-m", "mtlkit", "check", str(file), *INCLUDED]
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}
    ended = subprocess.run(command, capture_output=True, text=True, env=os.environ | offline, check=False)
    assert ended.returncode == 2 and len(ended.stderr.splitlines()) == 1, ended.stderr
    assert "the encoder nobody/nothing: " in ended.stderr and "HF_HUB_OFFLINE" in ended.stderr
