"""What whole experiments take: tokens per CPU second and peak memory of two of experiments/, shortened: two minutes.

Each runs as a user runs it, `mtlkit train` in a process of its own, for one epoch on part of its texts, and once more
with a seventh of them: the difference of the two leaves out imports, reading, vectors. Rates tell little by themselves,
so beside them stands what `results/experiments-before.json` holds: this script run before the kernels were rewritten.
"""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from measuring import ROOT, Finished, Row, command_line, run, untargeted, write_result

from mtlkit.experiment import Experiment, load_corpora

BEFORE = Path(__file__).parent / "results" / "experiments-before.json"


@dataclass(frozen=True)
class Shortened:
    """An experiment and how many texts of each split of each task it is given."""

    experiment: str
    limit: int

    @property
    def name(self) -> str:
        """The name of the case in a row of results."""
        return f"{self.experiment}, {self.limit} texts per split"


SHORTENED = [Shortened("experiments/ic_mtl.jsonnet", 700), Shortened("experiments/fdu/ic.jsonnet", 14)]


def trained(shortened: Shortened, limit: int, folder: Path) -> tuple[Finished, int]:
    """One epoch; the process, and how many training tokens it has seen."""
    directory = folder / f"{Path(shortened.experiment).stem}-{limit}"
    options = ["-s", str(directory), "--force", "--limit", str(limit), "-o", "trainer.epochs=1"]
    code = "import sys; from mtlkit.cli import main; sys.argv[0] = 'mtlkit'; main()"
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = run([sys.executable, "-c", code, "train", shortened.experiment, *options], {"PYTHONPATH": path})
    return done, tokens(directory, limit)


def tokens(directory: Path, limit: int) -> int:
    """The training tokens of a run, counted as it read them."""
    resolved = json.loads((directory / "experiment.resolved.json").read_text(encoding="utf-8"))
    corpora = load_corpora(Experiment.model_validate(resolved), splits=("train",), limit=limit)
    return sum(int(corpus.lengths.sum()) for corpus in corpora.of_split("train").values())


def measure(shortened: Shortened, rounds: int, folder: Path) -> dict[str, Any]:
    """Medians over the rounds."""
    rates, peaks = [], []
    for _ in range(rounds):
        small, small_tokens = trained(shortened, shortened.limit // 7, folder)
        large, large_tokens = trained(shortened, shortened.limit, folder)
        rates.append((large_tokens - small_tokens) / (large.cpu_seconds - small.cpu_seconds))
        peaks.append(large.peak_mebibytes)
    return {
        "experiment": shortened.name,
        "tokens_per_cpu_second": [round(rate) for rate in rates],
        "median": round(median(rates)),
        "peak_mebibytes": round(median(peaks)),
    }


def rows(found: list[dict[str, Any]], before: list[dict[str, Any]]) -> list[Row]:
    """Two for each experiment, against those before where they are known."""
    known = {each["experiment"]: each for each in before}
    made = []
    for each in found:
        old = known.get(each["experiment"])
        rate, peak = f"{each['median']:,}", f"{each['peak_mebibytes']:,} MiB"
        if old is not None:
            rate += f", {each['median'] / old['median']:.2f}x of {old['median']:,} before"
            peak += f", before {old['peak_mebibytes']:,} MiB"
        made.append(untargeted("whole experiment, tokens per CPU second", each["experiment"], rate))
        made.append(untargeted("whole experiment, peak memory", each["experiment"], peak))
    return made


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "experiments", rounds=1)
    with TemporaryDirectory() as folder:
        found = [measure(shortened, arguments.rounds, Path(folder)) for shortened in SHORTENED]
    compared = BEFORE.exists() and arguments.output.resolve() != BEFORE
    before = json.loads(BEFORE.read_text(encoding="utf-8"))["experiments"] if compared else []
    write_result(arguments, rows(found, before), experiments=found)


if __name__ == "__main__":
    main()
