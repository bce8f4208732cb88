"""The records of a run, taken so that training does not notice."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, final

from torch import nn

from mtlkit.config import Lazy
from mtlkit.data import TaskSplit
from mtlkit.model import MultiTaskModel
from mtlkit.training import random_state
from mtlkit.training.devices import reporting_out_of_memory
from mtlkit.training.precision import Precision, autocast
from mtlkit.training.records import Record

DIGITS = 5
"""Significant ones that are written down."""
FEWER = "give it fewer texts, or leave it out of trainer.records"


@final
class Recording:
    """What is written down after each epoch.

    Args:
        model: on its device; what is not trained is frozen.
        records: of different types.
        splits: what they look at, see `Record.observe`.
        precision: of the run.

    Raises:
        ConfigError: a record cannot be built.
    """

    def __init__(
        self,
        model: MultiTaskModel,
        records: Sequence[Lazy[Record]],
        splits: Mapping[str, TaskSplit],
        precision: Precision,
    ) -> None:
        self.model = model
        self.records = build_records(model, records)
        self.splits = splits
        self.precision = precision

    def observe(self) -> dict[str, Any] | None:
        """What each record has to say, by its name; None where there are no records.

        Raises:
            OutOfMemoryError: the texts of a record do not fit the memory.
        """
        if not self.records:
            return None
        device = next(self.model.parameters()).device
        said = {}
        for name, record in self.records.items():
            with (
                _unnoticed(self.model),
                autocast(device, self.precision),
                reporting_out_of_memory(partial(_taking, name), FEWER),
            ):
                said[name] = plain(record.observe(self.model, self.splits))
        return {name: value for name, value in said.items() if value is not None}


def build_records(model: MultiTaskModel, records: Sequence[Lazy[Record]]) -> dict[str, Record]:
    """Builds the records of an experiment, by name.

    Raises:
        ConfigError: one of them does not fit the model or the tasks.
    """
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    return {lazy.type: lazy.build(tasks=model.tasks, parameters=trained) for lazy in records}


def plain(value: Any) -> Any:
    """A value as JSON can hold it: numbers are rounded to a few digits, and those that are not finite become None."""
    match value:
        case Mapping():
            return {str(name): plain(item) for name, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case float():
            return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
        case _:
            return value


def _taking(record: str) -> str:
    return f"taking the record {record} after an epoch"


@contextmanager
def _unnoticed(model: nn.Module) -> Iterator[None]:
    """Puts the model into evaluation mode inside the block, and restores its modes and all random generators after
    it.
    """
    modes = [(module, module.training) for module in model.modules()]
    random = random_state.capture()
    model.eval()
    try:
        yield
    finally:
        random_state.restore(random)
        for module, training in modes:
            module.training = training
