"""One way of running for all tests, in one process or several."""

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.slow_files import SECONDS

TESTS = Path(__file__).parent
MOST_PROCESSES = 8
"""Each takes about 1 GiB and makes its own session fixtures."""


def pytest_configure(config: pytest.Config) -> None:
    """Loads the fixtures, unless other processes run the tests: they do not wait for what this one would import."""
    shares_out = config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput")
    if not shares_out:
        config.pluginmanager.import_plugin("tests.fixtures")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """The number of processes for `--numprocesses auto`: that of the processors that we may use, but at most eight.

    With one more on two processors, the suite took 545 s in place of 487.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(allowed or 1, MOST_PROCESSES)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Slow files are not even imported where all that is slow is left out."""
    return True if config.getoption("markexpr") == "not slow" and _seconds(collection_path) else None


@pytest.hookimpl(tryfirst=True)  # before `-m "not slow"` looks at the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks the tests of slow files. Where processes share out the files, the longest come first, so that all processes
    end at about the same time.
    """
    numbers = Counter(item.path for item in items)
    for item in items:
        if seconds := _seconds(item.path):
            item.add_marker(pytest.mark.slow(seconds=seconds / numbers[item.path]))
    if not hasattr(config, "workerinput"):
        return
    total = Counter[Path]()
    for item in items:
        for mark in item.iter_markers("slow"):
            total[item.path] += mark.kwargs["seconds"]
    items.sort(key=lambda item: -total[item.path])


def _seconds(path: Path) -> float:
    """How long a slow file takes; 0 for another one."""
    return SECONDS.get(os.path.relpath(path, TESTS).replace(os.sep, "/"), 0)
