"""What must hold where several processes share each step: settings that allow it, and models that stay the same."""

import hashlib
from collections.abc import Mapping

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from mtlkit.embedders import Embedder
from mtlkit.errors import ConfigError, RunError
from mtlkit.model import MultiTaskModel
from mtlkit.sharing import SearchableScheme, SharingScheme
from mtlkit.training.records import GradientCosine, Record
from mtlkit.training.shards import WHOLE, sharded
from mtlkit.training.update_strategies import UpdateStrategy

ALONE = "train in one process"


def check_shareable(model: MultiTaskModel, update: UpdateStrategy, *, splits: bool) -> None:
    """Makes sure that several processes which share each batch come to the numbers of one. One process always does.

    Args:
        model: handed the processes by its `compute`.
        update: the update strategy.
        splits: whether batches that do not fit the memory are computed in parts.

    Raises:
        ConfigError: they would not.
    """
    if model.compute.ranks.size == 1:
        return
    check_strategy_shareable(type(model.sharing), type(update), splits=splits)
    embedders = (part for part in model.modules() if isinstance(part, Embedder))
    if any(embedder.leaves_out_parameters for embedder in embedders):
        raise ConfigError(
            "model.embedder: leaves out layers at random in training, and several processes would leave out others; "
            f"{ALONE}, or set its layer_dropout to 0"
        )
    if normed := next((name for name, part in model.named_modules() if isinstance(part, _BatchNorm)), None):
        raise ConfigError(f"model: {normed} normalises by the texts of a batch, which several processes share; {ALONE}")


def check_strategy_shareable(
    sharing: type[SharingScheme], update: type[UpdateStrategy], *, splits: bool, place: str = "trainer"
) -> None:
    """Makes sure of what `check_shareable` asks of settings, for which no model has to be built.

    Args:
        sharing: the sharing scheme that is trained.
        update: the update strategy.
        splits: whether batches that do not fit the memory are computed in parts.
        place: the trainer's place in the experiment, for the message.

    Raises:
        ConfigError: several processes that share each batch would not come to the numbers of one.
    """
    if not update.shares_batches:
        raise ConfigError(
            f"{place}.update_strategy: '{update.registered_name}' does not say that several processes may share its "
            f"batches (shares_batches); {ALONE}, or take another strategy, such as 'joint'"
        )
    if splits and _splits_unequally(sharing, update):
        raise ConfigError(
            f"{place}.on_out_of_memory: 'split' is not possible in several processes with this sharing scheme, whose "
            f"losses or paths are those of a whole batch; take 'stop', or {ALONE}"
        )


def check_shards(model: MultiTaskModel, records: Mapping[str, Record], *, splits: bool) -> None:
    """Makes sure that several processes can share out parts of a model: in every step, each of them reads these parts
    as often as the others.

    Args:
        model: what is to be shared out of it has been.
        records: what is taken after each epoch, by name.
        splits: whether batches that do not fit the memory are computed in parts.

    Raises:
        ConfigError: they cannot.
    """
    if not (parts := sharded(model)):
        return
    if splits:
        raise ConfigError(
            "trainer.shard: is not possible with on_out_of_memory: 'split', with which one process may read what is "
            f"shared out more often than another; take 'stop', or {WHOLE}"
        )
    for name, record in records.items():
        if isinstance(record, GradientCosine) and (found := [each for each in record.names if each in parts]):
            raise ConfigError(
                f"trainer.records: {name} compares gradients of {found[0]}, of which each process has other rows "
                f"(trainer.shard); give it a pattern without this parameter, or {WHOLE}"
            )


def check_equal(model: MultiTaskModel) -> None:
    """Makes sure that the model is the same, to the bit, in all processes.

    Raises:
        RunError: it is not, as with processors of several kinds that round differently.
    """
    ranks = model.compute.ranks
    if ranks.size == 1:
        return
    digest, parts = hashlib.sha256(), sharded(model)
    for name, tensor in model.state_dict().items():
        if name in parts:  # of which each process has other rows
            continue
        digest.update(tensor.detach().cpu().contiguous().flatten().view(dtype=torch.uint8).numpy().data)
    if len(set(ranks.gather(digest.hexdigest()))) > 1:
        raise RunError(
            "the processes have come to different weights, as on processors of different kinds; what was saved before "
            f"is kept; use equal machines, or {ALONE}"
        )


def _splits_unequally(sharing: type[SharingScheme], update: type[UpdateStrategy]) -> bool:
    """Whether parts of a batch, of which processes may have different numbers, would have to agree on something."""
    adds_losses = sharing.batch_losses is not SharingScheme.batch_losses
    draws_paths = issubclass(sharing, SearchableScheme) and not update.searches
    return adds_losses or draws_paths
