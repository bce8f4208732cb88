"""The processes of a run, as torchrun or `mtlkit train --processes` has started them."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from itertools import count

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

from mtlkit.errors import ConfigError, MtlkitError, ProcessesError
from mtlkit.experiment import Experiment, stages_of
from mtlkit.process.group import PARTING_SECONDS, Group
from mtlkit.process.interrupts import Interrupted
from mtlkit.process.ranks import ONE, ProcessLostError, Ranks
from mtlkit.runs.profile import COMMUNICATION
from mtlkit.text import printable
from mtlkit.training import section
from mtlkit.training.shared_steps import check_strategy_shareable

SECONDS, TIMEOUT = 300.0, "MTLKIT_PROCESS_TIMEOUT"
"""How long a process waits for another one before it counts as lost; and the variable that sets another number."""
MOST_PER_CORE = 8
"""Each process keeps a core busy and takes hundreds of MB. So many for a core leave room for work that waits, as for a
GPU or a disk, and more would bring the machine to a stop."""
RESTARTS = "TORCHELASTIC_RESTART_COUNT"
"""The variable in which torchrun says how often it has started the processes again."""
RESUME = "what was saved before is kept; go on with --resume"
_numbers = count()
"""How often this process has joined others, so that a second run of a script finds nothing of the first in there."""


@dataclass(frozen=True)
class World:
    """What the environment says of the processes of a run."""

    size: int
    rank: int
    local_rank: int
    local_size: int
    """How many of the processes are on this machine."""

    @classmethod
    def of_environment(cls) -> "World":
        """Reads the variables that torchrun sets. Without them there is one process.

        Raises:
            ConfigError: they are no numbers, or some are missing.
        """
        world = os.environ.get("WORLD_SIZE", "").strip()
        if world in ("", "0", "1"):
            return cls(1, 0, 0, 1)
        size = _number("WORLD_SIZE", 2)
        rank, local = _number("RANK", 0, size), _number("LOCAL_RANK", 0, size)
        return cls(size, rank, local, _number("LOCAL_WORLD_SIZE", 1, size + 1))


def check_number(processes: int | None) -> None:
    """Raises ConfigError if so many processes at once would leave none of them time to work, or memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if processes is not None and processes > (most := MOST_PER_CORE * cores):
        raise ConfigError(
            f"--processes {processes}: is more than {MOST_PER_CORE} for each of the {cores} cores that this process "
            f"may use; give at most {most}"
        )


def check_one_process(verb: str) -> None:
    """Raises ConfigError where several processes were started of a verb that knows only one."""
    if (world := World.of_environment()).size > 1:
        raise ConfigError(
            f"mtlkit {verb} runs in one process, and WORLD_SIZE is {world.size}; start it without torchrun"
        )


def check_stages_shareable(experiment: Experiment, ranks: Ranks) -> None:
    """Makes sure, before any data are read, that several processes may share the batches of every stage of a run.

    A stage after the first would otherwise be refused when those before it have been trained. What depends on a model
    is found when that is built.

    Raises:
        ConfigError: they may not.
    """
    if ranks.size == 1:
        return
    for number, stage in enumerate(stages_of(experiment)):
        sharing = stage.sharing or experiment.model.sharing
        check_strategy_shareable(
            sharing.component,
            stage.trainer.update_strategy.component,
            splits=stage.trainer.on_out_of_memory == "split",
            place=f"stages.{number}.trainer" if experiment.stages else "trainer",
        )


def restarted() -> bool:
    """Whether torchrun has started the processes again, after one of them had ended."""
    return os.environ.get(RESTARTS, "0").strip() not in ("", "0")


