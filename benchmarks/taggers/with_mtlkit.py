"""The tagger of chunking.jsonnet, trained by mtlkit's own trainer."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from taggers.chunking import Trained, print_rate

from mtlkit.data import BatchStream, TaskSplit
from mtlkit.experiment import build_model, load_corpora, load_experiment, make_vocabulary
from mtlkit.training import Step, Trainer, seed_all

EXPERIMENT = Path(__file__).parent / "chunking.jsonnet"


def steps(folder: Path, epochs: int = 1) -> Iterator[Trained]:
    """Reads and builds at once; trains as it is gone through, one item a step. The cache stays in the folder."""
    os.environ["MTLKIT_CACHE"] = str(folder / "cache")
    given = {"corpus": str(folder)}
    experiment = load_experiment(EXPERIMENT, variables=given, overrides={"trainer.epochs": epochs}).experiment
    corpora = load_corpora(experiment)
    vocabulary = make_vocabulary(experiment, corpora, None)
    seed_all(experiment.seed)
    model = build_model(experiment, vocabulary, None)
    split = TaskSplit("chunk", corpora.by_task["chunk"]["train"], vocabulary, columns=model.embedder("chunk").tables)
    selection = experiment.trainer.selection.build(tasks=["chunk"])
    trainer = Trainer(model, {"chunk": split}, [], [], selection, experiment.trainer, experiment.seed)
    # A second stream of the same seed says beforehand how many tokens each step will have.
    stream = BatchStream(split, experiment.trainer.batch_size, experiment.seed)
    tokens = [int(stream.next().text.mask_BT.sum()) for _ in range(epochs * stream.num_batches)]
    taken = (event for event in trainer.events() if isinstance(event, Step))
    return (Trained(each, float(step.losses[0][1])) for each, step in zip(tokens, taken, strict=True))


if __name__ == "__main__":
    torch.set_num_threads(1)
    print_rate(steps(Path(sys.argv[1])))
