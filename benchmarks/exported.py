"""What does an exported program cost over its model: half a minute.

An exported program is for places without mtlkit, and takes its steps in Python. The model that it was traced from, with
its compiled kernels, is the rival.
"""

from typing import Any

import torch
from measuring import Row, command_line, interleaved, untargeted, write_result

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


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "exported", rounds=7)
    torch.manual_seed(0)
    found = []
    for name, (scheme, head) in schemes().items():
        found.append(over_its_model(name, model_of(scheme, head), batch_of(27, head), arguments.rounds))
    write_result(arguments, [row for row, _ in found], cases=[details for _, details in found])


if __name__ == "__main__":
    main()
