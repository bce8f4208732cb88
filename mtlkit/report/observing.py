"""The texts of an archive's tasks are read once more, to see what is shared."""

from collections.abc import Iterator

import torch
from torch import Tensor

from mtlkit.archive import Archive
from mtlkit.corpora import Say, evaluation_tasks, load_split, silent
from mtlkit.data import TaskSplit, bucketed_order
from mtlkit.experiment import TaskSettings
from mtlkit.models import MultiTaskModel
from mtlkit.report.evidence import Observed
from mtlkit.runs import Wanted, tasks_to_score
from mtlkit.sharing import Trace
from mtlkit.sharing.summaries import summarise
from mtlkit.training import computing_as, predictions_of
from mtlkit.training.optimization import autocast


def observe(archive: Archive, wanted: Wanted, say: Say = silent) -> dict[str, Observed]:
    """What the texts of each wanted task show.

    Raises:
        ConfigError: a task is unknown, or none has such a split.
        DataError: a file is wrong or missing.
    """
    return {name: _observed(archive, wanted, name, task, say) for name, task in tasks_to_score(archive, wanted).items()}


def _observed(archive: Archive, wanted: Wanted, name: str, settings: TaskSettings, say: Say) -> Observed:
    say(f"reading {name}: {getattr(settings, wanted.split)}")
    corpus = load_split(name, settings, wanted.split, wanted.limit)
    model, trainer = archive.model_for(name), archive.experiment.trainer
    (scored,) = evaluation_tasks(
        {name: corpus},
        {name: settings.scorers()},
        archive.vocabulary,
        characters=model.uses_characters,
        device=archive.device,
        seen=archive.seen if wanted.split == "test" else None,
    )
    with computing_as(trainer), torch.inference_mode(), autocast(archive.device, trainer.precision):
        predictions = predictions_of(model, scored, trainer.evaluation_batch_size, trainer.precision)
        summary = summarise(_traces(model, scored.split, trainer.evaluation_batch_size), name)
    return Observed(predictions, summary)


def _traces(model: MultiTaskModel, split: TaskSplit, batch_size: int) -> Iterator[tuple[Trace, Tensor]]:
    for indices_B in bucketed_order(split.lengths, batch_size, None):
        batch = split.batch(indices_B)
        _, trace = model.decode_with_trace(batch)
        if trace is None:
            return
        yield trace, batch.text.mask_BT
