"""Which texts a record looks at."""

import torch
from torch import Tensor

from mtlkit.data import TaskSplit


def spread_out(split: TaskSplit, size: int) -> Tensor:
    """Places of at most `size` texts (int64, on the CPU), short ones first.

    They lie at equal distances in the file, since files are often in the order of their labels; so they are the same
    after every epoch, and nothing is drawn.
    """
    count = min(size, len(split))
    places = torch.arange(count) * len(split) // max(count, 1)
    return places[torch.argsort(split.lengths[places], stable=True)]
