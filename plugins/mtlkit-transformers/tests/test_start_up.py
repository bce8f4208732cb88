"""What a command imports and opens before it needs an encoder."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from mtlkit_transformers.sources import folder_of

from mtlkit.errors import ConfigError

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


REVISION = "0123456789" * 4


@pytest.mark.parametrize(
    ("has", "told"),
    [
        (
            ConnectionAbortedError("the line is dead"),
            "cannot be fetched from the hub (the line is dead); give a folder",
        ),
        (RuntimeError("no route"), "cannot be fetched from the hub (no route); give a folder instead"),
        (False, "has no model.safetensors on the hub at revision 012345678901; take a revision that has one"),
    ],
    ids=["aborted", "another error", "none"],
)
def test_weights_that_cannot_be_had_are_told_by_check(
    has: bool | Exception, told: str, encoders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a model whose other files are in the hub's cache."""
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(encoders["word_pieces"] / name, tmp_path)

    def file_exists(*_: object, **__: object) -> bool:
        if isinstance(has, Exception):
            raise has
        return has

    monkeypatch.setattr("huggingface_hub.is_offline_mode", lambda: False)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(tmp_path))
    monkeypatch.setattr("huggingface_hub.file_exists", file_exists)
    with pytest.raises(ConfigError, match=re.escape(f"the encoder someone/encoder: {told}")):
        folder_of("someone/encoder", REVISION, weights=False)


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does about the one model `someone/encoder`, whose files lie in a folder, and notes what it is
    asked for."""

    protocol_version = "HTTP/1.1"

    def __init__(self, folder: Path, asked: list[str], *arguments: Any) -> None:
        self.folder, self.asked = folder, asked
        super().__init__(*arguments)

    def do_GET(self) -> None:
        if self.path.startswith("/api/models/someone/encoder"):
            files = {path.name: path.stat().st_size for path in self.folder.iterdir()}
            if "/tree/" in self.path:
                found: Any = [{"type": "file", "path": name, "size": size, "oid": "0"} for name, size in files.items()]
            else:
                siblings = [{"rfilename": name} for name in files]
                found = {"id": "someone/encoder", "sha": REVISION, "siblings": siblings}
            self._answer(json.dumps(found).encode())
            return
        file = self.folder / self.path.rpartition("/")[2]
        if self.path != f"/someone/encoder/resolve/{REVISION}/{file.name}" or not file.is_file():
            self._answer(b"", 404)
            return
        self.asked.append(f"{self.command} {file.name}")
        self._answer(file.read_bytes())

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, content: bytes, status: int = 200) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Length": str(len(content)),
            "Content-Type": "application/json",
            "ETag": f'"{sha256(content).hexdigest()}"',
            "X-Repo-Commit": REVISION,
            **({} if status == 200 else {"X-Error-Code": "EntryNotFound"}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)


@pytest.fixture
def hub(encoders: dict[str, Path]) -> Iterator[tuple[str, list[str]]]:
    """The address of a hub, and what it is asked for."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, encoders["word_pieces"], asked))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_check_does_not_fetch_the_weights_of_a_model_of_the_hub(
    hub: tuple[str, list[str]], experiment_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    address, asked = hub
    file = tmp_path / "experiment.json"
    file.write_text(json.dumps(experiment_of(Path("someone/encoder"), revision=REVISION)), "utf-8")
    code = f"""
import sys
from huggingface_hub import constants
from mtlkit.cli.app import main
from mtlkit_transformers.sources import folder_of

def check():
    sys.argv = ["mtlkit", "check", {str(file)!r}, *{INCLUDED!r}]
    try:
        main()
    except SystemExit as ended:
        return ended.code or 0

print("checked", check(), file=sys.stderr)
constants.HF_HUB_OFFLINE = True
print("offline", check(), file=sys.stderr)
constants.HF_HUB_OFFLINE = False
print("weights", (folder_of("someone/encoder", "{REVISION}") / "model.safetensors").is_file(), file=sys.stderr)
constants.HF_HUB_OFFLINE = True
print("offline", check(), file=sys.stderr)
"""
    online = {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "0", "NO_PROXY": "*"}
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, env=os.environ | online, check=True)
    told = (
        f"the encoder someone/encoder: its model.safetensors is not in the cache of the hub at revision {REVISION[:12]}"
    )
    kinds = ("checked", "offline", "weights", str(file))
    said = [line for line in ended.stderr.splitlines() if line.startswith(kinds)]
    assert said == [
        f"{file}: ok, 2 tasks",
        "checked 0",
        f"{file}: model.embedder: {told}, and HF_HUB_OFFLINE forbids to fetch it; unset that, or give a folder",
        "offline 2",
        "weights True",
        f"{file}: ok, 2 tasks",
        "offline 0",
    ], ended.stderr
    assert asked.count("GET config.json") == asked.count("GET model.safetensors") == 1
    needed = asked.index("GET model.safetensors")
    assert asked.index("GET tokenizer.json") < asked.index("HEAD model.safetensors") < needed, "check asks, fetches not"
