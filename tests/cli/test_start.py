"""What a start imports. How long it takes is measured in benchmarks/startup.py."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EACH = """
import json, os, sys, traceback
{first}
from mtlkit.cli import main
folder, *command_lines = json.load(sys.stdin)
for number, arguments in enumerate(command_lines):
    if (child := os.fork()) == 0:  # a process for each, of which only this one has spent time on imports
        os.dup2(os.open(f"{{folder}}/{{number}}", os.O_WRONLY | os.O_CREAT), 2)
        sys.argv, code = ["mtlkit", *arguments], 70
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        except BaseException:
            traceback.print_exc()
        {last}
        sys.stderr.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=sys.stderr)
"""
"""Runs command lines, each in a process of its own; its exit code is printed, and what it says goes to a file."""
WITHOUT_TORCH = EACH.format(first='sys.modules["torch"] = None  # whoever imports it fails', last="")
COMPILERS = EACH.format(
    first="import mtlkit.runs",
    last='print("compilers:", *sorted({"torch._dynamo", "sympy"} & sys.modules.keys()), file=sys.stderr)',
)
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


def run(code: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, cwd=ROOT, check=False)


TOLD = [
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
]
"""Command lines, and a part of what each of them says; BAD is a file of broken Jsonnet, ARCHIVE one without members."""


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="commands are forked")


def outcomes(code: str, folder: Path, command_lines: list[list[str]]) -> list[tuple[int, str]]:
    """The exit code of each command line, and what it says."""
    done = run(code, given=json.dumps([str(folder), *command_lines]))
    assert done.returncode == 0, done.stderr
    codes = map(int, done.stderr.split())
    return [(code, (folder / str(number)).read_text()) for number, code in enumerate(codes)]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, str]]:
    """What comes of the command lines where there is no torch."""
    folder = tmp_path_factory.mktemp("told")
    (folder / "bad.jsonnet").write_text("{ a:\n")
    (folder / "some.tar.gz").write_bytes(gzip.compress(b""))
    files = {"BAD": str(folder / "bad.jsonnet"), "ARCHIVE": str(folder / "some.tar.gz")}
    return outcomes(WITHOUT_TORCH, folder, [[files.get(word, word) for word in words] for words, _ in TOLD])


@forks
@pytest.mark.parametrize("number", range(len(TOLD)), ids=[" ".join(arguments[:2]) for arguments, _ in TOLD])
def test_what_needs_no_torch_is_told_without_it(number: int, told: list[tuple[int, str]]) -> None:
    code, said = told[number]
    assert code == 2 and TOLD[number][1] in said and "Traceback" not in said, said


def test_a_check_builds_models_without_the_compilers_of_torch(tmp_path: Path) -> None:
    """Their import takes a second, and one operation on the meta device is enough to bring it."""
    names = ("tagging/lstm_crf", "ewt_grid/cs", "ewt_grid/nas_pool", "ic_mtl")
    files = [f"experiments/{name}.jsonnet" for name in names]
    done = run(CHECKS, str(tmp_path), *files)
    assert done.returncode == 0, done.stderr


OPTIMIZERS = ("adam", "adamw", "sgd", "adadelta")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, str]]:
    """What comes of training with each optimizer."""
    folder = tmp_path_factory.mktemp("trained")
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
    experiment = folder / "experiment.json"
    experiment.write_text(json.dumps({"tasks": {"a": task}, "model": model, "trainer": {"epochs": 1}}))
    options = ("--device", "cpu", "-o")
    return outcomes(
        COMPILERS,
        folder,
        [
            ["train", str(experiment), "-s", str(folder / name), *options, f'trainer.optimizer={{"type": "{name}"}}']
            for name in OPTIMIZERS
        ],
    )


@forks
@pytest.mark.parametrize("number", range(len(OPTIMIZERS)), ids=OPTIMIZERS)
def test_training_does_without_the_compilers_of_torch(number: int, trained: list[tuple[int, str]]) -> None:
    """PyTorch's own optimizers import them, which takes as long as importing PyTorch."""
    code, said = trained[number]
    assert code == 0 and said.splitlines()[-1] == "compilers:", said
