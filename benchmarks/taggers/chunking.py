"""What every tagger trains on, and what it says about it. Standard library only: peers' environments have no more.

A tagger is a module beside this one. Run as a program, it trains one epoch on a corpus in a folder and says its rate
as JSON. Some also have `steps`, which yields after each training step how many tokens it was, and its loss per token.
"""

import gzip
import json
import os
import resource
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

BATCH_SIZE = 32
DIM = 100
LEARNING_RATE = 1e-3
SEED = 13


class Trained(NamedTuple):
    """One training step."""

    tokens: int
    loss: float


class TaggedSentence(NamedTuple):
    """Words and their chunk tags."""

    words: list[str]
    tags: list[str]


def write_corpus(folder: Path, every: int = 1) -> None:
    """Every so-manieth sentence of CoNLL-2000's training file as `train.txt`, and a few test ones as `test.txt`.

    Raises:
        SystemExit: there is no corpus.
    """
    source = Path(os.environ.get("MTLKIT_DATA", "")) / "seqlab" / "conll2000"
    if not (source / "train.txt.gz").is_file():
        raise SystemExit("needs CoNLL-2000: set MTLKIT_DATA to the folder that holds seqlab/conll2000/train.txt.gz")
    for split, step in (("train", every), ("test", 4 * every)):
        text = gzip.decompress((source / f"{split}.txt.gz").read_bytes()).decode("utf-8")
        sentences = text.strip().split("\n\n")[::step]
        (folder / f"{split}.txt").write_text("\n\n".join(sentences) + "\n\n", encoding="utf-8")


def read_sentences(file: Path) -> list[TaggedSentence]:
    """The sentences of a file of `write_corpus`."""
    blocks = file.read_text(encoding="utf-8").strip().split("\n\n")
    lines = ([line.split() for line in block.split("\n")] for block in blocks)
    return [TaggedSentence([fields[0] for fields in each], [fields[2] for fields in each]) for each in lines]


def print_rate(steps: Iterable[Trained]) -> None:
    """Goes through the steps; prints tokens, CPU seconds of the process in them, last losses and peak memory."""
    started = time.process_time()
    done = list(steps)
    say(sum(step.tokens for step in done), time.process_time() - started, [step.loss for step in done])


def peak_mebibytes() -> int:
    """Most memory that this process has held at once."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def say(tokens: int, cpu_seconds: float, losses: list[float], peak: int | None = None) -> None:
    """The one line that a tagger prints to standard output; `peak` is that of training, where more has followed."""
    last = losses[-50:]
    print(
        json.dumps(
            {
                "tokens": tokens,
                "cpu_seconds": round(cpu_seconds, 3),
                "tokens_per_cpu_second": round(tokens / cpu_seconds),
                "last_losses": round(sum(last) / len(last), 4) if last else None,
                "peak_mebibytes": peak_mebibytes() if peak is None else peak,
            }
        ),
        file=sys.stdout,
        flush=True,
    )
