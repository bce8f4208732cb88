"""How fast the tagger of tagger.py trains in other toolkits, each in an environment of its own: some minutes.

`make bench-peers` makes the environments and runs this. Whole processes take turns; each trains one epoch on a
quarter of CoNLL-2000 and says how many tokens it took per CPU second in training, imports and reading left out.
"""

import json
import os
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from measuring import ROOT, Row, Timings, at_least, command_line, run, untargeted, write_result
from taggers.chunking import write_corpus

BENCHMARKS = ROOT / "benchmarks"
PEERS = BENCHMARKS / "peers"
TAGGERS = {
    "mtlkit": Path(sys.executable),
    "torch": Path(sys.executable),
    "allennlp": PEERS / "allennlp" / "bin" / "python",
    "flair": PEERS / "flair" / "bin" / "python",
}
"""What runs each module of taggers/."""
WHAT = "BiLSTM(100)-CRF training against "
TARGETS = {"allennlp": ("AllenNLP 2.10.1", 5.0), "flair": ("flair 0.15.1", 8.0)}


def trained(tagger: str, folder: Path) -> dict[str, Any]:
    """What a tagger's process says."""
    path = os.pathsep.join([str(BENCHMARKS), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    command: list[str | Path] = [TAGGERS[tagger], "-m", f"taggers.with_{tagger}", folder]
    said: dict[str, Any] = json.loads(run(command, {"PYTHONPATH": path}).output.splitlines()[-1])
    print(f"{tagger}: {said['tokens_per_cpu_second']:,} tokens per CPU second", file=sys.stderr)
    return said


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "against_peers", rounds=2)
    if missing := [name for name, python in TAGGERS.items() if not python.exists()]:
        raise SystemExit(f"no environment for {', '.join(missing)}; run: make bench-peers")
    with TemporaryDirectory() as folder:
        write_corpus(Path(folder), every=4)
        said = {name: [] for name in TAGGERS}  # type: dict[str, list[dict[str, Any]]]
        for _ in range(arguments.rounds):
            for name in TAGGERS:
                said[name].append(trained(name, Path(folder)))
    timings = Timings({name: [each["cpu_seconds"] / each["tokens"] for each in found] for name, found in said.items()})
    case = "a quarter of CoNLL-2000, batch 32"
    rows: list[Row] = [
        at_least(WHAT + peer, case, timings.ratio(name, "mtlkit"), target) for name, (peer, target) in TARGETS.items()
    ]
    for name, found in said.items():
        rate = median(each["tokens_per_cpu_second"] for each in found)
        rows.append(untargeted("tokens per CPU second of training", f"{name}, {case}", f"{rate:,.0f}"))
    write_result(arguments, rows, taggers=said)


if __name__ == "__main__":
    main()
