"""`evaluate`: scores of an archive."""

from collections.abc import Sequence

import torch

from mtlkit.archive import Archive
from mtlkit.corpora import Say, evaluation_tasks, load_split, majority, silent
from mtlkit.errors import ConfigError
from mtlkit.experiment import Experiment, TaskSettings
from mtlkit.kernels.choice import prefer_kernels
from mtlkit.kernels.networks_in_threads import set_network_threads
from mtlkit.training import evaluate, with_averages


def evaluate_archive(
    archive: Archive,
    split: str = "test",
    *,
    tasks: Sequence[str] = (),
    file: str | None = None,
    limit: int | None = None,
    say: Say = silent,
) -> dict[str, float]:
    """`task/metric` of an archive on a split.

    Args:
        archive: the trained model.
        split: `train`, `dev` or `test`; clean figures stand beside the standard ones of `test`.
        tasks: which ones; none for all that have the split.
        file: data of the one task, instead of those that the experiment names.
        limit: at most so many texts of each task.
        say: told what is being scored.

    Raises:
        ConfigError: a task is unknown, or none has such a split.
        DataError: a file is wrong or missing.
    """
    trainer = archive.experiment.trainer
    torch.set_num_threads(trainer.threads)
    set_network_threads(trainer.network_threads)
    prefer_kernels(trainer.kernels)
    trained_with = archive.meta.get("limit")
    if trained_with not in (None, limit):
        say(f"the run was trained with --limit {trained_with}; its own figures come again with the same option")
    figures: dict[str, float] = {}
    for name, settings in _chosen(archive.experiment, tasks, split, file).items():
        say(f"scoring {name}: {getattr(settings, split)}")
        corpus = load_split(name, settings, split, limit)
        known = archive.vocabulary.labels(name)
        if unknown := [label for label in corpus.label_counts() if label not in known]:
            say(f"{name}: labels that no model here can give: {', '.join(unknown)} (it knows {', '.join(known)})")
        model = archive.model_for(name)
        scored = evaluation_tasks(
            {name: corpus},
            {name: settings.scorers()},
            archive.vocabulary,
            characters=model.uses_characters,
            device=archive.device,
            seen=archive.seen if split == "test" else None,
        )
        figures.update(evaluate(model, scored, trainer.evaluation_batch_size, trainer.precision))
        figures.update(majority(name, corpus))
    return with_averages(figures)


def _chosen(experiment: Experiment, tasks: Sequence[str], split: str, file: str | None) -> dict[str, TaskSettings]:
    known = experiment.tasks
    if unknown := [name for name in tasks if name not in known]:
        raise ConfigError(f"no task '{unknown[0]}' in the archive; its tasks are {', '.join(known)}")
    chosen = {name: known[name] for name in tasks or known}
    if file is not None:
        if len(chosen) != 1:
            raise ConfigError("--file holds one task's data; say whose with --task")
        return {name: settings.model_copy(update={split: file, "resplit": None}) for name, settings in chosen.items()}
    found = {name: settings for name, settings in chosen.items() if split in settings.sources()}
    if not found:
        raise ConfigError(f"no {split} split for {', '.join(chosen)}; give other data with --task NAME --file FILE")
    return found
