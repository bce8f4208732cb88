"""Several processes that train one run: what they leave, how they end, and what is left when one of them is lost."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer

import mtlkit
from mtlkit.cli.app import app
from mtlkit.errors import ConfigError
from mtlkit.process.ranks import OneProcess
from mtlkit.runs import run_jobs
from mtlkit.runs.processes import TIMEOUT, check_number
from tests.end_to_end.test_resume import newest_step
from tests.soak.forked import Forked

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
Start = Callable[..., list[Forked]]
SECONDS = 20
"""After which a process counts as lost here; a busy machine needs some time."""


@pytest.fixture
def together(fork: Callable[..., Forked], monkeypatch: pytest.MonkeyPatch) -> Start:
    """Starts `mtlkit` with these arguments in so many processes, with the environment that torchrun would give them."""

    def start(*arguments: str | Path, number: int = 2) -> list[Forked]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": number, "LOCAL_WORLD_SIZE": number}
        own = [{"RANK": rank, "LOCAL_RANK": rank} for rank in range(number)]
        processes = []
        with monkeypatch.context() as patch:
            for names in own:
                for name, value in {**shared, **names, TIMEOUT: SECONDS, "GLOO_SOCKET_IFNAME": "lo"}.items():
                    patch.setenv(name, str(value))
                processes.append(fork(*arguments))
        return processes

    return start


@pytest.fixture
def file(experiment: dict[str, Any], write: Callable[..., Path]) -> Path:
    """The small experiment without dropout, of which processes draw other numbers than one does."""
    experiment["model"]["dropout"] = experiment["model"]["embedder"]["dropout"] = 0.0
    experiment["trainer"]["optimizer"] = {"type": "sgd", "lr": 0.3}
    return write(experiment)


def ended(processes: Sequence[Forked]) -> list[int | None]:
    return [process.wait() for process in processes]


def check_same_course(directory: Path, other: Path) -> None:
    """The same scores and, up to rounding, losses after every epoch, and the same answers."""
    ours, theirs = (
        [json.loads(line) for line in (each / "metrics.jsonl").read_text().splitlines()] for each in (directory, other)
    )
    assert len(ours) == len(theirs) == 4
    for line, expected in zip(ours, theirs, strict=True):
        assert line["train"] == pytest.approx(expected["train"], rel=1e-4)
        assert {**line, "train": {}} == {**expected, "train": {}}
    answers = [path.relative_to(other) for path in other.glob("predictions/*/*")]
    assert len(answers) == 4
    assert all((directory / name).read_bytes() == (other / name).read_bytes() for name in answers)


def test_two_processes_leave_the_run_of_one(together: Start, run: Any, file: Path, tmp_path: Path) -> None:
    assert run("train", file, "-s", tmp_path / "one").returncode == 0
    first, second = processes = together("train", file, "-s", tmp_path / "two")
    assert ended(processes) == [0, 0], first.output() + second.output()
    assert "archive: " in first.output() and second.output() == ""
    check_same_course(tmp_path / "two", tmp_path / "one")
    assert json.loads((tmp_path / "two" / "meta.json").read_text())["processes"] == 2
    assert "processes" not in json.loads((tmp_path / "one" / "meta.json").read_text())
    assert run("evaluate", tmp_path / "two").returncode == 0


def test_processes_that_share_out_tables_leave_the_run_of_one(
    together: Start, run: Any, experiment: dict[str, Any], file: Path, write: Callable[..., Path], tmp_path: Path
) -> None:
    """What they began, one goes on with; and their archive is one as any other."""
    experiment["trainer"] |= {"shard": "tables", "optimizer": {"type": "adam", "lr": 0.01}}
    write(experiment)
    assert run("train", file, "-s", tmp_path / "one").returncode == 0
    broken = tmp_path / "broken"
    first, second = processes = together("train", file, "-s", broken)
    second.wait_until(lambda: newest_step(broken) >= 6)
    second.send(signal.SIGTERM)
    assert ended(processes) == [128 + signal.SIGTERM] * 2, first.output() + second.output()
    again = together("train", file, "-s", broken, "--resume")
    assert ended(again) == [0, 0], again[0].output() + again[1].output()
    check_same_course(broken, tmp_path / "one")
    ours, theirs = run("evaluate", broken), run("evaluate", tmp_path / "one")
    assert ours.returncode == 0 and ours.stdout == theirs.stdout


@pytest.mark.parametrize("lost", [0, 1])
def test_a_process_that_is_killed_ends_the_run_and_one_goes_on(
    together: Start, run: Any, file: Path, tmp_path: Path, lost: int
) -> None:
    assert run("train", file, "-s", tmp_path / "one").returncode == 0
    broken = tmp_path / "broken"
    processes = together("train", file, "-s", broken)
    processes[lost].wait_until(lambda: newest_step(broken) >= 6)
    processes[lost].send(signal.SIGKILL)
    assert ended(processes) == ([-signal.SIGKILL, 2] if lost == 0 else [2, -signal.SIGKILL])
    output = processes[1 - lost].output()
    assert "has lost another one" in output.splitlines()[-1] and "go on with --resume" in output, output
    assert "Traceback" not in output
    again = run("train", file, "-s", broken, "--resume")
    assert again.returncode == 0 and "resuming after step" in again.stderr, again.stderr
    check_same_course(broken, tmp_path / "one")


@pytest.mark.parametrize("lost", [0, 1])
def test_a_process_that_is_stopped_is_noticed_in_time(
    together: Start, run: Any, file: Path, tmp_path: Path, lost: int
) -> None:
    broken = tmp_path / "broken"
    processes = together("train", file, "-s", broken)
    processes[lost].wait_until(lambda: newest_step(broken) >= 3)
    processes[lost].send(signal.SIGSTOP)
    since = time.monotonic()
    assert processes[1 - lost].wait() == 2, processes[1 - lost].output()
    assert time.monotonic() - since < 3 * SECONDS
    assert "has lost another one" in processes[1 - lost].output().splitlines()[-1]
    processes[lost].kill()
    ended_again = together("train", file, "-s", broken, "--resume")
    assert ended(ended_again) == [0, 0], ended_again[0].output()


def test_a_signal_to_one_process_stops_all_in_one_place(together: Start, run: Any, file: Path, tmp_path: Path) -> None:
    assert run("train", file, "-s", tmp_path / "one").returncode == 0
    broken = tmp_path / "broken"
    first, second = processes = together("train", file, "-s", broken)
    second.wait_until(lambda: newest_step(broken) >= 6)
    second.send(signal.SIGTERM)
    assert ended(processes) == [128 + signal.SIGTERM] * 2, first.output() + second.output()
    assert "interrupted; go on with" in first.output().splitlines()[-1] and second.output() == ""
    again = together("train", file, "-s", broken, "--resume")
    assert ended(again) == [0, 0], again[0].output()
    check_same_course(broken, tmp_path / "one")


def test_a_mistake_is_told_once(together: Start, experiment: dict[str, Any], write: Any, tmp_path: Path) -> None:
    Path(experiment["tasks"]["books"]["train"]).write_text("no tab here\n")
    processes = together("train", write(experiment), "-s", tmp_path / "run")
    assert ended(processes) == [2, 2]
    lines = "".join(process.output() for process in processes).splitlines()
    assert len([line for line in lines if "tasks.books.train: " in line]) == 1, lines
    assert not [line for line in lines if "lost another" in line]


@pytest.mark.parametrize("number", [2, 3])
def test_processes_score_as_one_does(together: Start, run: Any, archive: Path, tmp_path: Path, number: int) -> None:
    """The same figures and answers to the byte, in batches of which one process has more than another, or none."""
    sizes = ("--split", "dev", "--batch-size", "9")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    assert run("evaluate", archive, *sizes, "--output", f"{theirs}.json", "--predictions", theirs).returncode == 0
    processes = together("evaluate", archive, *sizes, "--output", f"{ours}.json", "--predictions", ours, number=number)
    assert ended(processes) == [0] * number, processes[0].output()
    assert Path(f"{ours}.json").read_bytes() == Path(f"{theirs}.json").read_bytes()
    names = sorted(path.relative_to(theirs) for path in theirs.glob("*/*"))
    assert len(names) == 2 and names == sorted(path.relative_to(ours) for path in ours.glob("*/*"))
    assert all((ours / name).read_bytes() == (theirs / name).read_bytes() for name in names)
    assert "scoring books" in processes[0].output() and not any(each.output() for each in processes[1:])


def test_the_command_starts_processes_that_score(archive: Path, elsewhere: Path) -> None:
    command = [sys.executable, "-m", "mtlkit", "evaluate", str(archive), "--processes", "2"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("books") == 1 and "Traceback" not in done.stderr, done.stdout
    assert done.stderr.count("scoring books") == 1


def test_a_mistake_in_scoring_is_told_once(together: Start, archive: Path, tmp_path: Path) -> None:
    (data := tmp_path / "other.tsv").write_text("no tab here\n")
    processes = together("evaluate", archive, "--task", "books", "--file", data)
    assert ended(processes) == [2, 2]
    lines = "".join(process.output() for process in processes).splitlines()
    assert len([line for line in lines if "no TAB between label and text" in line]) == 1, lines
    assert not [line for line in lines if "lost another" in line or "Traceback" in line]


def test_values_that_are_not_finite_are_noted_whoever_computes_them(
    archive: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not mtlkit.evaluate(archive, tasks=["books"]).notes
    monkeypatch.setattr(OneProcess, "least", lambda self, number: 0)  # as if another process had found some
    assert "these figures are worth nothing" in mtlkit.evaluate(archive, tasks=["books"]).notes[-1]


def test_the_command_starts_its_processes(file: Path, elsewhere: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mtlkit", "train", str(file), "-s", str(tmp_path / "run"), "--processes", "2"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run" / "meta.json").read_text())["processes"] == 2
    assert done.stderr.count("archive: ") == 1 and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"WORLD_SIZE": "2"}, "RANK is missing"),
        ({"WORLD_SIZE": "2", "RANK": "2", "LOCAL_RANK": "0"}, "RANK is '2'"),
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two'"),
        ({TIMEOUT: "soon"}, f"{TIMEOUT} is 'soon'"),
        ({TIMEOUT: "0"}, f"{TIMEOUT} is '0'"),
    ],
)
def test_an_odd_environment_is_refused(
    run: Any, file: Path, monkeypatch: pytest.MonkeyPatch, names: dict[str, str], told: str
) -> None:
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    result = run("train", file)
    assert result.returncode == 2 and told in result.stderr and result.stderr.count("\n") == 1, result.stderr
    assert not os.path.exists("runs")


@pytest.mark.parametrize("verb", ["sweep", "transfer"])
def test_verbs_of_one_process_say_so(run: Any, file: Path, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    more = ("--leave-out", "books") if verb == "transfer" else ("--grid", "trainer.epochs=1,2")
    result = run(verb, file, *more)
    assert result.returncode == 2 and f"mtlkit {verb} runs in one process" in result.stderr


def test_processes_that_disagree_with_torchrun_are_refused(
    run: Any, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    result = run("train", file, "--processes", "3")
    assert result.returncode == 2 and "--processes 3: 2 processes have been started" in result.stderr


PLUGIN = """
import torch, mtlkit

