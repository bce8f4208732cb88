"""What batches of texts of like lengths save over batches of random ones, on texts as long as reviews: a minute.

1,400 texts of one task, lengths log-normal (standard deviation 0.75 of the logarithm, mean 136 before the cap of 500),
64 in a batch. An epoch is one training step of a BiLSTM and a classifier on every batch: gather, loss, gradient, Adam.
Time is compared, and how much of the batches is padding. PyTorch's LSTM computes padding like words, and so do GPUs;
mtlkit's own on a CPU leaves it out, so that there batches of like lengths gain little.
"""

import math
import sys
from collections.abc import Callable
from functools import partial

import torch
from measuring import at_least, at_most, command_line, interleaved, untargeted, write_result
from torch import Tensor

from mtlkit.config import Lazy
from mtlkit.data import Corpus, Instance, TaskSplit, Vocabulary, bucketed_order
from mtlkit.embedders import WordEmbedder
from mtlkit.encoders import BilstmEncoder
from mtlkit.heads import Classifier
from mtlkit.kernels.choice import why_not_compiled
from mtlkit.kernels.compute import AUTOMATIC, Compute, hand_down
from mtlkit.model import SHARED, MultiTaskModel
from mtlkit.sharing import FullyShared
from mtlkit.training import Optimization
from mtlkit.training.optimizers import Adam
from mtlkit.training.update_strategies import Joint

NUM_TEXTS, BATCH_SIZE = 1400, 64
MEAN, SPREAD, SHORTEST_TEXT, LONGEST_TEXT = 136, 0.75, 5, 500
BATCH_TOKENS = 64 * 130
DIM = 100
WORDS = [f"word{number}" for number in range(1000)]
LABELS = ["no", "yes"]
LEAST_GAIN, MOST_PADDING = 3.0, 0.08
EPOCH = "bucketing: epoch, unbucketed over bucketed,"


def new_split() -> TaskSplit:
    """Texts of random words."""
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(NUM_TEXTS, generator=generator)
    lengths = (math.log(MEAN) - SPREAD**2 / 2 + SPREAD * normal).exp().round().clamp(SHORTEST_TEXT, LONGEST_TEXT)
    instances = []
    for number, length in enumerate(lengths.int().tolist()):
        words = torch.randint(len(WORDS), (length,), generator=generator).tolist()
        instances.append(Instance(tuple(WORDS[word] for word in words), LABELS[number % 2]))
    vocabulary = Vocabulary.of(WORDS, [], {"task": LABELS})
    return TaskSplit("task", Corpus.from_instances(instances, "label"), vocabulary)


def new_model() -> MultiTaskModel:
    """A BiLSTM with a classifier."""
    torch.manual_seed(0)
    embedder = WordEmbedder(dim=DIM, vocabulary=Vocabulary.of(WORDS, [], {"task": LABELS}), vectors=None)
    sharing = FullyShared(Lazy.of(BilstmEncoder, hidden_dim=DIM // 2), input_dim=DIM)
    head = Classifier(input_dim=DIM, labels=LABELS)
    return MultiTaskModel({SHARED: embedder}, sharing, {"task": head}, {"task": 1.0})


def padding(split: TaskSplit, order: list[Tensor]) -> float:
    """The share of padded words that are none."""
    padded = sum(len(indices_B) * int(split.lengths[indices_B].max()) for indices_B in order)
    return 1 - int(split.lengths.sum()) / padded


def epoch(split: TaskSplit, order: list[Tensor], model: MultiTaskModel, optimization: Optimization) -> None:
    """One step on each batch."""
    for indices_B in order:
        Joint().step(model, [split.batch(indices_B)], optimization, "fp32")


def on_torch(run: Callable[[], object], model: MultiTaskModel) -> None:
    """Calls `run` while the model computes with PyTorch's LSTM in place of ours."""
    hand_down(model, Compute("pure"))
    try:
        run()
    finally:
        hand_down(model, AUTOMATIC)


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "bucketing", rounds=1)
    if (reason := why_not_compiled(torch.device("cpu"), lstms=True)) is not None:
        sys.exit(f"this compares the compiled LSTM: {reason}")
    split, generator = new_split(), torch.Generator().manual_seed(1)
    orders = {
        "random": list(torch.split(torch.randperm(NUM_TEXTS, generator=generator), BATCH_SIZE)),
        "bucketed": bucketed_order(split.lengths, BATCH_SIZE, generator),
        "budget": bucketed_order(split.lengths, NUM_TEXTS, generator, BATCH_TOKENS),
    }
    epochs: dict[str, Callable[[], object]] = {}
    for name, order in orders.items():
        model = new_model().train()
        parameters = list(model.parameters())
        optimization = Optimization(Adam().create(parameters), parameters, gradient_clip=5.0)
        epochs[name] = partial(epoch, split, order, model, optimization)
        epochs[f"{name}, torch"] = partial(on_torch, epochs[name], model)
    timings = interleaved(epochs, arguments.rounds)
    waste = {name: padding(split, order) for name, order in orders.items()}
    case = f"review lengths, B={BATCH_SIZE}"
    budget = f"review lengths, {BATCH_TOKENS:,} words in a batch"
    rows = [
        at_most("bucketing: padding", case, 100 * waste["bucketed"], 100 * MOST_PADDING, unit=" %"),
        at_least(f"{EPOCH} PyTorch's LSTM", case, timings.ratio("random, torch", "bucketed, torch"), LEAST_GAIN),
        untargeted(f"{EPOCH} PyTorch's LSTM", budget, timings.ratio("random, torch", "budget, torch")),
        untargeted(f"{EPOCH} the compiled LSTM", case, timings.ratio("random", "bucketed")),
        untargeted(f"{EPOCH} the compiled LSTM", budget, timings.ratio("random", "budget")),
        untargeted("bucketed epoch, PyTorch's LSTM over compiled", case, timings.ratio("bucketed, torch", "bucketed")),
        untargeted("bucketing: padding without it", case, 100 * waste["random"], unit=" %"),
        untargeted("bucketing: padding", budget, 100 * waste["budget"], unit=" %"),
    ]
    details = {name: {"batches": len(orders[name]), "padding": round(waste[name], 4)} for name in orders}
    write_result(arguments, rows, orders=details, milliseconds=timings.milliseconds())


if __name__ == "__main__":
    main()
