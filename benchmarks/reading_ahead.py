"""What answering texts of like lengths together saves in `predict`, and what one sentence costs: half a minute.

4,096 sentences of the English Web Treebank, in the order of the file, are answered by a BiLSTM-CRF with characters in
batches of 64: in the order of the input, in windows of 32 batches as `predict` does, and all sorted, which needs the
whole input and is the least that is possible. One sentence is answered through `mtlkit.load_archive`, and in a bare
loop that makes a batch of its words and decodes it. Before anything is timed, all answers are compared. The floor of
windows is the sorted input, that of one sentence the bare loop.
"""

import os
import sys
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from floors import over_floor
from measuring import ROOT, at_least, at_most, command_line, interleaved, untargeted, write_result

from mtlkit import load_archive, load_experiment, train
from mtlkit.archive import Archive, open_archive
from mtlkit.data import Corpus, Instance
from mtlkit.process.freed_memory import keep_freed_memory
from mtlkit.runs import predict_inputs
from mtlkit.runs.predict import BATCHES_AHEAD, as_batch, decisions_of

NUM_TEXTS, BATCH_SIZE, TASK = 4096, 64, "chunk"
CASE = f"BiLSTM-CRF with characters, {NUM_TEXTS:,} sentences, batch {BATCH_SIZE}"
LEAST_GAIN, MOST_OVER_BARE = 1.6, 1.15


def trained(directory: Path) -> Path:
    """A run of one epoch on few texts: what its answers are does not matter, only what they cost."""
    experiment = load_experiment(
        ROOT / "experiments" / "ewt_grid" / "fs.jsonnet",
        arguments={"grid": "united", "char": "cnn"},
        overrides=["trainer.epochs=1"],
    )
    return train(experiment, directory, limit=100).archive


def sentences(archive: Archive) -> list[Instance]:
    """Sentences as the task's reader reads them, without their tags."""
    settings = archive.experiment.tasks[TASK]
    texts = archive.reader_for(TASK).read_texts(str(settings.train))
    found = list(islice((Instance(text.words) for text in texts if isinstance(text, Instance)), NUM_TEXTS))
    assert len(found) == NUM_TEXTS, "the file has fewer sentences"
    return found


def answer(archive: Archive, texts: list[Instance], batches_ahead: int) -> list[dict[str, Any]]:
    """The records of all texts."""
    inputs = [(text, "here") for text in texts]
    return list(predict_inputs(archive, inputs, [TASK], BATCH_SIZE, batches_ahead=batches_ahead))


def bare(archive: Archive, words: tuple[str, ...]) -> list[dict[str, Any]]:
    """The decision of one text, without anything around it."""
    with torch.inference_mode():
        corpus = Corpus.from_instances([Instance(words)], "tags")
        decoded = archive.model_for(TASK).decode(as_batch(archive, TASK, corpus))
    return decisions_of(decoded, archive.vocabulary.labels(TASK))


def padding(lengths: list[int], ahead: int) -> float:
    """The share of padded words that are none, in windows of so many batches."""
    window, padded = BATCH_SIZE * ahead, 0
    for start in range(0, len(lengths), window):
        ordered = lengths[start : start + window] if ahead == 1 else sorted(lengths[start : start + window])
        batches = (ordered[place : place + BATCH_SIZE] for place in range(0, len(ordered), BATCH_SIZE))
        padded += sum(len(batch) * max(batch) for batch in batches)
    return 100 * (1 - sum(lengths) / padded)


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "reading_ahead", rounds=3)
    if "MTLKIT_DATA" not in os.environ:
        sys.exit("this needs the corpora: set MTLKIT_DATA to the folder that holds seqlab/ and glove/")
    keep_freed_memory()  # as the command does
    with TemporaryDirectory() as folder:
        path = trained(Path(folder) / "run")
        loaded = load_archive(path)
        with open_archive(path, torch.device("cpu"), ()) as archive:
            texts = sentences(archive)
            ahead = {"input": 1, "window": BATCHES_AHEAD, "sorted": NUM_TEXTS // BATCH_SIZE}
            one = " ".join(sorted(texts, key=lambda text: len(text.words))[NUM_TEXTS // 2].words)
            in_order = answer(archive, texts, 1)
            assert all(answer(archive, texts, each) == in_order for each in ahead.values())
            (alone,) = loaded.predict([one], TASK)
            assert bare(archive, tuple(alone["words"])) == [{"tags": alone["tags"]}]
            variants = {name: partial(answer, archive, texts, each) for name, each in ahead.items()}
            timings = interleaved(variants, arguments.rounds)
            single = {
                "predict": partial(loaded.predict, [one], TASK),
                "bare": partial(bare, archive, tuple(alone["words"])),
            }
            alone_timings = interleaved(single, 5 * arguments.rounds)
    lengths = [len(text.words) for text in texts]
    rates = {name: round(NUM_TEXTS / timings.median(name)) for name in variants}
    shares = {name: padding(lengths, each) for name, each in ahead.items()}
    over, words = alone_timings.ratio("predict", "bare"), len(alone["words"])
    rate = f"{rates['input']:,} in the order, {rates['window']:,} in windows"
    waste = f"{shares['input']:.1f} % in the order, {shares['window']:.1f} % in windows"
    gain = at_least("predict, order of the input over windows", CASE, timings.ratio("input", "window"), LEAST_GAIN)
    case = f"one sentence, {words} words"
    single_row = at_most("`load_archive(...).predict` over a bare loop", case, over, MOST_OVER_BARE)
    rows = [
        over_floor(gain, timings.median("window"), timings.median("sorted")),
        untargeted("predict, windows over all sorted", CASE, timings.ratio("window", "sorted")),
        untargeted("predict, texts per CPU second", CASE, rate),
        untargeted("predict, padding", CASE, waste),
        over_floor(single_row, alone_timings.median("predict"), alone_timings.median("bare")),
    ]
    write_result(arguments, rows, milliseconds={**timings.milliseconds(), **alone_timings.milliseconds()})


if __name__ == "__main__":
    main()
