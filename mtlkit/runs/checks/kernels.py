"""Which kernels a run would use, and whether those that it chooses can run on this machine."""

from collections.abc import Set

import torch

from mtlkit.errors import ConfigError
from mtlkit.experiment import Experiment, stages_of
from mtlkit.kernels.choice import kernels_in_use, lstms_in_use, uses_graphs, why_not_compiled
from mtlkit.kernels.compute import Compute, Operation
from mtlkit.types import Say


def kernels_for(experiment: Experiment, device: torch.device, say: Say) -> str | None:
    """The kernels that would run the recurrences and bidirectional LSTMs of all stages; None if there are neither.

    This is known before anything runs, and a resumed run must use the same. What did run is recorded at the end of the
    run, as `ran`.

    Raises:
        ConfigError: the kernels of a stage cannot run on this machine. All stages are checked before the first trains.
    """
    found: list[str] = []
    sentences: list[str | None] = []
    for number, stage in enumerate(stages_of(experiment)):
        sharing, compute = stage.sharing or experiment.model.sharing, stage.trainer.compute
        operations = sharing.component.operations_of(sharing)
        place = f"stages.{number}.trainer.kernels" if experiment.stages else "trainer.kernels"
        if compute.kernels in ("compiled", "graphs", "triton") and not _changes_something(operations, device, compute):
            say(f"{place}: '{compute.kernels}' changes nothing, since no part of {sharing.type} has such kernels")
        for operation, in_use in (("recurrence", kernels_in_use), ("lstm", lstms_in_use)):
            if operation not in operations:
                continue
            sentences.append(why_not_compiled(device, compute, lstms=operation == "lstm", say=say))
            try:
                found.append(in_use(device, compute))
            except ConfigError as error:
                raise ConfigError(f"stages.{number}.{error}" if experiment.stages else str(error)) from None
    for sentence in filter(None, dict.fromkeys(sentences)):
        say(sentence)
    return ", ".join(dict.fromkeys(found)) or None


def _changes_something(operations: Set[Operation], device: torch.device, compute: Compute) -> bool:
    """Whether the choice of kernels affects one of the operations; several networks at once have no compiled form."""
    return not operations.isdisjoint({"recurrence", "lstm"}) or (
        "networks" in operations and uses_graphs(device, compute)
    )
