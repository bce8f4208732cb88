"""The tagger in the Trainer of transformers, which needs accelerate. Runs in an environment of its own."""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from taggers.chunking import say
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from tuners.tagging import BATCH_SIZE, CLIP, LEARNING_RATE, SEED, WEIGHT_DECAY, read_sentences, tags_of
from tuners.with_bare import encoded


class Clock(TrainerCallback):
    """CPU time between the beginning and the end of training."""

    seconds = 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Training begins."""
        self.started = time.process_time()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """It is over."""
        self.seconds = time.process_time() - self.started


def main(folder: Path, model: str) -> None:
    """Trains one epoch and prints its rate."""
    torch.set_num_threads(1)
    sentences = read_sentences(folder)
    tags = tags_of(sentences)
    tokenizer = AutoTokenizer.from_pretrained(model)
    features = []
    for each in sentences:
        read, targets = encoded([each], tokenizer, tags)
        features.append({"input_ids": read["input_ids"][0].tolist(), "labels": targets[0].tolist()})
    clock = Clock()
    with TemporaryDirectory() as output:
        arguments = TrainingArguments(
            output_dir=output,
            per_device_train_batch_size=BATCH_SIZE,
            num_train_epochs=1,
            learning_rate=LEARNING_RATE,
            weight_decay=WEIGHT_DECAY,
            max_grad_norm=CLIP,
            lr_scheduler_type="constant",
            optim="adamw_torch_fused",
            train_sampling_strategy="group_by_length",
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
            seed=SEED,
        )
        trainer = Trainer(
            model=AutoModelForTokenClassification.from_pretrained(model, num_labels=len(tags)),
            args=arguments,
            train_dataset=features,
            data_collator=DataCollatorForTokenClassification(tokenizer),
            callbacks=[clock],
        )
        trainer.train()
    say(sum(len(each.words) for each in sentences), clock.seconds, [])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
