"""What `mtlkit report` takes on 16 tasks with 6,400 test texts of 130 words, and how large its page is: a minute.

The texts are drawn by chance, the model is one of indirect communication, barely trained: what is timed depends on
neither. Times are user and system time of whole processes with one thread. Wall-clock time on an idle machine is about
the same.
"""

import json
import random
import sys
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from measuring import at_most, command_line, cpu_seconds, run, untargeted, write_result

from mtlkit.report.charts.drawing import inline_svg
from mtlkit.report.parts import Chart
from mtlkit.report.reading.sources import evidence_of, source_of
from mtlkit.report.sections import sections_of
from mtlkit.runs import Wanted

NUM_TASKS, NUM_TESTS, LENGTH, NUM_WORDS = 16, 400, 130, 8000
SIZES = {"train": 40, "dev": 40, "test": NUM_TESTS}
SECONDS, MEGABYTES = 60.0, 5.0


def experiment(folder: Path) -> dict[str, Any]:
    """Writes the texts, and gives an experiment on them."""
    generator = random.Random(13)
    words = [f"word{number}" for number in range(NUM_WORDS)]
    tasks = {}
    for number in range(NUM_TASKS):
        sources = {}
        for split, size in SIZES.items():
            file = folder / f"task_{number}.{split}.tsv"
            texts = (generator.choices(words, k=generator.randint(LENGTH // 2, 3 * LENGTH // 2)) for _ in range(size))
            file.write_text("".join(f"{generator.choice('ab')}\t{' '.join(text)}\n" for text in texts))
            sources[split] = str(file)
        reader, head = {"type": "text_classification"}, {"type": "classifier"}
        tasks[f"task_{number}"] = {"reader": reader, "head": head, **sources}
    sharing = {"type": "message_passing", "hidden_dim": 100, "communicator": {"type": "indirect"}}
    model = {"embedder": {"type": "words", "dim": 100}, "sharing": sharing}
    return {"tasks": tasks, "model": model, "trainer": {"epochs": 3}}


def seconds_of_charts(folder: Path) -> dict[str, float]:
    """CPU seconds that each chart of a run's page takes to draw, by its name; the first, which loads the drawing
    library, is drawn once before."""
    evidence = evidence_of(source_of(folder), Wanted(limit=1), torch.device("cpu"))
    charts = [part for section in sections_of(evidence) for part in section.parts if isinstance(part, Chart)]
    inline_svg(charts[0])
    return {chart.name: round(cpu_seconds(partial(inline_svg, chart)), 3) for chart in charts}


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "report", rounds=1)
    mtlkit = [sys.executable, "-m", "mtlkit"]
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "experiment.json").write_text(json.dumps(experiment(folder)))
        run([*mtlkit, "train", folder / "experiment.json", "-s", folder / "run"])
        few_texts, all_texts = (
            [run([*mtlkit, "report", folder / "run", *options]).cpu_seconds for _ in range(arguments.rounds)]
            for options in (["--limit", "1"], [])  # the page that is left is that of all texts
        )
        charts = seconds_of_charts(folder / "run")
        size = (folder / "run" / "report.html").stat().st_size / 1e6
    case = f"{NUM_TASKS} tasks, {NUM_TASKS * NUM_TESTS:,} texts"
    span = f"{min(charts.values()):.2g} to {max(charts.values()):.2g} s"
    rows = [
        at_most("`mtlkit report`, CPU seconds", case, round(median(all_texts), 1), SECONDS, " s"),
        untargeted("`mtlkit report --limit 1`, which reads almost no texts", case, round(median(few_texts), 1), " s"),
        untargeted("A chart of the page, CPU seconds", f"{NUM_TASKS} tasks, {len(charts)} charts", span),
        at_most("Size of a page", case, round(size, 2), MEGABYTES, " MB"),
    ]
    write_result(arguments, rows, seconds={"all texts": all_texts, "16 texts": few_texts}, charts=charts)


if __name__ == "__main__":
    main()
