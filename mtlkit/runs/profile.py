"""Profiles of runs: the time spent in each section of the work, and a trace of some steps."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import torch
from torch.profiler import ProfilerActivity, profile, schedule

from mtlkit.files import new_path, write_atomically
from mtlkit.training import EpochEnd, Step
from mtlkit.training.timing import Stopwatch

STEPS_BEFORE_TRACE = 5
"""Steps that a run takes to get going; the trace leaves them out."""
TRACED_STEPS = 5
TRAINING = ("data", "forward", "backward", "optimiser")
"""The sections of a step. Whatever else an update strategy does, such as finding rewards, counts as `forward`."""
COMMUNICATION = "communication"
"""The section of what several processes exchange, waiting for the slower ones included."""


@dataclass(frozen=True)
class Profile:
    """The profile of one stage of a run."""

    stage: str | None
    device: str
    threads: int
    steps: int
    seconds: dict[str, float]
    """The time of each section in seconds. `other` is what lies between sections, such as saving and logging."""
    shares: dict[str, float]
    """The time of each section as a share of the total, from 0 to 1."""
    tokens_per_second: float
    """Words, without padding, per second of training steps."""
    padding: float
    """The share of positions in training batches that are padding, from 0 to 1."""
    trace: str | None
    """The trace's file in the run directory, for chrome://tracing or Perfetto; None if the run was too short."""


@final
class Profiler:
    """A listener that writes a `profile.json` and `trace.json` for each stage to the run directory.

    A few steps are traced, which slows these down; on a GPU, every section waits for the work that it has started.

    Args:
        directory: the run directory, which exists before the first step.
        device: the device on which the run computes.
    """

    def __init__(self, directory: Path, device: torch.device) -> None:
        self.directory = directory
        self.device = device
        self.profiles: list[Profile] = []
        self.stopwatch = Stopwatch(device)
        self._name: str | None = None
        self._work: Counter[str] = Counter()
        self._tracer: profile | None = None
        self._trace: str | None = None

    def stage(self, name: str | None, epochs: int) -> None:
        """Begins the profile of another stage."""
        self._name, self._work, self._trace = name, Counter(), None
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if self.device.type == "cuda" else [])]
        plan = schedule(wait=STEPS_BEFORE_TRACE - 1, warmup=1, active=TRACED_STEPS, repeat=1)
        self._tracer = profile(activities=activities, schedule=plan, on_trace_ready=self._write_trace)
        self._tracer.start()
        self.stopwatch.start()

    def step(self, step: Step) -> None:
        """Counts the step, and starts or ends the trace at its steps."""
        assert self._tracer is not None, "a stage has begun"
        self._work.update(steps=1, **step.work)
        self._tracer.step()

    def epoch(self, end: EpochEnd) -> None:
        """Does nothing, since an epoch's evaluation is timed as a section."""

    def close(self) -> None:
        """Writes the profile, even of a run that was interrupted."""
        self.stopwatch.stop()
        if self._tracer is None:
            return
        self._tracer.stop()
        self._tracer = None
        self.profiles.append(found := self._profile())
        content = json.dumps(asdict(found), indent=2) + "\n"
        write_atomically(self.directory / self._file("profile"), content.encode())

    def _profile(self) -> Profile:
        several = [COMMUNICATION] if COMMUNICATION in self.stopwatch.seconds else []
        seconds = {name: self.stopwatch.seconds.get(name, 0.0) for name in (*TRAINING, *several, "evaluation")}
        seconds["other"] = self.stopwatch.total - sum(seconds.values())
        training = sum(seconds[name] for name in (*TRAINING, *several))
        return Profile(
            self._name,
            str(self.device),
            torch.get_num_threads(),
            self._work["steps"],
            seconds,
            {name: each / max(self.stopwatch.total, 1e-9) for name, each in seconds.items()},
            self._work["tokens"] / max(training, 1e-9),
            1 - self._work["tokens"] / max(self._work["padded_tokens"], 1),
            self._trace,
        )

    def _write_trace(self, tracer: Any) -> None:
        self._trace = self._file("trace")
        with new_path(self.directory / self._trace) as temporary:
            tracer.export_chrome_trace(str(temporary))

    def _file(self, kind: str) -> str:
        return f"{kind}.json" if self._name is None else f"{kind}-{self._name}.json"
