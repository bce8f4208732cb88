"""The first `predict` of one sentence on a machine, with an empty cache and with compiled kernels in it: a minute.

User and system time of whole processes that take turns, the compiler's included. Nothing is to be built for one
sentence, so both are to take the same. The floor is `import torch`.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from floors import over_floor
from measuring import ROOT, Timings, at_most, command_line, run, write_result

WORDS = (("a fine warm film", "good"), ("a dull cold film", "bad"))


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "first_answer", rounds=2)
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        full, empty = folder / "full", folder / "empty"
        for cache in (full, empty):
            cache.mkdir(mode=0o700)
        command = [sys.executable, "-m", "mtlkit"]
        experiment = write_experiment(folder)
        run([*command, "train", experiment, "-s", folder / "run"], {"PYTHONPATH": path, "MTLKIT_CACHE": str(full)})
        (folder / "one.txt").write_text("a warm film\n")
        found: dict[str, list[float]] = {"empty": [], "full": [], "import torch": []}
        for turn in range(arguments.rounds + 1):
            for name, cache in (("empty", empty), ("full", full)):
                shutil.rmtree(empty)
                empty.mkdir(mode=0o700)
                asked = [*command, "predict", folder / "run", folder / "one.txt", "--format", "text"]
                done = run(asked, {"PYTHONPATH": path, "MTLKIT_CACHE": str(cache)})
                if turn > 0:  # the first turn fills the disk's cache
                    found[name].append(done.cpu_seconds)
            if turn > 0:
                found["import torch"].append(run([sys.executable, "-c", "import torch"]).cpu_seconds)
    timings = Timings(found)
    seconds = timings.median("empty")
    first = at_most("first `predict` of one sentence", "empty cache, whole process", seconds, 3, " s")
    rows = [
        over_floor(first, seconds, timings.median("import torch")),
        at_most("empty cache over kernels in the cache", "the same", timings.ratio("empty", "full"), 1.2),
    ]
    write_result(arguments, rows, milliseconds=timings.milliseconds())


def write_experiment(folder: Path) -> Path:
    """An experiment with indirect communication, which learns from two texts."""
    for split in ("train", "dev", "test"):
        (folder / f"{split}.tsv").write_text("".join(f"{label}\t{text} {split}\n" for text, label in WORDS))
    files = {split: str(folder / f"{split}.tsv") for split in ("train", "dev", "test")}
    task = {"reader": {"type": "text_classification"}, "head": {"type": "classifier"}, **files}
    experiment = {
        "tasks": {"films": task},
        "model": {
            "embedder": {"type": "words", "dim": 100},
            "sharing": {"type": "message_passing", "hidden_dim": 100, "communicator": {"type": "indirect"}},
        },
        "trainer": {"epochs": 1, "optimizer": {"type": "adam"}},
    }
    path = folder / "experiment.json"
    path.write_text(json.dumps(experiment))
    return path


if __name__ == "__main__":
    main()
