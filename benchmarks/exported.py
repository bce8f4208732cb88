"""What does an exported program cost over its model, and does `torch.compile` pay in training: half a minute when idle.

An exported program is for places without mtlkit; the model that it was traced from is faster, by the rows here. The
rival of `torch.compile` is the same training step without it. Its graphs are made for any number of words: the batches
have four lengths, and `graphs` and `graphs_after_more_lengths` in the result say whether a new length made a new one.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from measuring import Row, command_line, interleaved, untargeted, write_result
from torch import Tensor
from torch._dynamo.utils import counters

from mtlkit.config import Lazy
from mtlkit.data import Batch, Text, Vocabulary
from mtlkit.embedders import WordEmbedder
from mtlkit.encoders import BilstmEncoder
from mtlkit.heads import Classifier, CrfTagger, Head
from mtlkit.model import MultiTaskModel
from mtlkit.runs.exported_program import exported_program
from mtlkit.sharing import FullyShared, SharingScheme
from mtlkit.sharing.communicators import DirectCommunicator, IndirectCommunicator
from mtlkit.sharing.message_passing import MessagePassing

TASKS = ["one", "two", "three", "four"]
DIM, NUM_TEXTS, NUM_WORDS = 100, 32, 5000
LENGTHS = (20, 35, 27, 50)
COMPILED = ("fully_shared",)
VOCABULARY = Vocabulary.of(
    [f"w{number}" for number in range(NUM_WORDS)], labels={task: ["B", "I", "O"] for task in TASKS}
)


def schemes() -> dict[str, tuple[SharingScheme, type[Head]]]:
    """Schemes with the heads that the papers give them."""
    direct, indirect = Lazy.of(DirectCommunicator), Lazy.of(IndirectCommunicator)
    return {
        "fully_shared": (FullyShared(Lazy.of(BilstmEncoder, hidden_dim=DIM // 2), input_dim=DIM), CrfTagger),
        "indirect": (MessagePassing(indirect, DIM, input_dim=DIM, tasks=TASKS), Classifier),
        "direct": (MessagePassing(direct, DIM, input_dim=DIM, tasks=TASKS), Classifier),
    }


def model_of(scheme: SharingScheme, head: type[Head]) -> MultiTaskModel:
    """A model with random weights."""
    embedder = WordEmbedder(DIM, vocabulary=VOCABULARY, vectors=None)
    heads = {task: head(input_dim=scheme.output_dim, labels=VOCABULARY.labels(task)) for task in TASKS}
    return MultiTaskModel({"shared": embedder}, scheme, heads, dict.fromkeys(TASKS, 1.0))


def batch_of(length: int, head: type[Head]) -> Batch:
    """Texts of three quarters of so many words to all of them."""
    generator = torch.Generator().manual_seed(length)
    lengths_B1 = torch.randint(length * 3 // 4, length + 1, (NUM_TEXTS, 1), generator=generator)
    lengths_B1[0] = length
    mask_BT = torch.arange(length) < lengths_B1
    words_BT = torch.randint(2, NUM_WORDS, mask_BT.shape, generator=generator) * mask_BT
    targets = torch.randint(3, mask_BT.shape if head is CrfTagger else (NUM_TEXTS,), generator=generator)
    targets = targets.masked_fill(~mask_BT, -1) if head is CrfTagger else targets
    return Batch(TASKS[1], Text(mask_BT, {"words": words_BT}), targets, torch.arange(NUM_TEXTS))


def over_its_model(name: str, model: MultiTaskModel, batch: Batch, rounds: int) -> tuple[Row, dict[str, Any]]:
    """A program against the model that it was traced from, whose answers it must give."""
    model.eval()
    program = exported_program(model, batch_of(9, type(model.head(batch.task))).text, batch.task).module()
    given = batch.text.mask_BT, dict(batch.text.columns)
    with torch.no_grad():
        assert torch.equal(program(*given)["ids"], model.decode(batch).ids)
        timings = interleaved({"program": lambda: program(*given), "model": lambda: model.decode(batch)}, rounds)
    case = f"{name} B={NUM_TEXTS} T={batch.text.mask_BT.shape[1]}"
    return untargeted("exported program over its model, inference", case, timings.ratio("program", "model")), {
        "case": case,
        "milliseconds": timings.milliseconds(),
    }


def compiled(name: str, model: MultiTaskModel, batches: Mapping[int, Batch], rounds: int) -> tuple[Row, dict[str, Any]]:
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
    arguments = command_line(__doc__, "exported", rounds=7)
    torch.manual_seed(0)
    found = []
    for name, (scheme, head) in schemes().items():
        model, batches = model_of(scheme, head), {length: batch_of(length, head) for length in LENGTHS}
        found.append(over_its_model(name, model, batches[27], arguments.rounds))
        if name in COMPILED:
            found.append(compiled(name, model, batches, arguments.rounds))
    write_result(arguments, [row for row, _ in found], cases=[details for _, details in found])


if __name__ == "__main__":
    main()
