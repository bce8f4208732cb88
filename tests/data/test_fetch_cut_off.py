"""A download that ends too early, from a real server to a real pip: it starts again, and only the whole file counts."""

import io
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
BACKEND = b"""
from pathlib import Path


def prepare_metadata_for_build_wheel(folder, settings=None):
    about = Path(folder, "vaderSentiment-3.3.2.dist-info")
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\\nName: vaderSentiment\\nVersion: 3.3.2\\n")
    return about.name


def build_wheel(*arguments, **settings):
    raise NotImplementedError
"""
"""What pip asks the package about before it keeps it; this one needs nothing else from an index."""
PROJECT = b'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'

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
        add(archive, {f"{root}/pyproject.toml": PROJECT, f"{root}/backend.py": BACKEND, f"{root}/PKG-INFO": b""})
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


def test_a_download_that_was_cut_off_starts_anew(serve: Serve, tmp_path: Path) -> None:
    asked, said = serve(1), list[str]()
    folder = fetch_vader(tmp_path / "cache", said.append)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == dict.fromkeys(VADER_FILES.values(), ROW)
    assert len(asked) >= 2  # newer versions of pip may go on by themselves
    assert all("cut off" in line for line in said[1:])


def test_one_that_is_always_cut_off_is_told_and_leaves_nothing(serve: Serve, tmp_path: Path) -> None:
    asked = serve(100)
    with pytest.raises(DataError, match=r"could not be downloaded .*run `mtlkit data fetch vader` when online") as it:
        fetch_vader(tmp_path / "cache", lambda _: None)
    assert len(asked) >= 3 and "\n" not in str(it.value)
    assert not (tmp_path / "cache").exists()
