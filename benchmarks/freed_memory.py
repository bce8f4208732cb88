"""What keeping freed memory saves in training, as the commands do, over glibc as it is found: two minutes.

A BiLSTM-CRF with characters on four tagging tasks, `experiments/ewt_grid/fs.jsonnet` with grid=united and char=cnn, on
1,000 texts of each split. Whole processes take turns; in one of the two variants, `mtlkit.keep_freed_memory` comes
first. Counted are user and system time and page faults from the end of the first epoch to that of the last, with the
evaluation and the files of each epoch: imports, reading and what is taken for the first time are left out. The files of
an epoch are the same however many texts it has, so the share of system time is also taken of one epoch of all texts.

The floor of system time is what the kernel needs to write as many bytes as a checkpoint takes on the disk, the best
weights among them, by one call for each file and `fsync`: a step needs nothing of it.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from floors import over_floor, system_seconds_of
from measuring import ROOT, Row, Timings, at_least, at_most, command_line, run, untargeted, write_result

LIMIT, EPOCHS = 1000, 3
TAGGER = "BiLSTM-CRF with characters, 4 tagging tasks"
CASE = f"{TAGGER}, {LIMIT:,} texts each"
WHOLE, WHOLE_CASE = "kept, all texts", f"{TAGGER}, 177,000 words each"
MOST_SYSTEM, LEAST_GAIN, MOST_MEMORY = 4, 1.15, 1.15
TRAINING = """
import json, resource, sys
import mtlkit

class Epochs:
    def __init__(self):
        self.used = []
    def stage(self, name, epochs): pass
    def step(self, step): pass
    def close(self): pass
    def epoch(self, end):
        used = resource.getrusage(resource.RUSAGE_SELF)
        self.used.append((used.ru_utime, used.ru_stime, used.ru_minflt))

directory, keep, limit, epochs = sys.argv[1:]
if keep.startswith("kept"):
    assert mtlkit.keep_freed_memory(), "glibc does not allocate here, or the environment has settings for it"
experiment = mtlkit.load_experiment(
    "experiments/ewt_grid/fs.jsonnet",
    arguments={"grid": "united", "char": "cnn"},
    overrides=[f"trainer.epochs={epochs}"],
)
heard = Epochs()
mtlkit.train(experiment, directory, limit=int(limit) or None, force=True, listeners=[heard])
first, last = heard.used[0], heard.used[-1]
print(json.dumps([after - before for before, after in zip(first, last)]))
"""
VARIANTS = ("found", "kept")


def trained(variant: str, folder: Path) -> dict[str, float]:
    """One run: seconds and page faults of its epochs after the first, and the peak of its memory."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    epochs, limit = (2, 0) if variant == WHOLE else (EPOCHS, LIMIT)
    command = [sys.executable, "-c", TRAINING, folder / variant, variant, str(limit), str(epochs)]
    done = run(command, {"PYTHONPATH": path})
    user, system, faults = json.loads(done.output)
    least = (epochs - 1) * floor(folder / variant)
    return {"user": user, "system": system, "faults": faults, "floor": least, "peak_mebibytes": done.peak_mebibytes}


def floor(run_directory: Path) -> float:
    """System seconds to write what an epoch has left on the disk."""
    newest = max((run_directory / "checkpoints").glob("step-*"))
    contents = [bytes(file.stat().st_blocks * 512) for file in newest.iterdir()]

    def write() -> None:
        with TemporaryDirectory(dir=run_directory) as folder:
            for number, content in enumerate(contents):
                with open(Path(folder) / str(number), "wb", buffering=0) as file:
                    file.write(content)
                    os.fsync(file.fileno())

    return system_seconds_of(write)


def rows(found: Mapping[str, list[dict[str, float]]]) -> list[Row]:
    """The rows of the table, from each round of both variants."""
    middle = {
        variant: {name: median(each[name] for each in rounds) for name in rounds[0]}
        for variant, rounds in found.items()
    }
    share = {variant: 100 * one["system"] / (one["user"] + one["system"]) for variant, one in middle.items()}
    timings = Timings({variant: [one["user"] + one["system"] for one in found[variant]] for variant in VARIANTS})
    memory = middle["kept"]["peak_mebibytes"] / middle["found"]["peak_mebibytes"]
    faults = ", ".join(f"{middle[variant]['faults'] / (EPOCHS - 1):,.0f} {variant}" for variant in VARIANTS)
    kept = "system time of training, freed memory kept"
    return [
        at_most(kept, WHOLE_CASE, share[WHOLE], MOST_SYSTEM, unit=" %"),
        over_floor(untargeted(kept, CASE, share["kept"], unit=" %"), middle["kept"]["system"], middle["kept"]["floor"]),
        untargeted("system time of training, glibc as found", CASE, share["found"], unit=" %"),
        at_least("training, glibc as found over freed memory kept", CASE, timings.ratio("found", "kept"), LEAST_GAIN),
        at_most("peak memory, freed memory kept over glibc as found", CASE, memory, MOST_MEMORY),
        untargeted("page faults of an epoch", CASE, faults),
    ]


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "freed_memory", rounds=1)
    variants = (*VARIANTS, WHOLE)
    found: dict[str, list[dict[str, float]]] = {variant: [] for variant in variants}
    with TemporaryDirectory() as folder:
        for _ in range(arguments.rounds):
            for variant in variants:
                found[variant].append(trained(variant, Path(folder)))
    write_result(arguments, rows(found), runs=found)


if __name__ == "__main__":
    main()
