"""What the sharing scheme shared."""

from collections.abc import Iterator, Mapping
from typing import Any, final

import torch
from torch import Tensor

from mtlkit.data import TaskSplit
from mtlkit.model import MultiTaskModel
from mtlkit.sharing import Trace
from mtlkit.sharing.summaries import summarise
from mtlkit.training.records.record import Record
from mtlkit.training.records.samples import spread_out
from mtlkit.types import PositiveInt

BATCH = 16
"""Texts that are traced at once; they are of like lengths."""


@final
@Record.register("sharing")
class SharingRecord(Record):
    """What each task took of which source, on average over some texts; nothing for schemes without traces.

    texts: looked at of each task, at most. One is enough where what is shared is the same for all texts, such as a path
        through a pool.
    """

    def __init__(self, texts: PositiveInt = 32) -> None:
        self.texts = texts

    def observe(self, model: MultiTaskModel, splits: Mapping[str, TaskSplit]) -> Any:
        with torch.inference_mode():
            found = {task: summarise(self._traces(model, split), task) for task, split in splits.items()}
        return {task: summary.to_json() for task, summary in found.items() if summary is not None} or None

    def _traces(self, model: MultiTaskModel, split: TaskSplit) -> Iterator[tuple[Trace, Tensor]]:
        """The shortest text comes alone: whoever has seen enough asks for no more."""
        places = spread_out(split, self.texts)
        batches = (places[:1], *torch.split(places[1:], BATCH))
        for indices_B in filter(len, batches):
            text = split.batch(indices_B).text
            if (trace := model(text, split.task, with_trace=True).trace) is None:
                return
            yield trace, text.mask_BT
