"""What has changed since a run was begun: its experiment, its data, the code of its plugins.

A run that goes on after a change is nobody's: neither what the experiment says nor what it said. So it is refused,
unless whoever asks wants just that; `meta.json` then says what was changed, and when.
"""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, final

from mtlkit.config import Difference, components_in, differences, validate
from mtlkit.data import Vocabulary
from mtlkit.errors import ConfigError, RunError
from mtlkit.experiment import Corpora, Experiment, LoadedExperiment
from mtlkit.files import file_sha256
from mtlkit.runs.directory import RunDirectory
from mtlkit.types import Say

NOTE = "resumed_anyway"
"""The key in `meta.json`."""


def changed_settings(run: RunDirectory, experiment: Experiment) -> list[Difference]:
    """Which settings are not those that the run was begun with.

    Those that there were none of then count as at their defaults: an older mtlkit has begun the run.

    Raises:
        RunError: the run's own cannot be read.
    """
    return differences(_with_defaults(run.read_resolved()), experiment.to_json())


def changed_files(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Which of the files, given by their digests, are not what they were."""
    return [
        f"{path} ({'is new' if path not in before else 'is used no more' if path not in now else 'has other content'})"
        for path in sorted(before.keys() | now.keys())
        if before.get(path) != now.get(path)
    ]


def code_hashes(experiment: Experiment) -> dict[str, str]:
    """sha256 of all Python code of each package, or file, that gives the experiment a component and is not mtlkit."""
    packages = {component.__module__.split(".")[0] for component in components_in(experiment)} - {"mtlkit"}
    return dict(sorted(filter(None, map(_code, packages))))


def refuse(run: RunDirectory, what: str, changes: Sequence[str | Difference]) -> None:
    """Makes sure that nothing has changed.

    Args:
        run: that is to go on.
        what: the changes are in.
        changes: each as the end of a sentence.

    Raises:
        RunError: something has; all of it is named.
    """
    if changes:
        remedy = "undo the change, or start a new run with another -s DIR"
        remedy += "" if run.is_finished else ", or go on all the same with --resume-anyway"
        raise RunError(f"{run.path}: {what} changed since the run was begun: {', '.join(map(str, changes))}; {remedy}")


@final
class Changes:
    """Looks for changes before a run goes on, and refuses them or, where that is wanted, takes them over.

    Args:
        run: that is to go on.
        anyway: whether it may after a change.
        say: told of changes that are taken over.
    """

    def __init__(self, run: RunDirectory, anyway: bool, say: Say) -> None:
        self.run = run
        self.anyway = anyway
        self.say = say
        self._found: list[str] = []

    def look_at_settings(self, experiment: Experiment) -> None:
        """Compares the experiment with the run's. Raises RunError where it is another and may not be."""
        found = changed_settings(self.run, experiment)
        late = {change.path: " too late for its stage, which is done" for change in found if self._is_late(change.path)}
        self._look("the experiment", [f"{change}{late.get(change.path, '')}" for change in found])

    def look_at_files(self, data: Mapping[str, str], code: Mapping[str, str]) -> None:
        """Compares digests of data and of plugins' code. Raises RunError where some are others and may not be."""
        meta = self.run.read_meta()
        self._look("the data", changed_files(meta["data"], data))
        self._look("the code of a plugin", changed_files(meta.get("code", code), code))  # older runs know none

    def check(self, experiment: Experiment, corpora: Corpora, vocabulary: Vocabulary) -> None:
        """Makes sure that something can come of what has changed, as far as it is known before a model is built.

        Raises:
            RunError: nothing would, since the run's training is done; or there are labels that its model lacks.
        """
        if not self._found:
            return
        stages = experiment.stages
        if self.run.is_finished or self.run.stage(stages[-1].name if stages else None).outcome.exists():
            raise RunError(
                f"{self.run.path}: its training is done, and no change changes it; give a new run another -s"
            )
        _check_labels(corpora, vocabulary)
        self.say("the vocabulary and the stages that are done stay as they are, whatever has changed")

    def take_over(self, loaded: LoadedExperiment, data: Mapping[str, str], code: Mapping[str, str]) -> None:
        """Makes the run one of what has changed, once it fits, and notes in `meta.json` that it was not always."""
        if not self._found:
            return
        note = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "changes": self._found}
        notes = [*self.run.read_meta().get(NOTE, []), note]
        # First the note: whoever is killed in between is asked again.
        self.run.add_meta({NOTE: notes, "data": dict(data), "code": dict(code)})
        self.run.write_experiment(loaded)
        self._found = []

    def _is_late(self, path: str) -> bool:
        """Whether a setting is one of a stage whose training is done."""
        section, _, rest = path.partition(".")
        number = rest.partition(".")[0]
        names = [stage["name"] for stage in self.run.read_resolved().get("stages", [])]
        is_known = section == "stages" and number.isdecimal() and int(number) < len(names)
        return is_known and self.run.stage(names[int(number)]).outcome.exists()

    def _look(self, what: str, found: Sequence[str]) -> None:
        if not self.anyway:
            refuse(self.run, what, found)
        for change in found:
            self.say(f"going on although {what} changed: {change}")
        self._found += found


def _with_defaults(before: Any) -> Any:
    """A resolved experiment with the settings that have come since; as it is where it is none any more."""
    try:
        return validate(Experiment, before, "the run's experiment").to_json()
    except (ConfigError, RecursionError):
        return before


def _check_labels(corpora: Corpora, vocabulary: Vocabulary) -> None:
    """A run's vocabulary is made once; a model cannot learn labels that were none when it was made."""
    for task, corpus in corpora.of_split("train").items():
        known = vocabulary.labels(task) if task in vocabulary.tasks else []
        if unknown := sorted(corpus.label_counts().keys() - set(known)):
            raise RunError(
                f"tasks.{task}.train: has labels that the run was begun without ({', '.join(unknown[:5])}), which its "
                "model cannot learn; start a new run with another -s DIR"
            )


def _code(package: str) -> tuple[str, str] | None:
    """A package's name, or a file's path, and the digest of the code; None where there is none that can be read."""
    spec = sys.modules[package].__spec__
    if spec is None or not (spec.submodule_search_locations or spec.has_location):
        return None
    if not spec.submodule_search_locations:
        return str(spec.origin), file_sha256(Path(str(spec.origin)))
    folder = Path(next(iter(spec.submodule_search_locations)))
    # Editors leave links to nowhere beside files that are open.
    found = [file for file in folder.rglob("*.py") if file.is_file()]
    files = {file.relative_to(folder).as_posix(): file_sha256(file) for file in found}
    return package, hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
