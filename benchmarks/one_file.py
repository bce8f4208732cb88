"""What 75 tasks that are made of one file cost before the first step: 15 domains times 5 columns of tags; a minute.

The file is generated: 13,000 sentences to train on and 2,000 each of dev and test. Measured is the user and system time
of a whole process that imports torch, reads and indexes the data of all tasks, or takes them from the cache, builds the
vocabulary and the model, begins the run's directory and takes one step. Kernels are there already: they are compiled
once for all experiments of a machine. The floor is `import torch`, and what no reader can do without: unpacking the
files, their digests, and splitting each of their lines once. From the cache it is `import torch` alone.
"""

import gzip
import json
import os
import random
import shutil
import sys
from hashlib import sha256
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from floors import over_floor
from measuring import ROOT, at_most, command_line, cpu_seconds, run, untargeted, write_result

SPLITS = {"train": 13_000, "dev": 2_000, "test": 2_000}
DOMAINS, COLUMNS = 15, 5
FRESH, CACHED = 10, 4
"""Seconds that the start may take, without and with the cache."""
FIRST_STEP = """
import sys
from mtlkit.cli.libraries import load_libraries

load_libraries()  # as the commands do
from mtlkit.runs import train

class Stop(Exception): pass

class StopAtOnce:
    def stage(self, name, epochs): pass
    def step(self, step): raise Stop
    def epoch(self, end): pass
    def close(self): pass

try:
    train(sys.argv[1], sys.argv[2], device="cpu", force=True, listeners=[StopAtOnce()])
except Stop:
    pass
else:
    sys.exit("there was no step")
"""


def write_data(folder: Path) -> Path:
    """Writes the files and the experiment, whose path is returned."""
    draw = random.Random(1)
    words = [f"w{number}" for number in range(20_000)]
    weights = [1 / (rank + 1) for rank in range(len(words))]
    for split, num_sentences in SPLITS.items():
        with gzip.open(folder / f"{split}.tsv.gz", "wt", compresslevel=6) as file:
            file.write(f"# columns = TOKEN {' '.join(f'C{column}' for column in range(COLUMNS))}\n\n")
            for number in range(num_sentences):
                file.write(f"# sent_id = {number}\n# domain = d{number % DOMAINS}\n")
                for word in draw.choices(words, weights, k=draw.randrange(4, 28)):
                    kind = int(word[1:])
                    spans = (draw.choice(("O", "O", "O", "B-A", "B-B")), draw.choice(("O", "O", "B-C")))
                    file.write("\t".join([word, f"T{kind % 17}", f"X{kind % 41}", *spans, f"M{kind % 5}"]) + "\n")
                file.write("\n")
    files = {split: str(folder / f"{split}.tsv.gz") for split in SPLITS}
    tasks = {
        f"d{domain}_c{column}": {
            "reader": {"type": "columns", "words": "TOKEN", "tags": f"C{column}", "domain": f"d{domain}"},
            "head": {"type": "crf_tagger"},
            "metrics": [{"type": "token_accuracy"}],
            **files,
        }
        for domain in range(DOMAINS)
        for column in range(COLUMNS)
    }
    sharing = {"type": "fully_shared", "encoder": {"type": "bilstm", "hidden_dim": 50}}
    model = {"embedder": {"type": "words", "dim": 100}, "sharing": sharing}
    experiment = folder / "grid.json"
    experiment.write_text(json.dumps({"tasks": tasks, "model": model, "trainer": {"epochs": 1}}))
    return experiment


def floor(folder: Path) -> None:
    """Reads each file once: its digest, its lines, their columns."""
    for split in SPLITS:
        path = folder / f"{split}.tsv.gz"
        sha256(path.read_bytes()).hexdigest()
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                line.rstrip("\n").split("\t")


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "one_file", rounds=1)
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    found: dict[str, list[float]] = {name: [] for name in ("import torch", "fresh", "cached", "floor")}
    with TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-c", FIRST_STEP, write_data(folder), folder / "run"]
        settings = {
            "PYTHONPATH": path,
            "PYTHONDONTWRITEBYTECODE": "",  # bytecode is kept, as that of an installed package is
            "MTLKIT_CACHE": str(folder / "cache"),
        }
        for turn in range(arguments.rounds + 1):
            shutil.rmtree(folder / "cache" / "corpora", ignore_errors=True)
            times = {
                "import torch": run([sys.executable, "-c", "import torch"], settings).cpu_seconds,
                "fresh": run(command, settings).cpu_seconds,
                "cached": run(command, settings).cpu_seconds,
                "floor": cpu_seconds(lambda: floor(folder)),
            }
            if turn > 0:  # the first turn compiles kernels and bytecode, and fills the disk's cache
                for each, seconds in times.items():
                    found[each].append(seconds)
    medians = {name: median(seconds) for name, seconds in found.items()}
    case = f"{DOMAINS} domains x {COLUMNS} columns of {SPLITS['train']:,} sentences"
    fresh = at_most("start of 75 tasks of one file", case, medians["fresh"], FRESH, " s")
    cached = at_most("the same from the cache", case, medians["cached"], CACHED, " s")
    rows = [
        over_floor(fresh, medians["fresh"], medians["import torch"] + medians["floor"]),
        over_floor(cached, medians["cached"], medians["import torch"]),
        untargeted("of both, `import torch`", "whole process", medians["import torch"], " s"),
        untargeted("of the first, what reading the files once takes at least", case, medians["floor"], " s"),
    ]
    write_result(arguments, rows, seconds=found)


if __name__ == "__main__":
    main()
