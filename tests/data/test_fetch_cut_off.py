"""A download that ends too early, from a real server to a real pip: it starts again, and only the whole file counts."""

import io
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import pytest

from mtlkit.data import fetch, fetch_vader
from mtlkit.data.fetch import VADER_FILES
from mtlkit.errors import DataError
from mtlkit.files import file_sha256

pytestmark = pytest.mark.skipif(find_spec("pip") is None, reason="this Python has no pip")

ROW = b"1\t2.5\tgood fun\r\n"
CANARY = "import pathlib\npathlib.Path({song!r}).touch()\n"
"""Run if anybody builds the package, or asks it what it needs."""

Serve = Callable[[int], list[str]]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A source distribution of the real one's form."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as archive:
        add(archive, {f"hutto_ICWSM_2014/{name}": ROW for name in VADER_FILES.values()})
    path = tmp_path / "package.tar.gz"
    root = "vaderSentiment-3.3.2"
    with tarfile.open(path, "w:gz") as archive:
        add(archive, {f"{root}/additional_resources/hutto_ICWSM_2014.tar.gz": inner.getvalue()})
        add(archive, {f"{root}/setup.py": CANARY.format(song=str(tmp_path / "song")).encode(), f"{root}/PKG-INFO": b""})
    monkeypatch.setattr(fetch, "SHA256", file_sha256(path))
    return path.read_bytes()


def add(archive: tarfile.TarFile, members: dict[str, bytes]) -> None:
    for name, content in members.items():
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))


@pytest.fixture
def serve(package: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts the index that pip asks; it cuts so many downloads off, and returns the list of those that it was asked
    for."""
    servers = []

    def start(cut_off: int) -> list[str]:
        asked: list[str] = []
        server = ThreadingHTTPServer(("127.0.0.1", 0), index_of(package, cut_off, asked))
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        return asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def index_of(package: bytes, cut_off: int, asked: list[str]) -> type[BaseHTTPRequestHandler]:
    """A package index with one file."""

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_file = self.path.endswith(".tar.gz")
            link = b'<a href="/vaderSentiment-3.3.2.tar.gz">vaderSentiment-3.3.2.tar.gz</a>'
            content = package if is_file else link
            self.send_response(200)
            self.send_header("Content-Type", "application/gzip" if is_file else "text/html")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if is_file:
                asked.append(self.path)
                content = content[: len(content) // 2] if len(asked) <= cut_off else content
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    return Index


def test_a_download_that_was_cut_off_starts_again(serve: Serve, tmp_path: Path) -> None:
    asked, said = serve(1), list[str]()
    folder = fetch_vader(tmp_path / "cache", said.append)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == dict.fromkeys(VADER_FILES.values(), ROW)
    assert len(asked) == 2
    assert ["cut off" in line for line in said] == [False, True]


def test_nothing_of_the_package_is_run(serve: Serve, tmp_path: Path) -> None:
    asked = serve(0)
    fetch_vader(tmp_path / "cache", lambda _: None)
    assert len(asked) == 1 and not (tmp_path / "song").exists()


def test_the_canary_is_alive(serve: Serve, tmp_path: Path) -> None:
    """What `pip download` does to learn what the package needs."""
    serve(0)
    package = next(tmp_path.glob("package.tar.gz"))
    options = ["--no-deps", "--no-build-isolation", "--quiet", "-d", str(tmp_path), str(package)]
    subprocess.run([sys.executable, "-m", "pip", "download", *options], capture_output=True)
    assert (tmp_path / "song").exists()


def test_a_module_of_pips_name_in_the_current_folder_is_not_run(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(0)
    for name in ("pip.py", "optparse.py", "hashlib.py"):
        (tmp_path / name).write_text(CANARY.format(song=str(tmp_path / "song")))
    monkeypatch.chdir(tmp_path)
    fetch_vader(tmp_path / "cache", lambda _: None)
    assert not (tmp_path / "song").exists()


def test_an_index_without_the_file_is_told(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(0)
    monkeypatch.setattr(fetch, "VERSION", "9.9")
    with pytest.raises(DataError, match=r"pip: No matching distribution found for vaderSentiment-9\.9\.tar\.gz\): run"):
        fetch_vader(tmp_path / "cache", lambda _: None)


def test_a_folder_of_packages_is_an_index_too(
    serve: Serve, package: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = serve(0)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "vaderSentiment-3.3.2.tar.gz").write_bytes(package)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    fetch_vader(tmp_path / "cache", lambda _: None)
    assert asked == []


def test_one_that_is_always_cut_off_is_told_and_leaves_nothing(serve: Serve, tmp_path: Path) -> None:
    asked = serve(100)
    with pytest.raises(DataError, match=r"could not be downloaded .*run `mtlkit data fetch vader` when online") as it:
        fetch_vader(tmp_path / "cache", lambda _: None)
    assert len(asked) == 3 and "\n" not in str(it.value)
    assert not (tmp_path / "cache").exists()
