"""What a start imports. How long it takes is measured in benchmarks/startup.py."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None  # whoever imports it fails
from mtlkit.cli import main
main()
"""
CHECKS = """
import gc, sys
from mtlkit.cli.libraries import load_libraries
load_libraries()
assert gc.isenabled() and gc.get_freeze_count() > 100_000, gc.get_freeze_count()
frozen = gc.get_freeze_count()
load_libraries()
assert gc.get_freeze_count() == frozen, "what is loaded already is not frozen again"
from mtlkit.experiment import load_experiment
from mtlkit.runs.checks import check_experiment
from mtlkit.errors import ConfigError
for file in sys.argv[2:]:
    arguments = {"scheme": "iobes"} if "tagging" in file else {}
    loaded = load_experiment(file, variables={"data": sys.argv[1]} if "ic_mtl" not in file else {}, arguments=arguments)
    try:
        check_experiment(loaded.experiment, file)
    except ConfigError as error:  # the data are not here; nothing else is wrong, so that the model has been built
        assert all(sys.argv[1] in line for line in error.args), error
    compilers = {"torch._dynamo", "sympy"} & sys.modules.keys()
    assert not compilers, f"{file}: {compilers}"
"""


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["check", "missing.jsonnet"], "missing.jsonnet: no such file"),
        (["train", "tests/cli"], "tests/cli: is a folder"),
        (["check", "BAD"], "unexpected end of file"),
        (["check", "experiments/ic_mtl.jsonnet", "-o", "trainer"], "-o trainer: write it as -o NAME=VALUE"),
        (["check", "experiments/ic_mtl.jsonnet", "-o", "trainer.epochs.x=1"], "there is no such place"),
        (["check", "experiments/ic_mtl.jsonnet", "--var", "n=x"], "'x' is not JSON"),
        (["check", "experiments/ic_mtl.jsonnet", "--limit", "3"], "--limit is about data"),
        (["sweep", "missing.jsonnet", "--grid", "n=1"], "missing.jsonnet: no such file"),
        (["transfer", "missing.jsonnet", "--leave-out", "a"], "missing.jsonnet: no such file"),
        (["data", "stats", "missing.jsonnet"], "missing.jsonnet: no such file"),
        (["data", "fetch", "nothing"], "there are no such corpora"),
        (["evaluate", "README.md"], "README.md: not a whole .tar.gz file (Not a gzipped file"),
        (["evaluate", "missing.tar.gz"], "missing.tar.gz: no such file"),
        (["evaluate", "tests/cli"], "tests/cli: has no archive.tar.gz"),
        (["predict", "README.md", "-"], "README.md: not a whole .tar.gz file"),
        (["explain", "nowhere", "a text"], "nowhere: no such file"),
        (["report", "README.md"], "README.md: not a whole .tar.gz file"),
        (["diff", "README.md", "README.md"], "README.md: not a whole .tar.gz file"),
        (["compare", "nowhere", "--output", "no/such/folder.txt"], "there is no folder"),
        (["report", "tests", "--output", "no/such/folder.html"], "there is no folder"),
        (["evaluate", "ARCHIVE", "--output", "no/such/folder.json"], "there is no folder"),
        (["predict", "ARCHIVE", "-", "--output", "no/such/folder.jsonl"], "there is no folder"),
        (["explain", "ARCHIVE", "a text", "--output", "no/such/folder.json"], "there is no folder"),
        (["compare", "README.md", "--output", "README.md"], "is RUN README.md, which is read and would be lost"),
        (["compare", "nowhere"], "nowhere: is not there; give a run's directory, or a file"),
        (
            ["train", "experiments/ic_mtl.jsonnet", "--resume"],
            "runs/ic_mtl: holds no run to resume; leave --resume out",
        ),
        (["train", "experiments/ic_mtl.jsonnet", "--resume-anyway", "-s", "no"], "no: holds no run to resume"),
        (["train", "experiments/ic_mtl.jsonnet", "--resume", "--dry-run", "-s", "no"], "no: holds no run to resume"),
        (["train", "--no-such-option"], "no-such-option"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_what_needs_no_torch_is_told_without_it(arguments: list[str], told: str, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonnet").write_text("{ a:\n")
    (tmp_path / "some.tar.gz").write_bytes(gzip.compress(b""))
    files = {"BAD": str(tmp_path / "bad.jsonnet"), "ARCHIVE": str(tmp_path / "some.tar.gz")}
    given = [files.get(each, each) for each in arguments]
    done = run(WITHOUT_TORCH, *given)
    assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_a_check_builds_models_without_the_compilers_of_torch(tmp_path: Path) -> None:
    """Their import takes a second, and one operation on the meta device is enough to bring it."""
    names = ("tagging/lstm_crf", "ewt_grid/cs", "ewt_grid/nas_pool", "ic_mtl")
    files = [f"experiments/{name}.jsonnet" for name in names]
    done = run(CHECKS, str(tmp_path), *files)
    assert done.returncode == 0, done.stderr


TRAINS = """
import sys
from mtlkit.cli import main
sys.argv = ["mtlkit", "train", sys.argv[1], "-s", sys.argv[2], "--device", "cpu"]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
compilers = {"torch._dynamo", "sympy"} & sys.modules.keys()
assert not compilers, compilers
"""


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "adadelta"])
def test_training_does_without_the_compilers_of_torch(optimizer: str, tmp_path: Path) -> None:
    """PyTorch's own optimizers import them, which takes as long as importing PyTorch."""
    task = {
        "reader": {"type": "planted", "rule": "a", "num_words": 50},
        "head": {"type": "classifier"},
        "metrics": [{"type": "accuracy"}],
        "train": "train:8",
        "dev": "dev:4",
    }
    model = {
        "embedder": {"type": "words", "dim": 4},
        "sharing": {"type": "fully_shared", "encoder": {"type": "bilstm", "hidden_dim": 3}},
    }
    trainer = {"epochs": 1, "optimizer": {"type": optimizer}}
    experiment = tmp_path / "experiment.json"
    experiment.write_text(json.dumps({"tasks": {"a": task}, "model": model, "trainer": trainer}))
    done = run(TRAINS, str(experiment), str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
