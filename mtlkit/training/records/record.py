"""The interface of records."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from mtlkit.config import Component
from mtlkit.data import TaskSplit
from mtlkit.model import MultiTaskModel


class Record(Component, offers=("tasks", "parameters")):
    """Writes down something of the model after each epoch: a line of `sharing.jsonl` has it under the record's name.

    Given at build: `tasks`, names; `parameters`, the names of those that are trained, as a checkpoint has them.
    """

    @abstractmethod
    def observe(self, model: MultiTaskModel, splits: Mapping[str, TaskSplit]) -> Any:
        """What there is to say now, which depends on nothing but the weights and the data.

        Training goes on as if it had not been asked: random generators and the mode of every module are put back, and
        it must leave weights and their `grad` alone.

        Args:
            model: in evaluation mode; precision is set.
            splits: the dev data of each task, or its training data where it has none; in the experiment's order.

        Returns:
            Mappings, lists, strings and numbers, as JSON has them; tuples become lists, and a number that is no finite
            one becomes null. None: there is nothing to say, and the line goes without.
        """
