"""Many commands as child processes: their logs and exit codes, and how an interrupt goes through to them."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
import torch

from mtlkit.runs.jobs import Job, run_jobs


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
    assert sorted(lines)[:2] == ["help: done after 0.0 minutes", "version: done after 0.0 minutes"]
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
    from mtlkit.runs.jobs import Job, run_jobs

    file, folder, *names = sys.argv[1:]
    jobs = [Job(name, ("train", file, "-s", f"{folder}/{name}"), Path(folder, f"{name}.log")) for name in names]
    try:
        run_jobs(jobs, len(jobs) - 1, lambda line: print(line, flush=True))
    except Interrupted as interrupted:
        sys.exit(interrupted.exit_code)
""")


@pytest.fixture
def parent_of(experiment, write, elsewhere, tmp_path):
    """Starts a process, in a session of its own, which trains all but one of the endless runs with these names.

    The runs have a checkpoint by then.
    """
    experiment["trainer"] |= {"epochs": 100_000, "kernels": "plain"}
    processes = []

    def start_parent(*names):
        command = [sys.executable, "-c", PARENT, str(write(experiment)), str(tmp_path), *names]
        process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, start_new_session=True)
        processes.append(process)
        while not all(list((tmp_path / name).glob("checkpoints/step-*")) for name in names[:-1]):
            assert process.poll() is None
            time.sleep(0.1)
        return process

    yield start_parent
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


GOES_ON = "interrupted; go on with: mtlkit train"


def test_an_interrupt_comes_to_the_children_once(parent_of, tmp_path):
    """A terminal's Ctrl-C goes to the whole process group: a child in it would have got two, and no checkpoint."""
    parent = parent_of("first", "second", "third")
    os.killpg(parent.pid, signal.SIGINT)
    out = parent.stdout.read()
    assert parent.wait() == 128 + signal.SIGINT
    for name in ("first", "second"):
        log = (tmp_path / f"{name}.log").read_text()
        assert log.count(GOES_ON) == 1 and "Traceback" not in log
        assert f"{name}: ended with code {128 + signal.SIGINT}: {GOES_ON}" in out
    assert not (tmp_path / "third.log").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_children_of_a_killed_parent_end_with_a_checkpoint(parent_of, tmp_path):
    parent_of("first", "second").kill()
    while GOES_ON not in (tmp_path / "first.log").read_text():
        time.sleep(0.1)
