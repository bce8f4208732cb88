import io
import re
import tarfile
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from mtlkit.data import fetch
from mtlkit.data.fetch import VADER_FILES, fetch_vader
from mtlkit.errors import DataError
from mtlkit.files import file_sha256

ROW = b"1\t2.5\tgood fun\r\n"


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


@pytest.fixture
def sdist(tmp_path: Path, monkeypatch) -> Path:
    """A small source distribution of the real one's form, with a member that must not be followed."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as archive:
        add(archive, "../escaped.txt", b"x")
        for name in VADER_FILES.values():
            add(archive, f"hutto_ICWSM_2014/{name}", ROW)
    path = tmp_path / "given.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        add(archive, "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz", inner.getvalue())
    monkeypatch.setattr(fetch, "SHA256", file_sha256(path))
    return path


@pytest.fixture
def pip(monkeypatch):
    """Stands in for the program that asks pip: call it with what it would do."""

    def use(run):
        monkeypatch.setattr(fetch.subprocess, "run", run)

    return use


def refuse(message: str) -> None:
    raise AssertionError(message)


def test_a_given_source_distribution_is_unpacked(sdist, tmp_path):
    folder = fetch_vader(tmp_path / "cache", refuse, source=sdist)
    expected = dict.fromkeys(VADER_FILES.values(), ROW)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == expected
    assert sorted(path.name for path in tmp_path.rglob("*.txt")) == sorted(VADER_FILES.values())


def test_pip_is_asked_once_with_the_hash(sdist, tmp_path, pip):
    calls = []

    def download(command, **_):
        *_, program, package, name, sha256, target = command
        calls.append((Path(program).name, package, name, sha256))
        Path(target).write_bytes(sdist.read_bytes())
        return CompletedProcess(command, 0, "", "")

    pip(download)
    messages: list[str] = []
    first = fetch_vader(tmp_path / "cache", messages.append)
    assert fetch_vader(tmp_path / "cache", refuse) == first
    assert calls == [("download_by_pip.py", "vaderSentiment", "vaderSentiment-3.3.2.tar.gz", fetch.SHA256)]
    assert messages == ["fetching the VADER corpora (vaderSentiment 3.3.2, 2.5 MB) through pip ..."]


def test_a_download_of_another_hash_is_not_unpacked(sdist, tmp_path, pip):
    def download(command, **_):
        Path(command[-1]).write_bytes(sdist.read_bytes() + b"x")
        return CompletedProcess(command, 0, "", "")

    pip(download)
    with pytest.raises(DataError, match="its sha256 differs"):
        fetch_vader(tmp_path / "cache", lambda _: None)
    assert not (tmp_path / "cache").exists()


def test_offline_is_told_in_one_sentence(tmp_path, pip):
    stderr = "Traceback ...\nWARNING: Retrying\nERROR: No matching distribution found for vaderSentiment==3.3.2\n"
    pip(lambda command, **_: CompletedProcess(command, 1, "", stderr))
    with pytest.raises(DataError) as error:
        fetch_vader(tmp_path, lambda _: None)
    assert str(error.value) == (
        "the VADER corpora could not be downloaded (pip: No matching distribution found for vaderSentiment==3.3.2): "
        "run `mtlkit data fetch vader` when online, or download the source distribution and give it: "
        "`mtlkit data fetch vader --from FILE`"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_python_without_pip_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(DataError, match="which this Python lacks: install pip, or"):
        fetch_vader(tmp_path, lambda _: None)


def test_another_file_is_refused(tmp_path):
    (tmp_path / "other.tar.gz").write_bytes(b"x")
    with pytest.raises(DataError, match=re.escape(f"{tmp_path}/other.tar.gz: not the source distribution")):
        fetch_vader(tmp_path / "cache", refuse, source=tmp_path / "other.tar.gz")
    with pytest.raises(DataError, match="none: cannot be read"):
        fetch_vader(tmp_path / "cache", refuse, source=tmp_path / "none")
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_written_is_told(sdist, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot be written.*MTLKIT_CACHE"):
        fetch_vader(tmp_path / "file", refuse, source=sdist)


def test_corpora_that_others_can_change_are_refused(sdist, tmp_path):
    folder = fetch_vader(tmp_path / "cache", refuse, source=sdist)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    for path in (folder / VADER_FILES["tweet"], folder, folder.parent):
        mode = path.stat().st_mode
        path.chmod(0o777)
        with pytest.raises(DataError, match=re.escape(f"{path}: other users can write to it")):
            fetch_vader(tmp_path / "cache", refuse)
        path.chmod(mode)
    assert fetch_vader(tmp_path / "cache", refuse) == folder
