"""Mistakes in models, found by building them without memory for their parameters."""

from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

from mtlkit.config import nearest
from mtlkit.data import Vectors, Vocabulary
from mtlkit.embedders import DatasetVectors, Embedder
from mtlkit.errors import MtlkitError
from mtlkit.experiment import Experiment, build_model, without_memory
from mtlkit.files import is_file
from mtlkit.model import MultiTaskModel

T = TypeVar("T")
MOST_PARAMETERS = 10**12


def built_model(
    experiment: Experiment, problems: list[str], sharing_place: str, all_tasks: Collection[str]
) -> MultiTaskModel | None:
    """Builds the model on the meta device, over a vocabulary of one word.

    If it cannot be built, the reasons are appended to `problems` and None is returned.

    Args:
        experiment: that of a stage, which may have some of the tasks.
        problems: receives what is wrong.
        sharing_place: where the sharing scheme stands in the experiment.
        all_tasks: the tasks of the whole run, which settings of the embedder may name.
    """
    vocabulary = Vocabulary.of(
        words=["a"],
        characters=["a"],
        labels={name: ["O", "B-X", "I-X"] for name in experiment.tasks},
        lowercase=experiment.vocabulary.lowercase,
        one_number=experiment.vocabulary.one_number,
    )
    settings = experiment.model
    found: list[str] = []
    tasks, vectors = list(experiment.tasks), _first_vector(experiment)
    embedder = _built(
        "model.embedder",
        lambda: settings.embedder.build(vocabulary=vocabulary, vectors=vectors, fresh=True, tasks=tasks),
        found,
    )
    if embedder is not None:  # whether a scheme can be built may depend on the size of its input
        found += _dataset_problems(embedder, all_tasks)
        _built(
            sharing_place,
            lambda: settings.sharing.build(input_dim=embedder.output_dim, tasks=tasks, embedder=embedder),
            found,
        )
    model = None if found else _built("model", lambda: build_model(experiment, vocabulary), found)
    if model is not None and (size := sum(parameter.numel() for parameter in model.parameters())) > MOST_PARAMETERS:
        found.append(f"model: has {size:,} parameters, which no machine holds; make its sizes smaller")
        model = None
    problems += found
    return model


def _dataset_problems(embedder: Embedder, tasks: Collection[str]) -> Iterator[str]:
    named = [task for part in embedder.modules() if isinstance(part, DatasetVectors) for task in part.tasks_named]
    for task in dict.fromkeys(named):
        if task not in tasks:
            hint = nearest(task, list(tasks)) or f" (the tasks: {', '.join(tasks)})"
            yield f"model.embedder: a data set is given to the task '{task}', which does not exist{hint}"


def _built(place: str, build: Callable[[], T], problems: list[str]) -> T | None:
    """Builds a part on the meta device; if it cannot be built, appends the reason to `problems` and returns None."""
    try:
        with without_memory():
            return build()
    except MtlkitError as error:
        problems.append(f"{place}: {error}")
    except (RuntimeError, OverflowError) as error:  # PyTorch raises these for sizes that no tensor can have
        what = str(error).split("\n")[0]
        problems.append(f"{place}: PyTorch cannot make a part of these sizes ({what}); make them smaller")
    return None


def _first_vector(experiment: Experiment) -> Vectors | None:
    """The first of the pretrained vectors, which gives the size of all; None if there are none."""
    pretrained = experiment.vocabulary.pretrained
    if pretrained is None or not is_file(pretrained):
        return None
    first = Vectors.read(pretrained, limit=1)
    return Vectors(["no such word in the vocabulary"], first.matrix)
