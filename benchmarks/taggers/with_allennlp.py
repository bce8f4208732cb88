"""The tagger in AllenNLP 2.10.1, its `crf_tagger` with bucketed batches and Adam. Runs in an environment of its own."""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import allennlp_models.tagging  # noqa: F401  # registers what the parameters name
import torch
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.nn.util import get_text_field_mask
from allennlp.training.callbacks.callback import TrainerCallback
from taggers.chunking import BATCH_SIZE, DIM, LEARNING_RATE, SEED, say


@TrainerCallback.register("clock")
class Clock(TrainerCallback):
    """CPU time of training batches; counting their tokens is left out of it."""

    tokens = 0
    seconds = 0.0

    def on_start(self, trainer: Any, is_primary: bool = True, **_: Any) -> None:
        """Training begins."""
        super().on_start(trainer, is_primary)
        self.started = time.process_time()

    def on_batch(self, trainer: Any, batch_inputs: Any, *_: Any, **__: Any) -> None:
        """A batch is done."""
        Clock.seconds += time.process_time() - self.started
        Clock.tokens += sum(int(get_text_field_mask(each["tokens"]).sum()) for each in batch_inputs)
        self.started = time.process_time()


def parameters(folder: Path) -> Params:
    """The whole configuration."""
    return Params(
        {
            "dataset_reader": {"type": "conll2000", "tag_label": "chunk"},
            "train_data_path": str(folder / "train.txt"),
            "data_loader": {
                "batch_sampler": {"type": "bucket", "batch_size": BATCH_SIZE, "sorting_keys": ["tokens"]},
            },
            "model": {
                "type": "crf_tagger",
                "label_encoding": "BIO",
                "text_field_embedder": {"token_embedders": {"tokens": {"type": "embedding", "embedding_dim": DIM}}},
                "encoder": {"type": "lstm", "input_size": DIM, "hidden_size": DIM, "bidirectional": True},
            },
            "trainer": {
                "optimizer": {"type": "adam", "lr": LEARNING_RATE},
                "num_epochs": 1,
                "callbacks": ["clock"],
            },
            "random_seed": SEED,
        }
    )


def main(folder: Path) -> None:
    """Trains one epoch and prints its rate."""
    torch.set_num_threads(1)
    with TemporaryDirectory() as output:
        train_model(parameters(folder), output, force=True)
    say(Clock.tokens, Clock.seconds, [])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
