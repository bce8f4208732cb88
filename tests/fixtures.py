"""What tests share: generated text, the real data where there are any, and one way of computing in every process.

`conftest.py` loads it where tests are run, and not in a process that shares them out.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import hypothesis
import pytest
import torch

import mtlkit.plugins
from mtlkit.config import Component
from mtlkit.data import cache_folder, fetch_vader
from mtlkit.errors import DataError
from mtlkit.files import held_lock
from mtlkit.files.ownership import own_folder
from mtlkit.plugins import load_plugins
from tests.generated_texts import write_corpus

hypothesis.settings.register_profile("mtlkit", deadline=None, derandomize=True)
hypothesis.settings.load_profile("mtlkit")
torch.set_num_threads(1)  # small recurrences are slower with more
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell that runs us in the background ignores Ctrl-C for us, and the children that tests interrupt inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # and so does nohup with SIGHUP

REAL_CACHE = cache_folder()
"""Found before any test sets another one: a fixture of the session may first be asked for within such a test."""


@pytest.fixture(scope="session", autouse=True)
def unflushed() -> Iterator[None]:
    """Files are not flushed to the disk: no test cuts the power, and thousands of checkpoints would wait for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def installed_plugins() -> Iterator[None]:
    """Installed plugins are looked up once for each path of imports, and not by each of thousands of commands."""
    look_up = cache(lambda path, group: entry_points(group=group))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mtlkit.plugins, "entry_points", lambda group: look_up(tuple(sys.path), group))
        yield


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Fills a folder of this name that all processes of the tests share. The first that asks does, and others wait."""
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "once"

    def folder_of(name: str, fill: Callable[[Path], object]) -> Path:
        folder, whole = shared / name, shared / f"{name}.whole"
        folder.parent.mkdir(parents=True, exist_ok=True)
        with held_lock(shared / f"{name}.lock"):
            if not whole.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a process in which it failed
                folder.mkdir()
                fill(folder)
                whole.touch()
        return folder

    return folder_of


@pytest.fixture(scope="session")
def make_corpus() -> Callable[[Path, int, int], None]:
    """Writes such texts to a file, for what outlives a test."""
    return write_corpus


@pytest.fixture(scope="session")
def compiled_kernels() -> Path:
    """The folder of compiled kernels in the real cache: they take seconds to build."""
    return own_folder(REAL_CACHE / "kernels")


@pytest.fixture(scope="session")
def known_archives() -> Path:
    """The folder of the real cache that says which archives were made here, also by tests that share a run."""
    return own_folder(REAL_CACHE / "archives")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of the corpora that are too large to be fetched."""
    folder = os.environ.get("MTLKIT_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("MTLKIT_DATA names no folder with the real corpora")
    return Path(folder)


@pytest.fixture(scope="session")
def vader_corpora() -> Path:
    """The folder of the VADER corpora in the cache, fetched if need be."""
    try:
        return fetch_vader(REAL_CACHE, print)
    except DataError as error:
        pytest.skip(f"the VADER corpora are neither cached nor reachable: {error}")


@pytest.fixture
def registry() -> Iterator[None]:
    """Forgets the interfaces and components that a test declares."""
    load_plugins()  # else one whose first import is in the test would be forgotten, and never be imported again
    names, kinds = Component._registry, Component._interfaces
    before = {interface: dict(known) for interface, known in names.items()}
    kinds_before = dict(kinds)
    yield
    for interface in list(names):
        names[interface] = before.get(interface, {})
    kinds.clear()
    kinds.update(kinds_before)
