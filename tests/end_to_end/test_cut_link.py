"""Two processes on two machines, as far as the network is concerned, whose link is cut while they train together.

The machines are network namespaces with a pair of virtual interfaces between them, which only root may make.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mtlkit.runs.processes import TIMEOUT
from tests.end_to_end.test_processes import check_same_course, file  # noqa: F401  # a fixture
from tests.end_to_end.test_resume import newest_step
from tests.soak.forked import Forked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no network namespaces")
SECONDS = 20
"""After which a process counts as lost here."""
DEVICE, PORT = "link0", 29400
ADDRESSES = ("10.254.77.1", "10.254.77.2")


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@pytest.fixture
def machines() -> Iterator[list[str]]:
    """The names of two network namespaces with a link between them."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces are made by root, with the program ip")
    names = [f"mtlkit-{os.getpid()}-{number}" for number in range(2)]
    try:
        for name in names:
            ip("netns", "add", name)
        first, second = names
        ip("link", "add", DEVICE, "netns", first, "type", "veth", "peer", "name", DEVICE, "netns", second)
        for name, address in zip(names, ADDRESSES, strict=True):
            ip("-n", name, "address", "add", f"{address}/24", "dev", DEVICE)
            for device in ("lo", DEVICE):
                ip("-n", name, "link", "set", device, "up")
        yield names
    except subprocess.CalledProcessError as error:
        pytest.skip(f"network namespaces are not permitted here: {error.stderr.strip()}")
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)


def start(fork: Callable[..., Forked], machines: list[str], *arguments: str | Path) -> list[Forked]:
    """One process on each machine, of which the first holds what connects them."""
    shared = {"MASTER_ADDR": ADDRESSES[0], "MASTER_PORT": PORT, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 1, "LOCAL_RANK": 0}
    processes = []
    for rank, machine in enumerate(machines):
        names = {**shared, "RANK": rank, TIMEOUT: SECONDS, "GLOO_SOCKET_IFNAME": DEVICE}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in names.items():
                patch.setenv(name, str(value))
            processes.append(fork(*arguments, network=Path("/var/run/netns") / machine))
    return processes


def test_a_link_that_is_cut_ends_both_sides_with_a_checkpoint(
    machines: list[str],
    fork: Callable[..., Forked],
    run: Any,
    file: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    assert run("train", file, "-s", tmp_path / "one").returncode == 0
    broken = tmp_path / "broken"
    processes = start(fork, machines, "train", file, "-s", broken)
    processes[0].wait_until(lambda: newest_step(broken) >= 3)
    ip("-n", machines[0], "link", "set", DEVICE, "down")
    since = time.monotonic()
    assert [process.wait() for process in processes] == [2, 2], "".join(process.output() for process in processes)
    assert time.monotonic() - since < 3 * SECONDS
    for process in processes:  # neither can know that the other one tells of it
        told = process.output().splitlines()
        assert "has lost another one" in told[-1] and "go on with --resume" in told[-1], told
        assert "Traceback" not in process.output()
    again = run("train", file, "-s", broken, "--resume")
    assert again.returncode == 0 and "resuming after step" in again.stderr, again.stderr
    check_same_course(broken, tmp_path / "one")
