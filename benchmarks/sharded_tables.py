"""What sharing out a word table among processes saves of each one's memory: two minutes.

Steps of one table alone with Adam, 400 words a batch of each process: in one process, in two and four that each have
the whole table, and in as many that share out its rows (`trainer.shard: 'tables'`). Measured are the bytes that each
process keeps between steps, weights and the optimizer's memory, and how far its memory rises at most above what it had
before the table was made: the whole table when it is initialised, and in the steps the rows with their gradients and
the optimizer's memory. All ways must come to the same norm of the table.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from measuring import Row, at_most, command_line, untargeted, write_result
from torch.multiprocessing import start_processes

from mtlkit.embedders import WordTable
from mtlkit.process.group import Group
from mtlkit.process.ranks import ONE, Ranks
from mtlkit.training import Optimization
from mtlkit.training.optimizers import Adam
from mtlkit.training.shards import Shards

WORDS, DIM, BATCH, STEPS, SECONDS = 200_000, 100, 400, 3, 300
WHOLE = WORDS * DIM * 4
NUMBERS = (2, 4)
CASE = f"{WORDS:,} x {DIM}, Adam"
Found = tuple[int, int, float]
"""Bytes that are kept between steps, the most by which memory rose, and the norm of all weights."""


def resident(name: str) -> int:
    """Bytes that the process has (VmRSS), or had at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))


def measured(ranks: Ranks, shard: bool) -> Found:
    """Measures in one of several processes."""
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins again
    before = resident("VmRSS")
    table = WordTable(WORDS, DIM)
    torch.nn.init.uniform_(table.weight, -0.1, 0.1, generator=torch.Generator().manual_seed(0))
    if shard:
        table.shard(ranks)
    optimizer = Adam().create([table.weight])
    shards = Shards([table]) if shard else None
    optimization = Optimization(optimizer, [table.weight], 5.0, ranks=ranks, shards=shards)
    generator = torch.Generator().manual_seed(1)
    for _ in range(STEPS):
        words = torch.randint(WORDS, (BATCH * max(NUMBERS),), generator=generator)
        optimization.backward(table(words[ranks.rank :: ranks.size]).square().sum())
        optimization.apply()
    kept = [table.weight, *(each for each in optimizer.state[table.weight].values() if each.dim() == 2)]
    square = table.weight.detach().double().square().sum()
    if shard:
        (square,) = ranks.sum([square])
    return sum(each.nbytes for each in kept), resident("VmHWM") - before, float(square.sqrt())


def work(rank: int, number: int, folder: str, measure: Callable[[Ranks, bool], Found], shard: bool) -> None:
    """One of several processes."""
    torch.set_num_threads(1)
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    store = dist.FileStore(f"{folder}/store", number)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=number, timeout=timedelta(seconds=SECONDS))
    group = Group(dist.PrefixStore("group", store), rank, number, torch.device("cpu"), SECONDS)
    ranks = ONE if number == 1 else group
    torch.save(measure(ranks, shard), f"{folder}/{rank}.pt")
    group.finish()
    group.close()
    dist.destroy_process_group()


def in_processes(number: int, shard: bool, measure: Callable[[Ranks, bool], Found] = measured) -> list[Found]:
    """What each process has measured."""
    with tempfile.TemporaryDirectory() as folder:
        start_processes(work, (number, folder, measure, shard), number, start_method="spawn")
        return [torch.load(Path(folder) / f"{rank}.pt") for rank in range(number)]


def rows_of(number: int, found: Sequence[Found], one: Found) -> list[Row]:
    """The rows of the processes that share the table out, over one process."""
    kept, peak = (max(each[place] for each in found) for place in (0, 1))
    what = f"{number} processes that share out a table over one"
    return [
        at_most(f"{what}, memory kept by each", CASE, kept / one[0], 1.01 / number),
        # The whole table, when it is initialised, or a share of it and its gradient and Adam's four copies in a step.
        at_most(f"{what}, most memory of each", CASE, peak / one[1], 1.2 * max(1 / 4 + 1 / (4 * number), 1 / number)),
    ]


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "sharded_tables", rounds=1)
    if sys.platform != "linux":
        raise SystemExit("memory is read from /proc")
    (one,) = in_processes(1, shard=False)
    rows: list[Row] = []
    mebibytes: dict[str, dict[str, float]] = {"one process": shown([one])}
    for number in NUMBERS:
        for shard in (False, True):
            found = in_processes(number, shard)
            assert all(abs(each[2] - one[2]) < 1e-5 * one[2] for each in found), (found, one)
            mebibytes[f"{number} processes, {'sharded' if shard else 'each whole'}"] = shown(found)
            if shard:
                rows += rows_of(number, found, one)
            else:
                peak = max(each[1] for each in found) / one[1]
                rows.append(
                    untargeted(f"{number} processes with a table each over one, most memory of each", CASE, peak)
                )
    write_result(arguments, rows, mebibytes=mebibytes)


def shown(found: Sequence[Found]) -> dict[str, float]:
    """The largest of all processes' figures, in MiB."""
    return {
        "kept": round(max(each[0] for each in found) / 2**20, 1),
        "most": round(max(each[1] for each in found) / 2**20, 1),
    }


if __name__ == "__main__":
    main()
