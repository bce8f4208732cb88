"""Archives that are made to touch a file when they are loaded leave no trace of it, whichever verb opens them."""

import importlib
import io
import json
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.soak.malformed_archives import fault, predict_with, run_command
from tests.soak.tiny_archive import WEIGHTS, changed, info, packed, replaced, sealed, tar, tiny_members, write_tiny

CODE = "from pathlib import Path\nPath({canary!r}).touch()\n\n\nclass Words:\n    pass\n"
RESOLVED = "experiment.resolved.json"


class Touches:
    """Touches a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Callable[..., object], tuple[Any, ...]]:
        return Path.touch, (self.canary,)


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is touched where a module `mtlkit_stranger`, which can be imported, is imported."""
    canary = tmp_path / "canary"
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "mtlkit_stranger.py").write_text(CODE.format(canary=str(canary)))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    return canary


def leaves_no_trace(
    content: bytes, canary: Path, tmp_path: Path, *, all_verbs: bool = False, taken: bool = False
) -> None:
    """Opens an archive, with all verbs if asked for; it is refused unless it may be `taken`."""
    path = tmp_path / "stranger.tar.gz"
    path.write_bytes(content)
    before = sorted(tmp_path.rglob("*"))
    outcome = predict_with(path)
    assert fault(outcome, path, None if taken else "") is None
    if all_verbs:
        _open_with_others(path, taken)
    assert not canary.exists()
    assert sorted(tmp_path.rglob("*")) == before


def _open_with_others(path: Path, taken: bool) -> None:
    """All verbs but `predict` that open archives."""
    good, train = path.with_name("good.tar.gz"), path.with_name("train.json")
    write_tiny(good)
    value = json.loads(tiny_members()[RESOLVED])
    value["model"]["pretrained"] = [{"archive": str(path), "parameters": ["^sharing"]}]
    train.write_text(json.dumps(value))
    for words in (
        ["evaluate", path],
        ["explain", path, "--task", "books", "fine film"],
        ["diff", good, path],
        ["check", train],
        ["train", train, "-s", path.with_name("run")],
    ):
        outcome = run_command(*words)
        assert outcome.code in (0, 1, 2) and not outcome.events, outcome
        assert words[0] not in ("check", "train") or "model.pretrained.0" in outcome.messages or taken
    train.unlink()
    good.unlink()


def pickled(canary: Path, form: str) -> bytes:
    file = io.BytesIO()
    if form == "torch":
        torch.save({"weight": Touches(canary)}, file)
    elif form == "numpy":
        np.save(file, np.array([Touches(canary)], object), allow_pickle=True)
    else:
        file.write(pickle.dumps(Touches(canary)))
    return file.getvalue()


@pytest.mark.parametrize("form", ["pickle", "torch", "numpy"])
@pytest.mark.parametrize("member", [WEIGHTS, "seen.safetensors", "vocabulary/words.txt", "meta.json", RESOLVED])
def test_a_pickle(form: str, member: str, canary: Path, tmp_path: Path) -> None:
    content = pickled(canary, form)
    leaves_no_trace(packed(tar(replaced(member, content))), canary, tmp_path, all_verbs=member == WEIGHTS)


def test_a_pickle_beside_the_weights(canary: Path, tmp_path: Path) -> None:
    members = {**tiny_members(), "weights/model.pt": pickled(canary, "torch")}
    leaves_no_trace(packed(tar(sealed(members))), canary, tmp_path)


@pytest.mark.parametrize("name", ["mtlkit_stranger.Words", "mtlkit_stranger:Words", "mtlkit_stranger"])
@pytest.mark.parametrize("part", ["model.embedder", "model.sharing", "tasks.books.reader", "trainer.optimizer"])
def test_a_dotted_name(name: str, part: str, canary: Path, tmp_path: Path) -> None:
    def rename(experiment: dict[str, Any]) -> None:
        for key in part.split("."):
            experiment = experiment[key]
        experiment["type"] = name

    leaves_no_trace(packed(tar(changed(RESOLVED, rename))), canary, tmp_path, all_verbs=part == "model.embedder")


def test_an_import_hook(canary: Path, tmp_path: Path) -> None:
    """Plugins that an archive names are not imported for it; it works where it needs none of them."""
    plugins = {"mtlkit_stranger": "included", str(tmp_path / "modules" / "mtlkit_stranger.py"): "included"}
    members = sealed(tiny_members(), lambda manifest: manifest.update(plugins=plugins))
    leaves_no_trace(packed(tar(members)), canary, tmp_path, all_verbs=True, taken=True)


@pytest.mark.parametrize("name", ["mtlkit_stranger.py", "sitecustomize.py", "mtlkit/__init__.py", "vocabulary/a.pth"])
def test_a_module_beside_the_weights(name: str, canary: Path, tmp_path: Path) -> None:
    members = {**tiny_members(), name: CODE.format(canary=str(canary)).encode()}
    leaves_no_trace(packed(tar(sealed(members))), canary, tmp_path)


@pytest.mark.parametrize("code", ["local x = importstr '{secret}'; {experiment}", "import '{secret}'"])
def test_an_import_in_jsonnet(code: str, canary: Path, tmp_path: Path) -> None:
    """The secret is a good experiment, so that whoever followed the import would go on."""
    experiment = tiny_members()[RESOLVED].decode()
    secret = tmp_path / "secret.json"
    secret.write_text(experiment)
    text = code.replace("{secret}", str(secret)).replace("{experiment}", experiment)
    leaves_no_trace(packed(tar(replaced(RESOLVED, text.encode()))), canary, tmp_path, all_verbs=True)


def escapes(canary: Path) -> dict[str, list[tuple[tarfile.TarInfo, bytes]]]:
    up = "../" * 20 + str(canary).lstrip("/")
    return {
        "absolute": [(info(str(canary), 1), b"x")],
        "parent": [(info(up, 1), b"x")],
        "inner parent": [(info(f"vocabulary/{up}", 1), b"x")],
        "soft link": [
            (info("weights/away", 0, tarfile.SYMTYPE, str(canary.parent)), b""),
            (info("weights/away/canary", 1), b"x"),
        ],
        "hard link": [
            (info("meta.json", 0, tarfile.LNKTYPE, up), b""),
            (info("meta.json", 1), b"x"),
        ],
    }


@pytest.mark.parametrize("kind", escapes(Path("/canary")))
@pytest.mark.parametrize("first", [True, False])
def test_a_tar_that_escapes(kind: str, first: bool, canary: Path, tmp_path: Path) -> None:
    more = escapes(canary)[kind]
    raw = b"".join(header.tobuf() + content.ljust(header.size and 512, b"\0") for header, content in more)
    content = raw + tar(sealed(tiny_members())) if first else tar(sealed(tiny_members()), more)
    leaves_no_trace(packed(content), canary, tmp_path, all_verbs=kind == "parent")


def test_the_canaries_are_alive(canary: Path, tmp_path: Path) -> None:
    """Whoever does what mtlkit does not do is told on."""
    pickle.loads(pickled(canary, "pickle"))
    assert canary.exists()
    canary.unlink()
    torch.load(io.BytesIO(pickled(canary, "torch")), weights_only=False)
    assert canary.exists()
    canary.unlink()
    importlib.import_module("mtlkit_stranger")
    assert canary.exists()
    canary.unlink()
    (tmp_path / "a").mkdir()
    with tarfile.open(fileobj=io.BytesIO(tar({}, escapes(canary)["parent"]))) as escaping:
        escaping.extractall(tmp_path / "a", filter="fully_trusted")
    assert canary.exists()
