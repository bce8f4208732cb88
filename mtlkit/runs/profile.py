"""Where a run's time goes: a table of sections and a trace of some steps."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import torch
from torch.profiler import ProfilerActivity, profile, schedule

from mtlkit.files import write_atomically
from mtlkit.training import EpochEnd, Step
from mtlkit.training.timing import Stopwatch

STEPS_BEFORE_TRACE = 5
"""Steps that a run takes to get going; the trace leaves them out."""
TRACED_STEPS = 5
TRAINING = ("data", "forward", "backward", "optimiser")
"""The sections of a step. Whatever else an update strategy does, such as finding rewards, counts as `forward`."""


@dataclass(frozen=True)
class Profile:
    """Of one stage of a run."""

    stage: str | None
    device: str
    threads: int
    steps: int
    seconds: dict[str, float]
    """Of each section, `evaluation` and `other` among them: saving, logging, and what lies between the sections."""
    shares: dict[str, float]
    """The same as shares of their sum."""
    tokens_per_second: float
    """Words, without padding, in a second of training steps."""
    padding: float
    """The share of padded words that are none."""
    trace: str | None
    """The trace's file in the run directory, for chrome://tracing or Perfetto; none if the run was too short."""


@final
class Profiler:
    """A listener that writes `profile.json` and `trace.json` to the run directory, for each stage its own.

    A few steps are traced, which slows those down; on a GPU every section waits for what it has begun.

    Args:
        directory: of the run; it is there before the first step.
        device: that the run is on.
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
        """Begins anew."""
        self._name, self._work, self._trace = name, Counter(), None
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if self.device.type == "cuda" else [])]
        plan = schedule(wait=STEPS_BEFORE_TRACE - 1, warmup=1, active=TRACED_STEPS, repeat=1)
        self._tracer = profile(activities=activities, schedule=plan, on_trace_ready=self._write_trace)
        self._tracer.start()
        self.stopwatch.start()

    def step(self, step: Step) -> None:
        """Counts it, and traces it if its turn has come."""
        assert self._tracer is not None, "a stage has begun"
        self._work.update(steps=1, **step.work)
        self._tracer.step()

    def epoch(self, end: EpochEnd) -> None:
        """Nothing: an epoch's evaluation is a section."""

    def close(self) -> None:
        """Writes what has been found, also of a run that was interrupted."""
        self.stopwatch.stop()
        if self._tracer is None:
            return
        self._tracer.stop()
        self._tracer = None
        self.profiles.append(found := self._profile())
        content = json.dumps(asdict(found), indent=2) + "\n"
        write_atomically(self.directory / self._file("profile"), content.encode())

    def _profile(self) -> Profile:
        seconds = {name: self.stopwatch.seconds.get(name, 0.0) for name in (*TRAINING, "evaluation")}
        seconds["other"] = self.stopwatch.total - sum(seconds.values())
        training = sum(seconds[name] for name in TRAINING)
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
        tracer.export_chrome_trace(str(self.directory / self._trace))

    def _file(self, kind: str) -> str:
        return f"{kind}.json" if self._name is None else f"{kind}-{self._name}.json"
