"""The VADER sentence corpora, fetched once through the user's own pip."""

import importlib.util
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from mtlkit.children import child_environment, python_command
from mtlkit.errors import DataError
from mtlkit.files import file_sha256, new_folder

VERSION = "3.3.2"
SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
VADER_FILES = {
    "movie": "movieReviewSnippets_GroundTruth.txt",
    "product": "amazonReviewSnippets_GroundTruth.txt",
    "editorial": "nytEditorialSnippets_GroundTruth.txt",
    "tweet": "tweets_GroundTruth.txt",
}
ATTEMPTS = 3
CUT_OFF = (
    "DO NOT MATCH THE HASHES",
    "incomplete-download",
    "IncompleteRead",
    "Connection broken",
    "Connection aborted",
)
"""Patterns in pip's output for a download that was cut off. Older versions of pip only report a wrong hash."""
OTHER_WAY = "or download the source distribution and give it: `mtlkit data fetch vader --from FILE`"


def vader_folder(cache: Path) -> Path:
    """Returns the folder in which `fetch_vader` keeps the corpora."""
    return cache / f"vader-{VERSION}"


def fetch_vader(cache: Path, progress: Callable[[str], None], *, source: Path | None = None) -> Path:
    """Returns the folder of the four VADER corpora (Hutto and Gilbert 2014, MIT licence), fetching them first if
    needed.

    They are part of the source distribution of the package vaderSentiment. It is downloaded by pip, so that the user's
    mirrors and proxies apply. Its SHA-256 is verified here as well, and only the four files are extracted; the package
    is not installed.

    Args:
        cache: the cache folder.
        progress: called with one line when a download begins, and when it was cut off and is restarted.
        source: a source distribution that has been downloaded already, in which case nothing is downloaded.

    Raises:
        DataError: pip is missing, the download fails, the file is not the source distribution, or the cache cannot be
            written.
    """
    folder = vader_folder(cache)
    if all((folder / name).is_file() for name in VADER_FILES.values()):
        return folder
    with tempfile.TemporaryDirectory() as temporary:
        if source is None:
            progress(f"fetching the VADER corpora (vaderSentiment {VERSION}, 2.5 MB) through pip ...")
            source = _download(Path(temporary), progress)
        _check(source)
        _unpack(source, folder)
    return folder


def _download(folder: Path, progress: Callable[[str], None]) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise DataError(f"the VADER corpora come through pip, which this Python lacks: install pip, {OTHER_WAY}")
    requirements = folder / "requirements.txt"
    requirements.write_text(f"vaderSentiment=={VERSION} --hash=sha256:{SHA256}\n", encoding="ascii")
    # --no-binary: the wheel lacks the corpora.
    options = ["--no-deps", "--no-binary", "vaderSentiment", "--require-hashes", "--retries", "2", "--timeout", "20"]
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check"]
    command = python_command("-m", "pip", "download", *quiet, *options, "-r", str(requirements), "-d", str(folder))
    for attempt in range(ATTEMPTS):
        if attempt:
            progress("the download was cut off; it starts again ...")
        outcome = subprocess.run(command, capture_output=True, text=True, errors="replace", env=child_environment())
        found = next(folder.glob("*.tar.gz"), None)
        if found is not None and not outcome.returncode:
            return found
        if not any(sign in outcome.stderr for sign in CUT_OFF):
            break
    raise DataError(
        f"the VADER corpora could not be downloaded{_reason(outcome.stderr)}: "
        f"run `mtlkit data fetch vader` when online, {OTHER_WAY}"
    )


def _reason(stderr: str) -> str:
    """Returns pip's last error message in parentheses, or an empty string."""
    errors = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR: ")]
    return f" (pip: {errors[-1][:150]})" if errors else ""


def _check(source: Path) -> None:
    if file_sha256(source) != SHA256:
        raise DataError(
            f"{source}: not the source distribution of vaderSentiment {VERSION} (its sha256 differs); get that file"
        )


def _unpack(source: Path, folder: Path) -> None:
    """Extracts the four files from the nested archive. Only bytes are read, so no path in the archive is trusted."""
    inner = f"vaderSentiment-{VERSION}/additional_resources/hutto_ICWSM_2014.tar.gz"
    try:
        with (
            tarfile.open(source) as package,
            tarfile.open(fileobj=io.BytesIO(_member(package, inner))) as corpora,
            new_folder(folder) as fresh,
        ):
            for name in VADER_FILES.values():
                (fresh / name).write_bytes(_member(corpora, f"hutto_ICWSM_2014/{name}"))
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error.strerror}); set MTLKIT_CACHE to another folder") from None


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None, "the sha256 fixes the archive, and in it this is a file"
    with file:
        return file.read()
