"""The arrangement of a batch's pieces in rows that an encoder reads, with special tokens, padding and windows.

Shapes: B texts, T words of the longest text, C pieces of the longest word, N pieces of all texts together, R rows, P
tokens of the longest row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from mtlkit.errors import ConfigError


@final
@dataclass(frozen=True)
class Layout:
    """Rows for an encoder, and where each piece of the texts stands in them.

    A text of up to `room` pieces is one row. A longer one is several overlapping windows of `room` pieces, the last of
    which ends where the text ends. A piece's state is taken from the window whose centre is nearest, where it has most
    context on both sides.
    """

    ids_RP: Tensor
    """int64: token ids, padded on the right."""
    mask_RP: Tensor
    """bool: True at tokens, special ones included."""
    rows_N: Tensor
    columns_N: Tensor
    """int64: the row and the column of the state of each piece, in the order of the pieces."""
    words_N: Tensor
    """int64: for each piece its word, as an index into B * T."""
    segments_RP: Tensor | None
    """int64: 0 for tokens of a pair's first text, 1 for those of its second and 0 at padding; None if not asked for."""


def lay_out(
    pieces_BTC: Tensor,
    segments_BT: Tensor | None = None,
    *,
    before: Sequence[int],
    after: Sequence[int],
    padding: int,
    room: int,
    overlap: int,
) -> Layout:
    """Arranges the pieces of a batch.

    Args:
        pieces_BTC: piece ids plus 1, 0 where there is none.
        segments_BT: int64, 1 for words of a pair's second text, 0 for all others; None if no segments are wanted.
        before: ids of the special tokens before each row.
        after: ids of the special tokens after each row.
        padding: the id of the padding token.
        room: the number of pieces of a window, at least 1.
        overlap: the number of pieces that neighbouring windows share, less than `room`.
    """
    batch, device = len(pieces_BTC), pieces_BTC.device
    flat_BX = pieces_BTC.flatten(1)
    texts_N, places_N = flat_BX.nonzero(as_tuple=True)
    pieces_N = flat_BX[texts_N, places_N] - 1
    words_N = texts_N * pieces_BTC.shape[1] + places_N // pieces_BTC.shape[2]
    counts_B = torch.bincount(texts_N, minlength=batch)
    first_B = counts_B.cumsum(0) - counts_B
    positions_N = torch.arange(len(texts_N), device=device) - first_B[texts_N]

    stride = room - overlap
    windows_B = 1 + ((counts_B - room).clamp(min=0) + stride - 1) // stride
    rows_B = windows_B.cumsum(0) - windows_B
    texts_R = torch.repeat_interleave(windows_B)
    numbers_R = torch.arange(len(texts_R), device=device) - rows_B[texts_R]
    starts_R = torch.minimum(numbers_R * stride, (counts_B[texts_R] - room).clamp(min=0))
    lengths_R = counts_B[texts_R].clamp(max=room)

    longest = int(lengths_R.max()) if len(lengths_R) else 0
    steps_P = torch.arange(longest, device=device)
    valid_RP = steps_P < lengths_R[:, None]
    source_RP = (first_B[texts_R] + starts_R)[:, None] + steps_P
    # An encoder without special tokens is still given one token for a text without pieces; nothing is read from it.
    width = max(1, len(before) + longest + len(after))
    ids_RP = torch.full((len(texts_R), width), padding, device=device)
    ids_RP[:, : len(before)] = torch.tensor(before, device=device, dtype=torch.long)
    inner_RP = ids_RP[:, len(before) : len(before) + longest]
    inner_RP[valid_RP] = pieces_N[source_RP[valid_RP]]
    for number, special in enumerate(after):
        ids_RP[torch.arange(len(texts_R), device=device), len(before) + lengths_R + number] = special
    mask_RP = torch.arange(width, device=device) < (lengths_R + len(before) + len(after)).clamp(min=1)[:, None]

    chosen_N = _nearest(positions_N, texts_N, windows_B, rows_B, starts_R, room, stride)
    columns_N = len(before) + positions_N - starts_R[chosen_N]
    segments_RP = None
    if segments_BT is not None:
        segments_RP = torch.zeros_like(ids_RP)
        inner_RP = segments_RP[:, len(before) : len(before) + longest]
        inner_RP[valid_RP] = segments_BT.flatten()[words_N][source_RP[valid_RP]]
        # What stands after the last window is of the second text, also if that has no pieces.
        is_last_R = numbers_R == windows_B[texts_R] - 1
        ending_R = torch.where(is_last_R, segments_BT.amax(dim=1)[texts_R], segments_RP.amax(dim=1))
        behind_RP = mask_RP & (torch.arange(width, device=device) >= len(before) + lengths_R[:, None])
        segments_RP = torch.where(behind_RP, ending_R[:, None], segments_RP)
    return Layout(ids_RP, mask_RP, chosen_N, columns_N, words_N, segments_RP)


def room_of(limit: int | None, special: int, window: int | None, overlap: int | None) -> tuple[int, int]:
    """The number of pieces of a window, and how many of them its neighbour has too.

    Args:
        limit: the number of tokens that the encoder reads at most, or None if it states none.
        special: the number of tokens of a window that are no pieces.
        window: the number of tokens of a window; None for the encoder's limit.
        overlap: the number of pieces that two neighbours share; None for a quarter.

    Raises:
        ConfigError: they do not fit each other. The message is to follow the name of the encoder.
    """
    tokens = limit if window is None else window
    if tokens is None:
        raise ConfigError("states no limit of its own; set `window`")
    if limit is not None and tokens > limit:
        raise ConfigError(f"reads at most {limit} tokens at once, so `window` cannot be {tokens}; set a smaller one")
    room = tokens - special
    if room < 1:
        smaller = "a smaller `num_tokens`"
        remedy = (
            smaller if limit is not None and limit <= special else f"a `window` of more than {special}, or {smaller}"
        )
        raise ConfigError(
            f"reads {tokens} tokens at once, and {special} are special ones or those of a prefix, which leaves none "
            f"for words; set {remedy}"
        )
    shared = room // 4 if overlap is None else overlap
    if not 0 <= shared < room:
        raise ConfigError(
            f"has {room} pieces in a window of {tokens} tokens, so `overlap` cannot be {shared}; set one from 0 to "
            f"{room - 1}, or a larger `window`"
        )
    return room, shared


def _nearest(
    positions_N: Tensor,
    texts_N: Tensor,
    windows_B: Tensor,
    rows_B: Tensor,
    starts_R: Tensor,
    room: int,
    stride: int,
) -> Tensor:
    """The row of each piece: that of the window whose centre is nearest, the earlier one of two."""
    # All in halves of a piece, so that centres are integers. All windows but the last begin at multiples of `stride`.
    doubled_N, middle = 2 * positions_N, room - 1
    last_N = windows_B[texts_N] - 1
    regular_N = ((doubled_N - middle + stride - 1) // (2 * stride)).clamp(min=0)
    regular_N = torch.minimum(regular_N, (last_N - 1).clamp(min=0))
    regular_R, last_R = rows_B[texts_N] + regular_N, rows_B[texts_N] + last_N
    distance_N = (doubled_N - 2 * starts_R[regular_R] - middle).abs()
    at_end_N = (doubled_N - 2 * starts_R[last_R] - middle).abs()
    return torch.where(at_end_N < distance_N, last_R, regular_R)
