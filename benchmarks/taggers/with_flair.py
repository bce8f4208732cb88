"""The tagger in flair 0.15.1: OneHotEmbeddings(100), BiLSTM(100), CRF, Adam. Runs in an environment of flair's own."""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import flair
import torch
from flair.datasets import ColumnCorpus
from flair.embeddings import OneHotEmbeddings
from flair.models import SequenceTagger
from flair.trainers import ModelTrainer
from flair.trainers.plugins.base import TrainerPlugin
from taggers.chunking import BATCH_SIZE, DIM, LEARNING_RATE, SEED, say


class Clock(TrainerPlugin):
    """CPU time between the beginning and the end of an epoch's training."""

    seconds = 0.0

    @TrainerPlugin.hook
    def before_training_epoch(self, **_: Any) -> None:
        """The epoch begins."""
        self.started = time.process_time()

    @TrainerPlugin.hook
    def after_training_epoch(self, **_: Any) -> None:
        """It is over; what follows is saving."""
        self.seconds += time.process_time() - self.started


def main(folder: Path) -> None:
    """Trains one epoch and prints its rate."""
    torch.set_num_threads(1)
    flair.set_seed(SEED)
    columns = {0: "text", 1: "pos", 2: "np"}
    corpus = ColumnCorpus(folder, columns, train_file="train.txt", test_file="test.txt", sample_missing_splits=False)
    tagger = SequenceTagger(
        embeddings=OneHotEmbeddings.from_corpus(corpus, field="text", min_freq=1, embedding_length=DIM),
        tag_dictionary=corpus.make_label_dictionary("np", add_unk=False),
        tag_type="np",
        tag_format="BIO",
        hidden_size=DIM,
        use_crf=True,
        reproject_embeddings=False,
        dropout=0.0,
        word_dropout=0.0,
        locked_dropout=0.0,
    )
    clock = Clock()
    with TemporaryDirectory() as output:
        ModelTrainer(tagger, corpus).train(
            output,
            learning_rate=LEARNING_RATE,
            mini_batch_size=BATCH_SIZE,
            max_epochs=1,
            optimizer=torch.optim.Adam,
            attach_default_scheduler=False,
            train_with_dev=True,
            plugins=[clock],
            embeddings_storage_mode="none",
            save_final_model=False,
        )
    say(sum(len(sentence) for sentence in corpus.train), clock.seconds, [])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
