"""The backward pass of a step: gradients of its batches, added up; of batches that do not fit the memory, in parts."""

from collections.abc import Callable, Iterator, Sequence
from math import ceil
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from mtlkit.data import Batch
from mtlkit.errors import OutOfMemoryError
from mtlkit.model import MultiTaskModel, TaskLoss
from mtlkit.training.devices import is_out_of_memory

if TYPE_CHECKING:
    from mtlkit.training.optimization import Optimization

OnOutOfMemory = Literal["stop", "split"]


def add_gradients(
    model: MultiTaskModel,
    batches: Sequence[Batch],
    losses_of: Callable[[Batch, int], Sequence[TaskLoss]],
    optimization: "Optimization",
    restart: Callable[[], None] = lambda: None,
    *,
    losses_at_once: bool = True,
) -> list[Tensor]:
    """Adds the gradient of the mean loss of all batches; with `split`, of one that does not fit in as many parts as it
    takes, twice as many at each try. Of several processes each adds its share, and `Optimization.apply` the rest.

    The gradient is that of whole batches up to rounding, but for dropout, of which each part has a draw of its own.

    Args:
        model: whose heads say how many texts or words a loss is the mean of.
        batches: of the step.
        losses_of: the loss of a batch or a part of it, given the batch's number; or several, of which the mean counts.
        optimization: adds the gradients and says whether to split.
        restart: called when a try has run out of memory and all batches begin again, so that the caller can take back
            what it counted during that try.
        losses_at_once: whether the losses are needed before `Optimization.apply`. Without, several processes exchange
            them there, in one message less, and they are NaN until then.

    Returns:
        Each whole batch's loss of its task, detached.

    Raises:
        OutOfMemoryError: a batch cannot be split: it is one text, or the sharing scheme adds losses of whole
            batches.
        torch.OutOfMemoryError: it does not fit, and is not to be split.
    """
    num_parts = [1] * len(batches)
    ranks = optimization.ranks
    while True:
        losses: list[Tensor] = []
        try:
            with ranks.other_draws(), optimization.tables.by_rows():
                for number, batch in enumerate(batches):
                    losses.append(_add(model, batch, number, num_parts[number], losses_of, optimization, len(batches)))
        except RuntimeError as error:
            if not (optimization.splits and is_out_of_memory(error)):
                raise
        failed = ranks.least(len(losses)) if optimization.splits else len(losses)
        if failed == len(batches):
            return ranks.sum(losses) if losses_at_once else ranks.sum_with_gradients(losses)
        # Only here has the failed try let go of what it held.
        optimization.forget()
        restart()
        if num_parts[failed] >= ceil(batches[failed].size / ranks.size):
            raise OutOfMemoryError(
                f"out of memory: {size_of(batches[failed])}, one text at a time; set the task's max_length"
            )
        optimization.num_split += num_parts[failed] == 1
        num_parts[failed] = min(2 * num_parts[failed], ceil(batches[failed].size / ranks.size))


def _add(
    model: MultiTaskModel,
    batch: Batch,
    number: int,
    num_parts: int,
    losses_of: Callable[[Batch, int], Sequence[TaskLoss]],
    optimization: "Optimization",
    num_batches: int,
) -> Tensor:
    parts, others = [], 1 / optimization.ranks.size
    for part, share in shares(model, batch, num_parts):
        losses = losses_of(part, number)
        if num_parts > 1 and (own := [name for name in losses[0].parts if name != "task"]):
            raise OutOfMemoryError(
                f"out of memory: {size_of(batch)}, which cannot be split: the sharing scheme adds losses of a whole "
                f"batch ({', '.join(own)}); lower batch_size or set batch_tokens"
            )
        total = _mean([loss.total if share is None else loss.in_part(share, others) for loss in losses])
        optimization.backward(total / num_batches)
        mean = _mean([loss.parts["task"].detach() for loss in losses])
        parts.append(mean if share is None else mean * share.to(mean.dtype))
    return parts[0] if len(parts) == 1 else torch.stack(parts).sum()


def shares(model: MultiTaskModel, batch: Batch, num_parts: int = 1) -> Iterator[tuple[Batch, Tensor | None]]:
    """Yields the parts of this process's texts of a batch, each with its share of the batch's loss; the whole batch has
    None in place of a share.
    """
    own = batch.shared_by(model.compute.ranks)
    if own is batch and num_parts == 1:
        yield batch, None
        return
    whole = model.num_scored(batch).clamp(min=1).double()
    counts = own.share is None or len(own.share.rows_R) > 0
    for part in own.parts(num_parts) if num_parts > 1 else [own]:
        yield part, model.num_scored(part) * counts / whole


def size_of(batch: Batch) -> str:
    """A description of a batch for messages: its number of texts, its task, its longest text."""
    return f"a batch of {batch.size:,} texts of {batch.task}, of up to {batch.text.mask_BT.shape[1]:,} words"


def _mean(losses: Sequence[Tensor]) -> Tensor:
    return losses[0] if len(losses) == 1 else torch.stack(list(losses)).mean()
