"""The convolution over characters as it is written down, over all characters and all of the padding.

Shapes: W words, C characters, F size of a character's vector, K characters in a window, E filters.
"""

from torch import Tensor
from torch.nn import functional as F

from mtlkit.kernels.sequences import masked_max


def reach_of(width: int) -> tuple[int, int]:
    """Returns how many characters before and after its own the window of a character has."""
    return (width - 1) // 2, width // 2


def largest_of_windows(vectors_WCF: Tensor, mask_WC: Tensor, weight_EFK: Tensor, bias_E: Tensor) -> Tensor:
    """Returns the maximum (W, E) of each filter over a word's windows, zero for words without characters.

    Args:
        vectors_WCF: the vectors of characters, zero at padding.
        mask_WC: True at characters, which come before all padding.
        weight_EFK: the filters, as `nn.Conv1d` has them.
        bias_E: added to each.
    """
    vectors_WFC = F.pad(vectors_WCF.transpose(1, 2), reach_of(weight_EFK.shape[2]))
    return masked_max(F.conv1d(vectors_WFC, weight_EFK, bias_E).transpose(1, 2), mask_WC)
