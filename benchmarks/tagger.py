"""How fast a BiLSTM(100)-CRF trains on CoNLL-2000, against the same model in plain PyTorch and pytorch-crf: a minute.

Both train one epoch of the whole corpus in this process, some steps each in turns. What is compared is tokens per CPU
second of training steps: batches, loss, gradients, Adam. The mean losses of the last turn stand beside it, as
evidence that both learn. `make bench-peers` compares with other toolkits.
"""

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from measuring import Timings, at_least, command_line, untargeted, write_result
from taggers import with_mtlkit, with_torch
from taggers.chunking import Trained, write_corpus

STEPS_OF_A_TURN = 30


def turn(steps: Iterator[Trained]) -> tuple[float, float]:
    """CPU seconds per token of the next steps, and their mean loss."""
    started = time.process_time()
    done = list(islice(steps, STEPS_OF_A_TURN))
    return (time.process_time() - started) / sum(step.tokens for step in done), fmean(step.loss for step in done)


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "tagger", rounds=4)
    with TemporaryDirectory() as folder:
        write_corpus(Path(folder))
        taggers = {"mtlkit": with_mtlkit.steps(Path(folder)), "plain": with_torch.steps(Path(folder))}
        for steps in taggers.values():
            turn(steps)  # reads the corpus, and meets most lengths for the first time
        found: dict[str, list[float]] = {name: [] for name in taggers}
        losses = {}
        for _ in range(arguments.rounds):
            for name, steps in taggers.items():
                seconds, losses[name] = turn(steps)
                found[name].append(seconds)
    timings = Timings(found)
    rates = {name: round(1 / timings.median(name)) for name in found}
    case = "CoNLL-2000, batch 32"
    rows = [
        at_least("BiLSTM(100)-CRF training against plain PyTorch", case, timings.ratio("plain", "mtlkit"), 2.5),
        untargeted("BiLSTM(100)-CRF training, tokens per CPU second", case, rates["mtlkit"], unit=""),
    ]
    write_result(arguments, rows, tokens_per_cpu_second=rates, last_losses=losses)


if __name__ == "__main__":
    main()
