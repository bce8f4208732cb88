"""Makes the gallery: `make gallery`, or `python docs/gallery/make.py [EXHIBIT ...]`.

Each exhibit is an experiment of this repository. It is trained under `runs/gallery/` unless it is there already, goes
on where it was interrupted, and is reported there with all its figures. Those that README.md shows are copied beside
it, and what its findings quote is counted from the figures' CSV files and the records of training. Corpora that are not
at hand leave their exhibits out, and what they show as it is.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
RUNS = ROOT / "runs" / "gallery"
sys.path.insert(0, str(HERE))  # a script beside its page, in no package
from findings import findings  # noqa: E402


@dataclass(frozen=True)
class Exhibit:
    """A run and the figures of it that the page shows."""

    name: str
    experiment: str
    arguments: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    corpus: str | None = None
    """The folder that it needs in MTLKIT_DATA; None for one that is fetched."""
    table: str | None = None
    """The table of `experiments/run_tables.py` that it is a row of, and which alone trains it."""

    @property
    def run(self) -> Path:
        """Where it is trained and reported."""
        return RUNS / self.name if self.table is None else ROOT / "runs" / "tables" / self.table / self.name

    @property
    def data(self) -> Path:
        """The folder of the corpora that are not fetched."""
        return Path(os.environ.get("MTLKIT_DATA", ROOT.parent / "shared" / "data"))

    @property
    def obstacle(self) -> str | None:
        """Why it cannot be made, if so."""
        if self.corpus is not None and not (self.data / self.corpus).exists():
            return f"there is no {self.corpus} in MTLKIT_DATA"
        if self.table is not None and not (self.run / "metrics.json").exists():
            return f"python experiments/run_tables.py {self.table} has not trained it here"
        return None

    def make(self) -> None:
        """Trains and reports it."""
        if not (self.run / "metrics.json").exists():
            begun = ["--resume"] if (self.run / "meta.json").exists() else []
            mtlkit("train", f"experiments/{self.experiment}", *self.arguments, "-s", str(self.run), *begun)
        figures = self.run / "figures"
        limit = self.arguments[self.arguments.index("--limit") :][:2] if "--limit" in self.arguments else ()
        # The cache need not know a run that was trained before.
        options = [*limit, *(["--data", str(self.data)] if self.corpus is not None else [])]
        mtlkit("report", str(self.run), *options, "-o", str(self.run / "report.html"), "--figures", str(figures))
        for name in self.figures:
            shutil.copyfile(figures / f"{name}.svg", HERE / f"{self.name}-{name}.svg")


# Sizes are small enough for a laptop's evening: what is shown is what small models learned from few texts.
FDU = ("--tla-str", "preset=common", "--limit", "400", "-o", "trainer.epochs=6")
SMALL = ("-o", "model.sharing.hidden_dim=50")
GRID = ("--tla-str", "preset=common", "--limit", "300")

EXHIBITS = (
    Exhibit("vader-ic", "ic_mtl.jsonnet"),
    Exhibit("vader-dc", "dc_mtl.jsonnet", (), ("reading-network",)),
    Exhibit("fdu-dc-13", "fdu/dc.jsonnet", (*FDU, *SMALL), ("reading-matrix",), "fdu-mtl"),
    Exhibit("fdu-dc-14", "fdu/dc.jsonnet", (*FDU, *SMALL, "-o", "seed=14"), ("reading-matrix",), "fdu-mtl"),
    Exhibit("fdu-ic", "fdu/ic.jsonnet", (*FDU, *SMALL), ("distances",), "fdu-mtl"),
    Exhibit("fdu-asp", "fdu/asp.jsonnet", FDU, (), "fdu-mtl"),
    Exhibit("grid-pool", "ewt_grid/nas_pool.jsonnet", GRID, (), "seqlab"),
    # The same with all texts; an hour and a quarter of one core.
    Exhibit(
        "nas_pool-13", "ewt_grid/nas_pool.jsonnet", (), ("pool-paths", "paths-in-common-matrix"), "seqlab", "ewt_grid"
    ),
)


def mtlkit(*arguments: str) -> None:
    """Runs a verb from the repository's root."""
    subprocess.run([sys.executable, "-m", "mtlkit", *arguments], cwd=ROOT, check=True)


def main(names: Sequence[str]) -> None:
    """Makes the exhibits of these names, or all that there are corpora for."""
    for exhibit in EXHIBITS:
        if names and exhibit.name not in names:
            continue
        if exhibit.obstacle is None:
            exhibit.make()
        else:
            print(f"{exhibit.name}: left out, {exhibit.obstacle}", flush=True)
    if all((RUNS / exhibit.name / "figures").exists() for exhibit in EXHIBITS if exhibit.table is None):
        findings(RUNS, HERE)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    known = [exhibit.name for exhibit in EXHIBITS]
    parser.add_argument("exhibits", nargs="*", metavar="EXHIBIT", help=f"only these of {', '.join(known)}")
    given = parser.parse_args().exhibits
    if unknown := [name for name in given if name not in known]:
        parser.error(f"no exhibit '{unknown[0]}'; there are {', '.join(known)}")
    main(given)