@contextmanager
def processes_of_run(device: torch.device, remedy: str = RESUME) -> Iterator[tuple[Ranks, torch.device]]:
    """Joins the other processes of the run, if there are any, for the time of the block.

    Args:
        device: that of one process; of several that are given `cuda`, each takes a GPU of its own.
        remedy: what to do where one of them is lost.

    Yields:
        The processes, and the device of this one.

    Raises:
        ConfigError: the environment says nothing that makes sense.
        ProcessesError: another process has ended, hangs or cannot be reached.
    """
    world, seconds = World.of_environment(), _timeout()
    if world.size == 1:
        yield ONE, device
        return
    own, backend = _device(device, world)
    try:
        # The store outlives processes that torchrun starts again, and has the addresses of those before.
        attempt = f"{os.environ.get(RESTARTS, '0')}/{next(_numbers)}"
        store = dist.distributed_c10d.PrefixStore(attempt, _meeting_place(world, seconds))
        dist.init_process_group(
            backend, store=store, rank=world.rank, world_size=world.size, timeout=timedelta(seconds=seconds)
        )
    except (RuntimeError, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ProcessesError(
            f"process {world.rank} of {world.size} cannot reach the others ({printable(reason, 200)}); start them with "
            "torchrun or --processes, or unset the environment variable WORLD_SIZE"
        ) from None
    shared = dist.distributed_c10d.PrefixStore("mtlkit", store)
    group = Group(shared, world.rank, world.size, own, seconds, partial(section, COMMUNICATION))
    try:
        with _told_once(group, remedy):
            yield group, own
            group.finish()
    except Interrupted:
        # It is the same for all, unless one was lost. Others may still read in the store that the first one holds.
        group.leave(PARTING_SECONDS)
        raise
    except Exception:
        group.leave()
        raise
    finally:
        group.close()
        dist.destroy_process_group()


@cache
def _meeting_place(world: World, seconds: float) -> dist.distributed_c10d.Store:
    """The store by which the processes find each other. It is kept, since the first process may hold it, and others may
    be there for the next run already when that process ends a run."""
    found: tuple[dist.distributed_c10d.Store, int, int]
    found = next(rendezvous("env://", world.rank, world.size, timeout=timedelta(seconds=seconds)))
    return found[0]


@contextmanager
def _told_once(group: Group, remedy: str) -> Iterator[None]:
    """Marks an error that another process tells of, and turns the loss of a process into an error of ours."""
    try:
        yield
    except ProcessLostError as lost:
        error = ProcessesError(
            f"process {group.rank} of {group.size} has lost another one, which was ended, hangs, or cannot be reached "
            f"({printable(str(lost), 200)}); {remedy}"
        )
        error.told_elsewhere = group.is_told() or not group.tell()
        raise error from None
    except MtlkitError as error:
        error.told_elsewhere = not group.tell()
        raise
    except Exception:  # of which Python prints a traceback
        group.tell()
        raise


def _device(device: torch.device, world: World) -> tuple[torch.device, str]:
    """The device of this process, and what exchanges tensors there: NCCL wants a GPU for each process."""
    if device.type != "cuda":
        return device, "gloo"
    if str(device) == "cuda":
        device = torch.device("cuda", world.local_rank % torch.cuda.device_count())
        torch.cuda.set_device(device)
        if torch.cuda.device_count() >= world.local_size:
            return device, "cpu:gloo,cuda:nccl"
    return device, "gloo"


def _timeout() -> float:
    given = os.environ.get(TIMEOUT, "").strip()
    try:
        seconds = float(given) if given else SECONDS
    except ValueError:
        seconds = math.nan
    if not 1 <= seconds <= 86_400:
        raise ConfigError(f"{TIMEOUT} is '{printable(given, 40)}'; set it to a number of seconds from 1 to 86400")
    return seconds


def _number(name: str, least: int, end: int | None = None) -> int:
    given = os.environ.get(name, "").strip()
    remedy = "start the processes with torchrun or --processes, or unset the environment variable WORLD_SIZE"
    if not given:
        raise ConfigError(f"WORLD_SIZE is {printable(os.environ['WORLD_SIZE'], 40)}, and {name} is missing; {remedy}")
    if not (given.isascii() and given.isdigit()) or int(given[:9]) < least or (end is not None and int(given) >= end):
        raise ConfigError(f"{name} is '{printable(given, 40)}', which is no number of processes; {remedy}")
    return int(given)
