"""Does `torch.compile` pay in training: some two minutes, most of which it compiles.

The rival is the same step without it, with mtlkit's kernels, which torch cannot trace: each of them breaks the graph.
Graphs are made for any number of words. The batches have four lengths; `graphs` and `graphs_after_more_lengths` in the
result say whether a new length makes new ones.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from exported import NUM_TEXTS, batch_of, model_of, schemes
from measuring import Row, command_line, interleaved, untargeted, write_result
from torch import Tensor
from torch._dynamo.utils import counters

from mtlkit.data import Batch
from mtlkit.model import MultiTaskModel

LENGTHS = (20, 35, 27, 50)


def measure(name: str, model: MultiTaskModel, batches: Mapping[int, Batch], rounds: int) -> tuple[Row, dict[str, Any]]:
    """A training step without its optimizer, against the same through `torch.compile`."""
    model.train()
    torch._dynamo.reset()
    counters.clear()

    def loss(batch: Batch) -> Tensor:
        return model.loss(batch).total

    def steps(loss_of: Callable[[Batch], Tensor]) -> None:
        for batch in batches.values():
            model.zero_grad()
            loss_of(batch).backward()

    through = torch.compile(loss, dynamic=True)
    first, *others = batches.values()
    through(first).backward()
    graphs = counters["stats"]["unique_graphs"]
    for batch in others:
        torch.testing.assert_close(through(batch), loss(batch))
    timings = interleaved({"eager": lambda: steps(loss), "compiled": lambda: steps(through)}, rounds)
    case = f"{name} B={NUM_TEXTS} T={'/'.join(map(str, batches))}"
    return untargeted(
        "training step against the same through `torch.compile`", case, timings.ratio("compiled", "eager")
    ), {
        "case": case,
        "milliseconds": timings.milliseconds(),
        "graphs": graphs,
        "graphs_after_more_lengths": counters["stats"]["unique_graphs"],
        "graph_breaks": sum(counters["graph_break"].values()),
    }


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "compiled_steps", rounds=7)
    torch.manual_seed(0)
    found = []
    for name, (scheme, head) in schemes().items():
        batches = {length: batch_of(length, head) for length in LENGTHS}
        found.append(measure(name, model_of(scheme, head), batches, arguments.rounds))
    write_result(arguments, [row for row, _ in found], cases=[details for _, details in found])


if __name__ == "__main__":
    main()