@mtlkit.Encoder.register("normed")
class Normed(mtlkit.Encoder):
    '''Normalises by the texts of a batch.'''

    def __init__(self, *, input_dim: mtlkit.Runtime[int]) -> None:
        super().__init__()
        self.norm, self.output_dim = torch.nn.BatchNorm1d(input_dim), input_dim

    def forward(self, states_BTE, mask_BT):
        return self.norm(states_BTE.transpose(1, 2)).transpose(1, 2)
"""
SPLIT = {
    "model": {"sharing": {"type": "adversarial_shared_private", "encoder": {"type": "lstm", "hidden_dim": 4}}},
    "trainer": {"on_out_of_memory": "split"},
}
NORMED = {"model": {"sharing": {"type": "fully_shared", "encoder": {"type": "normed"}}}}
SHARDED = {"trainer": {"shard": "tables", "on_out_of_memory": "split"}}


@pytest.mark.parametrize("changes", [SPLIT, NORMED, SHARDED], ids=["split", "normed", "sharded"])
def test_a_trial_refuses_what_training_in_several_processes_does(
    together: Start, file: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    experiment = json.loads(file.read_text())
    for section, settings in changes.items():
        experiment[section] |= settings
    file.write_text(json.dumps(experiment))
    (tmp_path / "normed.py").write_text(PLUGIN)
    command = ("train", file, "-s", tmp_path / "run", "--include-package", tmp_path / "normed.py")
    told = []
    for options in ([], ["--dry-run"]):
        processes = together(*command, *options)
        assert ended(processes) == [2, 2]
        told.append([line for each in processes for line in each.output().splitlines()][-1])
    assert "process" in told[0] and told[0] == told[1]
    assert ended(together(*command, "--dry-run", number=1)) == [0]


def test_a_trial_of_several_processes_is_shown_once_and_leaves_nothing(
    together: Start, run: Any, file: Path, tmp_path: Path
) -> None:
    first, second = together("train", file, "-s", tmp_path / "run", "--dry-run")
    assert ended([first, second]) == [0, 0], first.output() + second.output()
    facts = [line for line in run("train", file, "--dry-run").stdout.splitlines() if line.startswith("parameters: ")]
    assert facts and facts[0] in first.output() and not second.output()
    assert not (tmp_path / "run").exists()


def test_a_later_stage_that_processes_cannot_share_is_refused_before_the_first(
    together: Start, file: Path, tmp_path: Path
) -> None:
    experiment = json.loads(file.read_text())
    trainer = experiment.pop("trainer")
    experiment["stages"] = [
        {"name": "first", "trainer": trainer},
        {"name": "second", "sharing": SPLIT["model"]["sharing"], "trainer": {**trainer, **SPLIT["trainer"]}},
    ]
    file.write_text(json.dumps(experiment))
    for options in ([], ["--dry-run"]):
        processes = together("train", file, "-s", tmp_path / "run", *options)
        assert ended(processes) == [2, 2]
        output = "".join(each.output() for each in processes)
        assert output.startswith("stages.1.trainer.on_out_of_memory: 'split' is not possible in several processes")
        assert output.count("\n") == 1 and not (tmp_path / "run").exists()


def test_the_command_starts_processes_for_a_trial(file: Path, elsewhere: Path) -> None:
    command = [sys.executable, "-m", "mtlkit", "train", str(file), "--processes", "2", "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0 and done.stdout.count("parameters: ") == 1, done.stderr


PROCESSES = {
    "train": ("train", "{file}"),
    "a trial": ("train", "{file}", "--dry-run"),
    "evaluate": ("evaluate", "{archive}"),
    "predict": ("predict", "{archive}", "{file}"),
    "transfer": ("transfer", "{file}", "--leave-out", "all"),
    "sweep": ("sweep", "{file}", "--grid", "seed=1,2"),
}


def test_every_verb_with_processes_is_tried() -> None:
    parsers: Any = typer.main.get_command(app)
    verbs = {
        name
        for name, command in parsers.commands.items()
        if any("--processes" in parameter.opts for parameter in command.params)
    }
    assert verbs == {words[0] for words in PROCESSES.values()}


@pytest.mark.parametrize("words", PROCESSES.values(), ids=PROCESSES)
def test_far_more_processes_than_cores_are_refused(
    run: Any, file: Path, archive: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, words: Sequence[str]
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1, 2}, raising=False)
    given = [word.format(file=file, archive=archive) for word in words]
    before = {*elsewhere.rglob("*")}
    result = run(*given, "--processes", "25")
    assert (result.returncode, result.stderr) == (
        2,
        "--processes 25: is more than 8 for each of the 3 cores that this process may use; give at most 24\n",
    )
    assert {*elsewhere.rglob("*")} == before


def test_python_is_refused_as_many_processes(archive: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0}, raising=False)
    check_number(8)
    check_number(None)
    with pytest.raises(ConfigError, match=r"^--processes 9: is more than 8 for each of the 1 cores"):
        mtlkit.predict_file(archive, file, file.with_name("out.jsonl"), processes=9)
    with pytest.raises(ConfigError, match=r"^--processes 9: "):
        run_jobs([], 9)


@pytest.fixture
def begun(
    experiment: dict[str, Any], write: Callable[..., Path], tmp_path: Path, elsewhere: Path
) -> Iterator[subprocess.Popen[str]]:
    """A command that has started two processes, which are training."""
    experiment["trainer"] |= {"epochs": 400, "checkpoint_every": 1}
    run, root = tmp_path / "run", Path(__file__).parents[2]
    command = [sys.executable, "-m", "mtlkit", "train", str(write(experiment)), "-s", str(run), "--processes", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            while not (run / "checkpoints").is_dir() or newest_step(run) < 3:
                assert process.poll() is None
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("lost", [0, 1])
def test_the_command_says_which_process_was_killed(begun: subprocess.Popen[str], lost: int) -> None:
    """As by a system that is short of memory. The others are then ended, and may only know that they were."""
    children = Path(f"/proc/{begun.pid}/task/{begun.pid}/children").read_text().split()
    environments = {int(child): Path(f"/proc/{child}/environ").read_text().split("\0") for child in children}
    (child,) = (child for child, values in environments.items() if f"RANK={lost}" in values)
    os.kill(child, signal.SIGKILL)
    _, told = begun.communicate(timeout=90)
    assert begun.returncode == 2, told
    last = told.splitlines()[-1]
    assert "go on with --resume" in last and "Traceback" not in told
    assert f"process {lost} of 2 was ended by SIGKILL" in last or "has lost another one" in last


def test_of_a_signal_the_command_says_no_more_than_how_to_go_on(begun: subprocess.Popen[str]) -> None:
    begun.send_signal(signal.SIGTERM)
    _, told = begun.communicate(timeout=90)
    assert begun.returncode == 128 + signal.SIGTERM
    lines = told.splitlines()
    assert "interrupted; go on with" in lines[-1] and not any("torch" in line for line in lines), told


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system does not list processes in /proc")
def test_a_process_of_the_command_that_is_killed_is_told(archive: Path, elsewhere: Path) -> None:
    """It cannot tell by itself, and the others say `interrupted` at most."""
    command = [sys.executable, "-m", "mtlkit", "evaluate", str(archive), "--processes", "2"]
    started = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children")
    ranks: list[str] = []
    while len(ranks) < 2:
        assert started.poll() is None
        ranks = [
            pid for pid in children.read_text().split() if b"child.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        time.sleep(0.005)
    os.kill(int(ranks[1]), signal.SIGKILL)
    _, said = started.communicate()
    assert started.returncode == 2 and "Traceback" not in said
    assert "process 1 of 2 was ended by SIGKILL; give the command again" in said.splitlines()[-1]
