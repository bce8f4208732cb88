"""The experiment with which a run is resumed, where an older mtlkit has begun it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mtlkit.archive import with_saved_files
from mtlkit.config import Component, Lazy, with_parts
from mtlkit.data import RegexTokenizer
from mtlkit.data.tokenizers import WORDS_AND_MARKS
from mtlkit.errors import RunError
from mtlkit.experiment import BEFORE, Experiment, LoadedExperiment
from mtlkit.runs.directory import RunDirectory
from mtlkit.runs.documents import Resolved, read_document
from mtlkit.runs.links import check_links
from mtlkit.types import Say


def as_begun(run: RunDirectory, loaded: LoadedExperiment, say: Say) -> LoadedExperiment:
    """The experiment with the files that components have saved in the run, and with values that held when it was begun.

    The latter are for settings that neither of the two mentions: an older mtlkit did not know them, and the defaults
    that they have since would change the run's texts.

    Args:
        run: the run to resume; if there is none that can be read, no value is changed.
        loaded: the experiment to resume it with.
        say: receives a line about each such setting.

    Raises:
        RunError: something in the run's directory is a link that leads out of it.
    """
    check_links(run.path)
    experiment = with_saved_files(loaded.experiment, run.files)
    try:
        known: Mapping[str, Any] = read_document(run.resolved, Resolved)
    except RunError:  # of which `check_resumable` tells
        known = BEFORE
    missing = {
        name: value for name, value in BEFORE.items() if name not in known and name not in experiment.model_fields_set
    }
    for name, value in missing.items():
        say(f"{run.path}: begun by an mtlkit without the setting {name}; goes on with {name} '{value}'")
    experiment = _with_old_patterns(experiment.model_copy(update=missing), known, run, say)
    return replace(loaded, experiment=experiment)


def _with_old_patterns(experiment: Experiment, known: Mapping[str, Any], run: RunDirectory, say: Say) -> Experiment:
    """The experiment in which tokenizers `regex` have the pattern that was the default when the run was begun."""

    def change(place: str, part: Lazy[Component]) -> Lazy[Component]:
        if part.component is not RegexTokenizer or part.to_json()["pattern"] is not None:
            return part
        before: Any = known
        for key in (*place.split("."), "pattern"):
            before = before.get(key) if isinstance(before, Mapping) else None
        if before != WORDS_AND_MARKS:
            return part
        say(f"{run.path}: begun by an mtlkit whose tokenizer 'regex' had a pattern by default; {place} goes on with it")
        return Lazy(part.component, part.settings.model_copy(update={"pattern": before}), part.files)

    return with_parts(experiment, change)
