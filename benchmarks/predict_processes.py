"""What a second process saves in `predict --processes`, by the clock: five minutes on two idle cores.

`mtlkit predict` of files of sentences to a file, in turns: by one process, and by two that answer while a third one
reads and writes, each with one thread. Both write the same bytes, which is checked. The rate is that of a long file:
the texts of a large file that a small one lacks, over the time that it takes longer, so that the seconds in which
processes start do not count. Beside it are the whole commands on the large file, and the memory of the process that
reads, on the large file over the small one. The machine must have two idle cores; the result says how busy it was.
"""

import os
import sys
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from measuring import ROOT, Row, Timings, at_least, at_most, command_line, run, untargeted, write_result

from mtlkit import load_experiment, train
from mtlkit.archive import open_archive
from mtlkit.data import Instance

EXPERIMENTS = {"IC-MTL on VADER": ("experiments/ic_mtl.jsonnet", "movie")}
SMALL, LARGE = 8_192, 81_920
"""Texts of the two files: whole windows of 2,048."""
LEAST_GAIN, MOST_MEMORY = 1.7, 1.3
VARIANTS = {"one process": (), "two processes": ("--processes", "2")}


def written_texts(archive: Path, task: str, folder: Path) -> dict[int, Path]:
    """Two files of texts, one a line: those of training, over and over."""
    with open_archive(archive, torch.device("cpu")) as opened:
        source = opened.experiment.tasks[task].train
        texts = [
            " ".join(text.words)
            for text in opened.reader_for(task).read_texts(str(source))
            if isinstance(text, Instance)
        ]
    files = {size: folder / f"{size}.txt" for size in (SMALL, LARGE)}
    for size, file in files.items():
        file.write_text("".join(f"{text}\n" for text in islice(cycle(texts), size)), encoding="utf-8")
    return files


def answered(archive: Path, task: str, texts: Path, output: Path, options: Sequence[str]) -> tuple[float, float]:
    """Seconds by the clock, and MiB of the process that was started."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = ["predict", archive, texts, "--task", task, "--format", "text", "--output", output, *options]
    started = time.perf_counter()
    done = run([sys.executable, "-m", "mtlkit", *words], {"PYTHONPATH": path})
    return time.perf_counter() - started, done.peak_mebibytes


def measured(case: str, file: str, task: str, rounds: int) -> tuple[list[Row], Any]:
    """The rows of one experiment, and the seconds of each command."""
    seconds: dict[str, list[float]] = {f"{name}, {size}": [] for name in VARIANTS for size in (SMALL, LARGE)}
    memory: dict[int, list[float]] = {SMALL: [], LARGE: []}
    with TemporaryDirectory() as name:
        folder = Path(name)
        experiment = load_experiment(ROOT / file, overrides=["trainer.epochs=1"])
        archive = train(experiment, folder / "run", limit=300).archive  # what it answers does not matter
        files = written_texts(archive, task, folder)
        for _ in range(rounds):
            for size, texts in files.items():
                outputs = {variant: folder / f"{variant}.jsonl" for variant in VARIANTS}
                for variant, options in VARIANTS.items():
                    taken, used = answered(archive, task, texts, outputs[variant], options)
                    seconds[f"{variant}, {size}"].append(taken)
                    if options:
                        memory[size].append(used)
                one, two = (output.read_bytes() for output in outputs.values())
                assert one == two and one.count(b"\n") == size
    longer = {
        variant: [
            large - small
            for large, small in zip(seconds[f"{variant}, {LARGE}"], seconds[f"{variant}, {SMALL}"], strict=True)
        ]
        for variant in VARIANTS
    }
    rate = Timings(longer)
    whole = Timings(seconds)
    each = {variant: (LARGE - SMALL) / rate.median(variant) for variant in VARIANTS}
    rows = [
        at_least(
            "predict, two processes over one, by the clock",
            case,
            rate.ratio("one process", "two processes"),
            LEAST_GAIN,
        ),
        untargeted("predict, texts per second", case, ", ".join(f"{each[name]:,.0f} of {name}" for name in VARIANTS)),
        untargeted(
            f"predict of {LARGE:,} texts, whole commands",
            case,
            whole.ratio(f"one process, {LARGE}", f"two processes, {LARGE}"),
        ),
        at_most(
            "memory of the process that reads, ten times the file",
            case,
            sorted(memory[LARGE])[rounds // 2] / sorted(memory[SMALL])[rounds // 2],
            MOST_MEMORY,
        ),
    ]
    return rows, seconds


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "predict_processes", rounds=3)
    table: list[Row] = []
    seconds = {}
    for case, (file, task) in EXPERIMENTS.items():
        rows, seconds[case] = measured(case, file, task, arguments.rounds)
        table += rows
    write_result(arguments, table, seconds=seconds)


if __name__ == "__main__":
    main()
