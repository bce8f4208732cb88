"""The scripts of docs/clusters.md are what Slurm and Kubernetes take, and their commands are ones of mtlkit."""

import re
import shlex
import subprocess
from typing import Any

import pytest
import typer
import yaml

from mtlkit.cli.app import app
from tests.test_docs import blocks

PAGE = "docs/clusters.md"
SLURM = {
    "job-name": r"[\w-]+",
    "array": r"(\d+(-\d+(:\d+)?)?)(,\d+(-\d+(:\d+)?)?)*(%[1-9]\d*)?",
    "cpus-per-task": r"[1-9]\d*",
    "mem": r"[1-9]\d*[KMGT]?",
    "time": r"(\d+-)?\d{1,2}:\d{2}:\d{2}",
    "signal": r"([BR]:)?(TERM|INT|HUP|USR1|USR2|\d+)(@\d+)?",
    "open-mode": r"append|truncate",
    "output": r"[\w./%-]+",
}
"""Directives of `sbatch`, and what its manual says that each may be."""


def script() -> str:
    (found,) = blocks(PAGE, "bash")
    return found


def manifest() -> dict[str, Any]:
    (found,) = blocks(PAGE, "yaml")
    value = yaml.safe_load(found)
    assert isinstance(value, dict)
    return value


def parsed(words: list[str]) -> dict[str, Any]:
    """The options of a command of mtlkit, as the command line reads them."""
    assert words[:2] == ["mtlkit", "sweep"]
    group: Any = typer.main.get_command(app)
    verb = group.commands["sweep"]
    found: dict[str, Any] = verb.make_context("sweep", words[2:]).params
    return found


def test_bash_reads_the_script() -> None:
    result = subprocess.run(["bash", "-n"], input=script(), text=True, capture_output=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_slurm_reads_the_directives() -> None:
    lines = script().splitlines()
    assert lines[0] == "#!/bin/bash"
    given = [line.removeprefix("#SBATCH --").partition("=") for line in lines if line.startswith("#SBATCH")]
    assert len({name for name, _, _ in given}) == len(given) > 5
    for name, _, value in given:
        assert re.fullmatch(SLURM[name], value), f"--{name}={value}"
    first_command = next(number for number, line in enumerate(lines) if line and not line.startswith("#"))
    assert not any(line.startswith("#SBATCH") for line in lines[first_command:]), "sbatch reads none after a command"


def test_the_scripts_give_commands_of_mtlkit() -> None:
    """Both the same sweep: an array's tasks share a directory, a job's pods a database."""
    command = re.sub(r"\\\n", " ", script()).splitlines()[-1]
    assert command.startswith("exec srun mtlkit ")
    slurm = parsed(shlex.split(command)[2:])
    (container,) = manifest()["spec"]["template"]["spec"]["containers"]
    kubernetes = parsed(container["command"])
    assert not slurm["worker"] and slurm["storage"] is None
    assert kubernetes["worker"] and kubernetes["storage"].startswith("postgresql://")
    assert [slurm[name] for name in ("grid", "seeds")] == [kubernetes[name] for name in ("grid", "seeds")]
    assert kubernetes["serialization_dir"].name == slurm["serialization_dir"].name == "ic_mtl"


def test_the_job_fits_the_schema_of_kubernetes() -> None:
    schemas = pytest.importorskip("kubernetes_validate", reason="the schemas of Kubernetes are not installed")
    job = manifest()
    schemas.validate(job, schemas.latest_version(), strict=True)
    wrong = {**job, "spec": {**job["spec"], "paralelism": 8}}
    with pytest.raises(schemas.ValidationError):
        schemas.validate(wrong, schemas.latest_version(), strict=True)


def test_a_pod_has_no_password_in_its_command_and_mounts_what_it_writes() -> None:
    pod = manifest()["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    environment = {each["name"]: each for each in container["env"]}
    assert "secretKeyRef" in environment["PGPASSWORD"]["valueFrom"]
    assert not re.search(r"://[^/@]*:", " ".join(container["command"]))
    assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]}
    assert parsed(container["command"])["serialization_dir"].is_relative_to(container["volumeMounts"][0]["mountPath"])
