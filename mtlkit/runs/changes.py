"""What has changed since a run was begun: its experiment, its data, the code of its plugins.

A run that continues after a change is the result of neither experiment: not of the one it began with, nor of the
present one. It is therefore refused, unless the user asks for it; `meta.json` then records what was changed, and when.
"""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, final

import torch

import mtlkit
from mtlkit.config import Difference, components_in, differences, validate
from mtlkit.data import Vocabulary
from mtlkit.errors import ConfigError, RunError
from mtlkit.experiment import Corpora, Experiment, LoadedExperiment, data_hashes
from mtlkit.files import file_sha256
from mtlkit.runs.basis import NOTE, basis_of
from mtlkit.runs.directory import RunDirectory
from mtlkit.runs.known_texts import how_read_otherwise, tags_that_end_spans
from mtlkit.types import Say


def changed_settings(run: RunDirectory, experiment: Experiment) -> list[Difference]:
    """The settings whose values differ from those that the run was begun with.

    Settings that did not exist when the run was begun, by an older mtlkit, count as having been at their defaults.

    Raises:
        RunError: the run's own settings cannot be read.
    """
    return differences(with_defaults(run.read_resolved()), experiment.to_json())


def changed_files(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The files that are new, missing or changed, each with the reason in brackets.

    Args:
        before: sha256 of each file by its path, when the run was begun.
        now: sha256 of each file at present.
    """
    return [
        f"{path} ({'is new' if path not in before else 'is used no more' if path not in now else 'has other content'})"
        for path in sorted(before.keys() | now.keys())
        if before.get(path) != now.get(path)
    ]


def code_hashes(experiment: Experiment) -> dict[str, str]:
    """sha256 of the Python code of each package or file, other than mtlkit, that provides a component in use."""
    packages = {component.__module__.split(".")[0] for component in components_in(experiment)} - {"mtlkit"}
    return dict(sorted(filter(None, map(_code, packages))))


def refuse(run: RunDirectory, what: str, changes: Sequence[str | Difference]) -> None:
    """Raises an error that names all changes, if there are any.

    Args:
        run: the run to resume.
        what: the part that has changed, such as `the data`.
        changes: the changes, each phrased as the end of a sentence.

    Raises:
        RunError: there is at least one change.
    """
    if changes:
        remedy = "undo the change, or start a new run with another -s DIR"
        remedy += "" if run.is_finished else ", or go on all the same with --resume-anyway"
        raise RunError(f"{run.path}: {what} changed since the run was begun: {', '.join(map(str, changes))}; {remedy}")


def say_circumstances(run: RunDirectory, device: torch.device, kernels: str | None, say: Say) -> None:
    """Reports circumstances that may keep a resumed run from giving the same bits."""
    before = run.read_meta()
    versions = {"mtlkit": mtlkit.__version__, "torch": str(torch.__version__)}
    for name, now in {**versions, "device": str(device), "kernels": kernels}.items():
        if before.get(name) != now:
            say(f"the run was begun with {name} {before.get(name)}, this is {now}: last digits may differ")


def check_unchanged(run: RunDirectory, experiment: Experiment, limit: int | None) -> None:
    """Makes sure that training would give the same run today, so that a finished run can be used instead.

    Args:
        run: the finished run.
        experiment: the present experiment, whose data are not read, only their files.
        limit: the present limit of texts; None for none.

    Raises:
        RunError: the run is of another experiment, limit or data, or its files are damaged.
        DataError: a data file cannot be read.
    """
    run.check_resumable()
    run.check_limit(limit, partial(changed_settings, run, experiment))
    refuse(run, "the experiment", changed_settings(run, experiment))
    refuse(run, "the data", changed_files(run.read_meta()["data"], data_hashes(experiment)))


@final
class Changes:
    """Looks for changes before a run is resumed, and refuses them or, if the user wants that, adopts them.

    Args:
        run: the run to resume.
        anyway: whether to resume it in spite of changes.
        say: receives a line for each change that is adopted.
    """

    def __init__(self, run: RunDirectory, anyway: bool, say: Say) -> None:
        self.run = run
        self.anyway = anyway
        self.say = say
        self._found: list[str] = []

    def look_at_settings(self, experiment: Experiment) -> None:
        """Compares the experiment with the run's. Raises RunError if they differ, unless changes are accepted."""
        found = changed_settings(self.run, experiment)
        late = {change.path: " too late for its stage, which is done" for change in found if self._is_late(change.path)}
        self._look("the experiment", [f"{change}{late.get(change.path, '')}" for change in found])

    def look_at_files(self, data: Mapping[str, str], code: Mapping[str, str]) -> None:
        """Compares digests of data and plugins' code. Raises RunError if any differ, unless changes are accepted."""
        meta = self.run.read_meta()
        self._look("the data", changed_files(meta["data"], data))
        self._look("the code of a plugin", changed_files(meta.get("code", code), code))  # older runs know none

    def look_at_texts(self, experiment: Experiment, corpora: Corpora, vocabulary: Vocabulary) -> None:
        """Makes sure that files which are as they were give the texts and scores that the run was begun with.

        Another version of mtlkit may read or score them otherwise. Raises RunError if so, unless changes are accepted.
        """
        if self._found:
            return
        scored = [name for name, task in experiment.tasks.items() if task.scorers()[0].component.needs_spans]
        tags = {task: tags_that_end_spans(task, vocabulary) for task in scored}
        self._look(
            "how spans are scored", [f"{task} (with tags such as {each[0]})" for task, each in tags.items() if each]
        )
        basis = basis_of(self.run.read_meta(), None)
        texts = {(task, split): each for task, splits in corpora.by_task.items() for split, each in splits.items()}
        found = [
            f"{split} of {task}{how}"
            for (task, split), corpus in texts.items()
            if (how := how_read_otherwise(basis.split(task, split), corpus)) is not None
        ]
        self._look("what is read from the data files", found)

    def check(self, experiment: Experiment, corpora: Corpora, vocabulary: Vocabulary) -> None:
        """Makes sure that the changes can have an effect, as far as this is known before a model is built.

        Raises:
            RunError: the run's training is done, so that changes have no effect; or the data have labels that its model
                lacks.
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

    def take_over(self, loaded: LoadedExperiment, meta: Mapping[str, Any]) -> None:
        """Writes the changed experiment into the run, and records the changes in `meta.json`.

        It is called only once the checkpoint has been loaded, so that a change that does not fit leaves the run as it
        was.

        Args:
            loaded: the experiment as it is now.
            meta: the entries of `meta.json` about data and code as they are now.
        """
        if not self._found:
            return
        note = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "changes": self._found}
        notes = [*self.run.read_meta().get(NOTE, []), note]
        # The note is written first. If the process is killed in between, the experiment on disk is still the old one,
        # so that the next resume finds the change again; in the other order it would go unrecorded.
        self.run.add_meta({NOTE: notes, **meta})
        self.run.write_experiment(loaded)
        self._found = []

    def _is_late(self, path: str) -> bool:
        """Whether a setting, given by its path, belongs to a stage whose training is done."""
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


def with_defaults(before: Any) -> Any:
    """A resolved experiment with settings that were added since then at their defaults.

    It is returned unchanged if this version no longer accepts it.
    """
    try:
        return validate(Experiment, before, "the run's experiment").to_json()
    except (ConfigError, RecursionError):
        return before


def _check_labels(corpora: Corpora, vocabulary: Vocabulary) -> None:
    """Refuses training labels that are not in the vocabulary, which is made once, when the run begins."""
    for task, corpus in corpora.of_split("train").items():
        known = vocabulary.labels(task) if task in vocabulary.tasks else []
        if unknown := sorted(corpus.label_counts().keys() - set(known)):
            raise RunError(
                f"tasks.{task}.train: has labels that the run was begun without ({', '.join(unknown[:5])}), which its "
                "model cannot learn; start a new run with another -s DIR"
            )


def _code(package: str) -> tuple[str, str] | None:
    """The name of a package, or the path of a single file, and the digest of its code; None if no code can be read."""
    spec = sys.modules[package].__spec__
    if spec is None or not (spec.submodule_search_locations or spec.has_location):
        return None
    if not spec.submodule_search_locations:
        return str(spec.origin), file_sha256(Path(str(spec.origin)))
    folder = Path(next(iter(spec.submodule_search_locations)))
    # `is_file` leaves out dangling links, which some editors use as locks on open files.
    found = [file for file in folder.rglob("*.py") if file.is_file()]
    files = {file.relative_to(folder).as_posix(): file_sha256(file) for file in found}
    return package, hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
