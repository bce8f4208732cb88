"""What taking subnormal numbers for zero saves in training: half a minute.

Gradients of the last state of a text vanish over many words, and become subnormal on their way. Timed are whole steps
of IC-MTL and of a plain LSTM, with the head reading the last state, over texts of 60 and 240 words: as the trainer
computes them, and with subnormal numbers kept. On processors that compute with subnormal numbers as fast as with
others, such as AMD's, the ratio is 1.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import torch
from measuring import Row, command_line, interleaved, untargeted, write_result

from mtlkit.config import Lazy
from mtlkit.data import Batch, Text, Vocabulary
from mtlkit.embedders import WordEmbedder
from mtlkit.encoders import LstmEncoder
from mtlkit.heads import Classifier
from mtlkit.model import SHARED, MultiTaskModel
from mtlkit.process.subnormals import flushed_subnormals
from mtlkit.sharing import FullyShared, MessagePassing, SharingScheme
from mtlkit.sharing.communicators import IndirectCommunicator

NUM_WORDS, DIM, NUM_ROWS = 1000, 100, 16
LENGTHS = (60, 240)
SCHEMES: dict[str, Callable[[], SharingScheme]] = {
    "LSTM": lambda: FullyShared(Lazy.of(LstmEncoder, hidden_dim=DIM), input_dim=DIM),
    "IC-MTL": lambda: MessagePassing(Lazy.of(IndirectCommunicator), hidden_dim=DIM, input_dim=DIM, tasks=["task"]),
}


def new_model(sharing: SharingScheme) -> MultiTaskModel:
    """A model with one task."""
    vocabulary = Vocabulary.of([f"word{number}" for number in range(NUM_WORDS)], [], {"task": ["no", "yes"]})
    embedder = WordEmbedder(dim=DIM, vocabulary=vocabulary, vectors=None)
    head = Classifier(input_dim=sharing.output_dim, labels=["no", "yes"])
    return MultiTaskModel({SHARED: embedder}, sharing, {"task": head}, {"task": 1.0})


def new_batch(num_steps: int) -> Batch:
    """Random words, all texts of the same length."""
    mask_BT = torch.ones(NUM_ROWS, num_steps, dtype=torch.bool)
    words_BT = torch.randint(1, NUM_WORDS, (NUM_ROWS, num_steps))
    return Batch("task", Text(mask_BT, {"words": words_BT}), torch.randint(2, (NUM_ROWS,)), torch.arange(NUM_ROWS))


def step(model: MultiTaskModel, batch: Batch, block: Callable[[], AbstractContextManager[None]]) -> None:
    """Forward and backward pass."""
    with block():
        model.loss(batch).total.backward()
    model.zero_grad()


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "subnormals", rounds=5)
    table: list[Row] = []
    milliseconds: dict[str, dict[str, float]] = {}
    for name, scheme in SCHEMES.items():
        for length in LENGTHS:
            torch.manual_seed(0)
            model, batch, case = new_model(scheme()), new_batch(length), f"{name}, T={length} B={NUM_ROWS} D={DIM}"
            timings = interleaved(
                {
                    "kept": partial(step, model, batch, partial(flushed_subnormals, False)),
                    "flushed": partial(step, model, batch, flushed_subnormals),
                },
                arguments.rounds,
            )
            ratio = timings.ratio("kept", "flushed")
            table.append(untargeted("a step, subnormal numbers kept over flushed", case, ratio))
            milliseconds[case] = timings.milliseconds()
    write_result(arguments, table, milliseconds=milliseconds)


if __name__ == "__main__":
    main()
