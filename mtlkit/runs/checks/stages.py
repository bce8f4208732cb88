"""Mistakes in stages: in the trainer and model of each, and in how it follows from the stage before it."""

from collections.abc import Iterator
from dataclasses import dataclass

from mtlkit.config import nearest
from mtlkit.errors import ConfigError
from mtlkit.experiment import Experiment, TaskPaths, experiment_of, stages_of, tasks_of
from mtlkit.model import MultiTaskModel
from mtlkit.runs.checks.beginnings import Beginnings
from mtlkit.runs.checks.models import built_model
from mtlkit.runs.checks.trainers import (
    frozen_problems,
    optimizer_problems,
    record_problems,
    search_problems,
    trainer_problems,
)
from mtlkit.sharing import SearchableScheme
from mtlkit.training import StageSettings, taken_over


def stage_problems(experiment: Experiment) -> Iterator[str]:
    """Yields the problems of each stage's trainer and model, and of how they follow from the stage before."""
    paths: TaskPaths | None = None
    before: _Checked | None = None
    beginnings = Beginnings(experiment)
    if experiment.stages and (wrong := [*_task_list_problems(experiment)]):
        yield from wrong
        return
    for number, stage in enumerate(stages_of(experiment)):
        place = f"stages.{number}." if experiment.stages else ""
        if wrong := [
            *_derivation_problems(experiment, stage, place, before),
            *_path_problems(experiment, stage, place, paths),
        ]:
            yield from wrong
            return
        if stage.derive is not None:  # the paths are not known before the search, but any will do for these checks
            paths = dict.fromkeys(tasks_of(experiment, stage), (0,))
        if stage.sharing is not None:
            paths = None
        trained = experiment_of(experiment, stage, paths)
        problems: list[str] = [*trainer_problems(trained, f"{place}trainer")]
        scheme = f"{place}sharing" if stage.sharing else "model.sharing"
        model = built_model(trained, problems, scheme, experiment.tasks)
        if model is not None:
            problems += beginnings.problems(model)
            problems += search_problems(trained, model.sharing, f"{place}trainer")
            problems += frozen_problems(trained, model, f"{place}trainer")
            if not problems:  # strategies that cannot be built are named above
                problems += optimizer_problems(trained, model, f"{place}trainer")
            problems += record_problems(trained, model, f"{place}trainer")
        yield from problems
        if model is None or problems:
            return
        yield from _keep_problems(stage, place, model, before)
        before = _Checked(stage, trained, model)
    yield from beginnings.unused()


@dataclass(frozen=True)
class _Checked:
    """A stage, its experiment, and its model without memory for parameters."""

    stage: StageSettings
    experiment: Experiment
    model: MultiTaskModel


def _task_list_problems(experiment: Experiment) -> Iterator[str]:
    known = list(experiment.tasks)
    for number, stage in enumerate(experiment.stages):
        for name in stage.tasks or ():
            if name not in known:
                hint = nearest(name, known) or f" (the tasks: {', '.join(known)})"
                yield f"stages.{number}.tasks: no task is named '{name}'{hint}"
    trained = {task for stage in experiment.stages for task in tasks_of(experiment, stage)}
    if left_out := [name for name in known if name not in trained]:
        yield f"stages: none of them trains {', '.join(left_out)}; name the task in a stage's tasks, or remove it"


def _derivation_problems(
    experiment: Experiment, stage: StageSettings, place: str, before: _Checked | None
) -> Iterator[str]:
    if stage.derive is None:
        return
    if before is None:
        yield f"{place}derive: no stage before this one has searched; remove it, or put a search first"
        return
    if stage.sharing is not None:
        yield f"{place}derive: paths are for the model's own scheme, not for the stage's; remove one of the two"
    if before.stage.sharing is not None:
        yield (
            f"{place}derive: the stage before has searched in a sharing scheme of its own, and paths are for the "
            "model's; make that scheme the model's, or remove derive"
        )
        return
    scheme, tasks = before.experiment.model.sharing, tasks_of(experiment, stage)
    if not issubclass(scheme.component, SearchableScheme):
        yield f"{place}derive: the sharing scheme '{scheme.type}' has no paths; remove it, or take a scheme with paths"
    if new := [task for task in tasks if task not in before.experiment.tasks]:
        yield f"{place}derive: the stage before has searched no path for {', '.join(new)}; give both the same tasks"
    without = [task for task in tasks if "dev" not in experiment.tasks[task].splits]
    if stage.derive.component.needs_dev and without:
        yield (
            f"{place}derive: '{stage.derive.type}' scores paths on dev data, which {', '.join(without)} does not have; "
            "set the task's dev, or its resplit: { dev: N }"
        )


def _path_problems(experiment: Experiment, stage: StageSettings, place: str, paths: TaskPaths | None) -> Iterator[str]:
    if paths is None or stage.derive is not None or stage.sharing is not None:
        return
    if without := [task for task in tasks_of(experiment, stage) if task not in paths]:
        yield (
            f"{place}tasks: the stage that derived paths had none for {', '.join(without)}; give that one all the "
            "tasks that follow"
        )


def _keep_problems(stage: StageSettings, place: str, model: MultiTaskModel, before: _Checked | None) -> Iterator[str]:
    if before is None:
        if stage.keep is not None:
            yield f"{place}keep: there is no stage before this one; remove it"
        return
    selection = before.experiment.trainer.selection
    built = selection.build(tasks=list(before.experiment.tasks))
    if len({built.weights_for(task) for task in before.experiment.tasks}) > 1:
        apart = f"the stage before keeps weights for each task by itself ('{selection.type}'), so there is no one model"
        if stage.derive is not None:
            yield f"{place}derive: {apart} to derive paths from; give it another selection"
        elif stage.keep != []:
            yield f"{place}keep: {apart} to go on with; give it another selection, or begin again with keep: []"
    try:
        taken_over(model, before.model.state_dict(), stage.keep)
    except ConfigError as error:
        yield f"{place}keep.{error}"
