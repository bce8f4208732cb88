"""An archive may come from a stranger, who is not to decide what this machine downloads."""

from pathlib import Path

import pytest

from mtlkit.data import fetch
from mtlkit.errors import DataError
from mtlkit.files.ownership import own_folder
from mtlkit.runs import evaluate
from tests.soak.tiny_archive import changed, packed, tar

ROWS = b"1_1\t2.5\tfine film\n2_1\t-2.5\tdull film\n"


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One whose task is to be scored on corpora that its reader fetches, with an empty cache."""
    books = {"reader": {"type": "vader", "domain": "movie"}, "train": "train", "test": "train"}
    members = changed("experiment.resolved.json", lambda experiment: experiment["tasks"]["books"].update(books))
    path = tmp_path / "archive.tar.gz"
    path.write_bytes(packed(tar(members)))
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    return path


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is downloaded."""
    started: list[str] = []

    def download(progress: object) -> bytes:
        started.append("vader")
        raise DataError("this is a test")

    monkeypatch.setattr(fetch, "_download", download)
    return started


def test_it_says_how_to_download_and_does_not(archive: Path, downloads: list[str], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"tasks\.books\.test: no file .*; an archive starts no download; `mtlkit data"):
        evaluate(archive, device="cpu")
    assert downloads == [] and not (tmp_path / "cache").exists()


def test_its_remedies_work(archive: Path, downloads: list[str], tmp_path: Path) -> None:
    file = tmp_path / "other.tsv"
    file.write_bytes(b"positive\tfine film\nnegative\tdull film\n")
    evaluate(archive, data={"books": file}, device="cpu")
    corpus = own_folder(fetch.vader_folder(tmp_path / "cache")) / fetch.VADER_FILES["movie"]
    corpus.write_bytes(ROWS * 20)  # not even where the other corpora are missing
    corpus.chmod(0o600)
    evaluate(archive, device="cpu")
    assert downloads == []
