"""A component of a plugin has a path among its settings: a stranger's archive does not have a file read by it."""

from pathlib import Path
from typing import Annotated, Any

import pytest
import torch
from pydantic import Field

import mtlkit
from mtlkit.archive import open_archive, remember
from mtlkit.archive.made_here import manifest_digest
from mtlkit.errors import ArchiveError
from tests.soak.tiny_archive import changed, packed, tar

OPENED: list[Path] = []
DataPath = Annotated[Path, Field(strict=False)]


@pytest.fixture
def archive(tmp_path: Path, registry: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive whose tokenizer reads files when it is built."""
    OPENED.clear()
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))

    @mtlkit.Tokenizer.register("looking_up")
    class LookingUp(mtlkit.Tokenizer):
        def __init__(self, lexicon: DataPath | None = None, more: dict[str, list[DataPath]] = {}) -> None:
            OPENED.extend([*([lexicon] if lexicon else []), *(each for group in more.values() for each in group)])

        def tokenize(self, text: str) -> list[str]:
            return text.split()

    return tmp_path / "a.tar.gz"


def forged(path: Path, **settings: Any) -> bytes:
    """Writes the archive, and gives its manifest."""
    tokenizer = {"type": "looking_up", **settings}
    members = changed(
        "experiment.resolved.json",
        lambda experiment: experiment["tasks"]["books"]["reader"].update(tokenizer=tokenizer),
    )
    path.write_bytes(packed(tar(members)))
    return members["manifest.json"]


def opened(path: Path) -> list[Path]:
    with open_archive(path, torch.device("cpu")) as found:
        found.reader_for("books")
    return OPENED


@pytest.mark.parametrize(
    ("settings", "place"), [({"lexicon": "/private"}, "lexicon"), ({"more": {"a": ["/private"]}}, "more.a.0")]
)
def test_it_is_refused_unless_it_was_made_here(archive: Path, settings: dict[str, Any], place: str) -> None:
    manifest = forged(archive, **settings)
    says = f"tasks.books.reader.tokenizer.{place} names a file of this machine, /private, and the cache does not know"
    with pytest.raises(ArchiveError, match=says):
        opened(archive)
    assert OPENED == []
    assert remember(manifest_digest(manifest), {}) is None
    assert opened(archive) == [Path("/private")]


def test_one_without_paths_is_opened(archive: Path) -> None:
    forged(archive)
    assert opened(archive) == []
