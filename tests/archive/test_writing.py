"""What nobody could open is not written, however small it is."""

from pathlib import Path
from typing import Any

import pytest

from mtlkit.archive import writing
from mtlkit.errors import ArchiveError
from tests.soak.tiny_archive import write_tiny


def refused(path: Path, sharing: dict[str, Any] | None = None) -> str:
    with pytest.raises(ArchiveError) as error:
        write_tiny(path, sharing)
    assert not path.exists()
    return str(error.value)


def test_more_labels_than_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MAX_LABELS", 3)
    write_tiny(tmp_path / "good.tar.gz")
    monkeypatch.setattr(writing, "MAX_LABELS", 2)
    assert refused(tmp_path / "a.tar.gz") == (
        f"{tmp_path}/a.tar.gz: not written, since vocabulary/labels.news.txt has 3 labels and may have 2 in an "
        "archive; the run keeps its weights in checkpoints"
    )


def test_an_experiment_that_is_nested_deeper_than_is_read(tmp_path: Path) -> None:
    encoder: dict[str, Any] = {"type": "lstm", "hidden_dim": 4}
    for _ in range(40):
        encoder = {"type": "stacked", "layers": [encoder]}
    said = refused(tmp_path / "a.tar.gz", {"type": "fully_shared", "encoder": encoder})
    assert "not written, since experiment.resolved.json is nested more than 64 deep; the run keeps" in said
