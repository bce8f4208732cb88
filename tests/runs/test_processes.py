"""Processes that join each other, more than once in their lives."""

import os
import socket
import sys
from multiprocessing import get_context

import pytest
import torch
from torch.multiprocessing import start_processes

from mtlkit.runs.processes import processes_of_run
from tests.soak.forked import IMPORTED


def _join_thrice(rank: int, port: int) -> None:
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
    own = {"RANK": rank, "LOCAL_RANK": rank, "GLOO_SOCKET_IFNAME": "lo", "MTLKIT_PROCESS_TIMEOUT": 60}
    os.environ.update({name: str(value) for name, value in {**shared, **own}.items()})
    for number in range(3):
        with processes_of_run(torch.device("cpu")) as (ranks, _):
            assert ranks.first(lambda number=number: number) == number  # not what an earlier run has left there
            assert ranks.gather((rank, number)) == [(0, number), (1, number)]


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
def test_a_script_may_train_several_runs_one_after_the_other() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    get_context("forkserver").set_forkserver_preload(IMPORTED)
    start_processes(_join_thrice, (port,), 2, start_method="forkserver")
