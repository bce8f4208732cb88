"""What a word table saves whose rows of words that training never meets are kept out of its steps: half a minute.

A table of 123,000 words as a file of vectors gives it, of which training meets 16,000; 400 words a batch. Timed is what
of a step goes through the table: lookup, gradient, norm, optimizer. Both ways must come to the same bits first.

The floor is the time that this core takes to move the bytes that have to be moved: of each row that is trained, zeros
of the gradient are written, and the norm reads it; Adam reads four numbers and writes three, plain SGD reads two and
writes one.
"""

import torch
from floors import copy_rate, over_floor
from measuring import at_least, command_line, interleaved, write_result

from mtlkit.config import Lazy
from mtlkit.embedders import WordTable
from mtlkit.training import Optimization, Optimizer
from mtlkit.training.optimizers import SGD, Adam
from mtlkit.training.unmet_rows import UnmetRows

WORDS, MET, DIM, BATCH = 123_000, 16_000, 100, 400
CASE = f"{WORDS:,} x {DIM}, {MET:,} met"
MOVED = {"adam": 9, "sgd": 5}
"""How many numbers are read or written for each one of the table."""


class Steps:
    """Steps of one table alone."""

    def __init__(self, lazy: Lazy[Optimizer], met: int) -> None:
        self.table = WordTable(WORDS, DIM)
        torch.nn.init.uniform_(self.table.weight, -0.1, 0.1, generator=torch.Generator().manual_seed(0))
        optimizing = lazy.build()
        optimizer = optimizing.create([self.table.weight])
        unmet = UnmetRows(optimizer, {self.table: met}, optimizing.leaves_rows_without_gradient)
        self.optimization = Optimization(optimizer, [self.table.weight], 5.0, unmet=unmet)
        self.generator = torch.Generator().manual_seed(1)

    def take(self) -> None:
        """One step."""
        words = torch.randint(MET, (BATCH,), generator=self.generator)
        self.optimization.backward(self.table(words).square().sum())
        self.optimization.apply()


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "word_tables", rounds=9)
    number = 4 / copy_rate(4 * MET * DIM)
    rows, milliseconds = [], {}
    lazies: dict[str, Lazy[Optimizer]] = {"adam": Lazy.of(Adam), "sgd": Lazy.of(SGD, lr=0.1)}
    for name, lazy in lazies.items():
        ways = {"met": Steps(lazy, MET), "all": Steps(lazy, WORDS)}
        for _ in range(3):
            for way in ways.values():
                way.take()
        assert torch.equal(ways["met"].table.whole, ways["all"].table.whole)
        timings = interleaved({way: steps.take for way, steps in ways.items()}, arguments.rounds)
        what = f"word table, {name} step over all rows over that of rows that are met"
        floor = MOVED[name] * MET * DIM * number
        row = at_least(what, CASE, timings.ratio("all", "met"), 4)
        rows.append(over_floor(row, timings.median("met"), floor))
        milliseconds[name] = {**timings.milliseconds(), "floor": {"median": round(1000 * floor, 3)}}
    write_result(arguments, rows, milliseconds=milliseconds)


if __name__ == "__main__":
    main()
