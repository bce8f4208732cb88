"""`torchrun`, as users start it: what its processes leave, and what it starts again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.test_processes import file, together  # noqa: F401  # fixtures
from tests.end_to_end.test_resume import newest_step
from tests.soak.forked import Forked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked, and found in /proc")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def torchrun(elsewhere: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts two processes of `mtlkit` by torchrun, whose output goes to `torchrun.log`."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str | Path, restarts: int = 0) -> subprocess.Popen[bytes]:
        options = [
            "--standalone",
            "--nproc-per-node",
            "2",
            "--max-restarts",
            str(restarts),
            "--monitor-interval",
            "0.2",
        ]
        command = [sys.executable, "-m", "torch.distributed.run", *options, "-m", "mtlkit", *map(str, arguments)]
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
        with (tmp_path / "torchrun.log").open("wb") as log:
            started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        process.wait()


def course(directory: Path) -> list[Any]:
    """What was measured after each epoch."""
    return [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]


def test_it_leaves_the_run_of_as_many_processes(
    torchrun: Callable[..., subprocess.Popen[bytes]],
    together: Callable[..., list[Forked]],  # noqa: F811
    file: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    processes = together("train", file, "-s", tmp_path / "two")
    assert [process.wait() for process in processes] == [0, 0]
    assert torchrun("train", file, "-s", tmp_path / "run").wait() == 0, (tmp_path / "torchrun.log").read_text()
    assert course(tmp_path / "run") == course(tmp_path / "two")
    assert json.loads((tmp_path / "run" / "meta.json").read_text())["processes"] == 2


def test_what_it_starts_again_resumes(
    torchrun: Callable[..., subprocess.Popen[bytes]],
    together: Callable[..., list[Forked]],  # noqa: F811
    experiment: dict[str, Any],
    file: Path,  # noqa: F811
    write: Callable[[dict[str, Any]], Path],
    tmp_path: Path,
) -> None:
    """After one of its processes was killed."""
    experiment["trainer"]["epochs"] = 6
    longer = write(experiment)
    processes = together("train", longer, "-s", tmp_path / "two")
    assert [process.wait() for process in processes] == [0, 0]
    broken, log = tmp_path / "broken", tmp_path / "torchrun.log"
    started = torchrun("train", longer, "-s", broken, restarts=1)
    while newest_step(broken) < 6:
        assert started.poll() is None, log.read_text()
        time.sleep(0.005)
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
    ranks = [pid for pid in children if b"mtlkit" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(ranks) == 2
    os.kill(int(ranks[1]), signal.SIGKILL)
    assert started.wait() == 0, log.read_text()
    assert "resuming after step" in log.read_text() and "archive: " in log.read_text()
    assert course(broken) == course(tmp_path / "two")
