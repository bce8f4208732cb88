"""What sharing out an encoder among processes saves of each one's memory: four minutes.

Steps of an encoder (24 layers of 384, a table of 30,522 pieces) with Adam, on 4 texts of 64 pieces for each process: in
one process, in two and four that each have the whole encoder, and in as many that share it out (`trainer.shard:
'encoders'`). Measured are the bytes that each process keeps between steps, weights and the optimizer's memory; and how
far its memory rises at most above what it had before the encoder was made, with all libraries imported, of which
`fully_shard` has its own. glibc is told to give tensors that are freed back at once (MALLOC_MMAP_THRESHOLD_), since the
gaps that it keeps otherwise are larger than what is saved. All ways must come to the same norm of the weights.
"""

import os
import sys
from pathlib import Path

import torch
import torch._dynamo  # which fully_shard imports in its first step
from measuring import Row, at_most, command_line, untargeted, write_result
from sharded_tables import Found, in_processes, resident, shown
from torch import Tensor, nn

import mtlkit.process.fully_sharded  # noqa: F401  # is imported where something is shared out
from mtlkit.process.ranks import Ranks
from mtlkit.process.shared_parameters import shared_parameters
from mtlkit.training import Optimization
from mtlkit.training.optimizers import Adam
from mtlkit.training.shards import Shards

PIECES, DIM, HEADS, INNER, LAYERS, TEXTS, LENGTH, STEPS = 30_522, 384, 12, 1_536, 24, 4, 64, 2
NUMBERS = (2, 4)
CASE = f"{LAYERS} layers of {DIM}, {PIECES:,} pieces, Adam"


class Encoder(nn.Module):
    """A table of pieces below layers of a transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(PIECES, DIM)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(DIM, HEADS, INNER, dropout=0.0, batch_first=True) for _ in range(LAYERS)
        )

    def forward(self, pieces: Tensor) -> Tensor:
        states: Tensor = self.table(pieces)
        for layer in self.layers:
            states = layer(states)
        return states


def measured(ranks: Ranks, shard: bool) -> Found:
    """Measures in one of several processes."""
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins again
    before = resident("VmRSS")
    torch.manual_seed(0)
    encoder = Encoder()
    if shard:
        ranks.share_out([encoder.table, *encoder.layers, encoder])
    shards = Shards(parameters=list({id(each): each for each in shared_parameters(encoder).values()}.values()))
    parameters = shards.own(encoder.parameters())
    optimizer = Adam().create(parameters)
    optimization = Optimization(optimizer, parameters, 5.0, ranks=ranks, shards=shards)
    generator = torch.Generator().manual_seed(1)
    for _ in range(STEPS):
        pieces = torch.randint(PIECES, (TEXTS * max(NUMBERS), LENGTH), generator=generator)
        for texts in pieces[ranks.rank :: ranks.size].split(TEXTS):
            optimization.backward(encoder(texts).square().mean(dim=-1).sum())
        optimization.apply()
    memory = [each for parameter in parameters for each in optimizer.state[parameter].values() if each.dim()]
    squares = torch.stack([each.detach().double().square().sum() for each in parameters]).sum()
    if shard:
        (squares,) = ranks.sum([squares])
    return sum(each.nbytes for each in (*parameters, *memory)), resident("VmHWM") - before, float(squares.sqrt())


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "sharded_encoders", rounds=1)
    if sys.platform != "linux":
        raise SystemExit("memory is read from /proc")
    os.environ["MALLOC_MMAP_THRESHOLD_"] = str(2**18)
    (one,) = in_processes(1, False, measured)
    rows: list[Row] = []
    mebibytes: dict[str, dict[str, float]] = {"one process": shown([one])}
    for number in NUMBERS:
        for shard in (False, True):
            found = in_processes(number, shard, measured)
            assert all(abs(each[2] - one[2]) < 1e-5 * one[2] for each in found), (found, one)
            mebibytes[f"{number} processes, {'sharded' if shard else 'each whole'}"] = shown(found)
            kept, peak = (max(each[place] for each in found) / one[place] for place in (0, 1))
            if shard:
                what = f"{number} processes that share out an encoder over one"
                rows.append(at_most(f"{what}, memory kept by each", CASE, kept, 1.01 / number))
                rows.append(untargeted(f"{what}, most memory of each", CASE, peak))
            else:
                what = f"{number} processes with an encoder each over one"
                rows.append(untargeted(f"{what}, most memory of each", CASE, peak))
    write_result(arguments, rows, mebibytes=mebibytes)


if __name__ == "__main__":
    main()
