"""Many commands as child processes: their logs and exit codes, and how an interrupt goes through to them."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time

import pytest
import torch

from mtlkit.runs.transfer.jobs import Job, run_jobs


def job(folder, name, *arguments):
    return Job(name, tuple(map(str, arguments)), folder / "logs" / f"{name}.log")


def test_each_job_ends_with_its_code_a_line_and_its_log(elsewhere, tmp_path):
    jobs = [
        job(tmp_path, "version", "--version"),
        job(tmp_path, "wrong", "trian"),
        job(tmp_path, "help", "train", "--help"),
    ]
    (tmp_path / "logs").mkdir()
    jobs[1].log.write_text("what was here before\n")
    lines = []
    assert run_jobs(jobs, 2, lines.append) == {"version": 0, "wrong": 2, "help": 0}
    for name, line in zip(("help", "version"), sorted(lines), strict=False):
        assert re.fullmatch(rf"{name}: done after \d+\.\d minutes", line)
    assert sorted(lines)[2].startswith("wrong: ended with code 2: Error: No such command 'trian'")
    assert jobs[0].log.read_text().strip() and "--serialization-dir" in jobs[2].log.read_text()
    assert jobs[1].log.read_text().startswith("what was here before\n")


@pytest.mark.parametrize(("gpus", "asked"), [(2, {"cuda:0", "cuda:1"}), (1, {None})])
def test_processes_go_round_the_gpus(elsewhere, tmp_path, monkeypatch, gpus, asked):
    """`--version` comes before the option that such a command does not have; an unknown one would be named."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    started = []
    real = subprocess.Popen

    def popen(command, **options):
        started.append(command)
        return real(command, **options)

    monkeypatch.setattr(subprocess, "Popen", popen)
    jobs = [job(tmp_path, f"{number}", "--version") for number in range(2)]
    own = job(tmp_path, "own", "--version", "--device", "cpu")
    run_jobs([*jobs, own], 3)
    *by_slot, named = [command[command.index("--version") + 1 :] for command in started]
    assert {words[1] if words else None for words in by_slot} == asked
    assert named == ["--device", "cpu"]


PARENT = textwrap.dedent("""
    import sys
    from pathlib import Path
    from mtlkit.runs import Interrupted
    from mtlkit.runs.transfer.jobs import Job, run_jobs

    file, folder = sys.argv[1:]
    names = ["first", "second"]
    jobs = [Job(name, ("train", file, "-s", f"{folder}/{name}"), Path(folder, f"{name}.log")) for name in names]
    try:
        run_jobs(jobs, 1, lambda line: print(line, flush=True))
    except Interrupted as interrupted:
        sys.exit(interrupted.exit_code)
""")


@pytest.fixture
def parent(experiment, write, elsewhere, tmp_path):
    """A process, in a session of its own, that trains the first of two endless runs, which has a checkpoint by now."""
    experiment["trainer"] |= {"epochs": 100_000, "kernels": "plain"}
    command = [sys.executable, "-c", PARENT, str(write(experiment)), str(tmp_path)]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, start_new_session=True)
    while not list((tmp_path / "first").glob("checkpoints/step-*")):
        assert process.poll() is None
        time.sleep(0.1)
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


GOES_ON = "interrupted; go on with: mtlkit train"


def test_an_interrupt_comes_to_the_children_once(parent, tmp_path):
    """A terminal's Ctrl-C goes to the whole process group: a child in it would have got two, and no checkpoint."""
    os.killpg(parent.pid, signal.SIGINT)
    out = parent.stdout.read()
    assert parent.wait() == 128 + signal.SIGINT
    log = (tmp_path / "first.log").read_text()
    assert log.count(GOES_ON) == 1 and "Traceback" not in log
    assert f"first: ended with code {128 + signal.SIGINT}: {GOES_ON}" in out
    assert not (tmp_path / "second.log").exists()
