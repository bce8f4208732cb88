"""Windows over long texts, against a plain reference."""

import pytest
import torch
from mtlkit_transformers.layout import Layout, lay_out, room_of

from mtlkit.errors import ConfigError

BEFORE, AFTER, PADDING = [101, 102], [103], 9


def plain(texts: list[list[int]], room: int, overlap: int) -> list[list[list[int]]]:
    """The windows of each text, as lists of pieces."""
    found = []
    for text in texts:
        windows, start = [text[:room]], 0
        while start + room < len(text):
            start = min(start + room - overlap, len(text) - room)
            windows.append(text[start : start + room])
        found.append(windows)
    return found


def laid_out(texts: list[list[int]], room: int, overlap: int) -> Layout:
    width = max(map(len, texts))
    # Three pieces per word, so that words and texts end anywhere.
    pieces = torch.zeros(len(texts), (width + 2) // 3, 3, dtype=torch.long)
    for row, text in enumerate(texts):
        pieces.view(len(texts), -1)[row, : len(text)] = torch.tensor(text) + 1
    return lay_out(pieces, before=BEFORE, after=AFTER, padding=PADDING, room=room, overlap=overlap)


@pytest.mark.parametrize(("room", "overlap"), [(1, 0), (4, 0), (4, 1), (4, 3), (7, 2), (50, 10)])
def test_every_piece_is_read_in_the_window_with_most_context(room: int, overlap: int) -> None:
    texts = [[1000 * row + place for place in range(length)] for row, length in enumerate([3, 1, 21, 8, 4, 5, 40])]
    layout = laid_out(texts, room, overlap)
    windows = plain(texts, room, overlap)
    rows = [BEFORE + window + AFTER for each in windows for window in each]
    width = max(map(len, rows))
    assert layout.ids_RP.tolist() == [row + [PADDING] * (width - len(row)) for row in rows]
    assert layout.mask_RP.sum(1).tolist() == [len(row) for row in rows]

    flat = [(row, piece) for row, text in enumerate(texts) for piece in text]
    for number, (text, piece) in enumerate(flat):
        row, column = int(layout.rows_N[number]), int(layout.columns_N[number])
        assert rows[row][column] == piece
        first = sum(map(len, windows[:text]))
        context = {
            first + at: min(window.index(piece), len(window) - 1 - window.index(piece))
            for at, window in enumerate(windows[text])
            if piece in window
        }
        middle = {row: abs(2 * rows[row].index(piece) - 2 * len(BEFORE) - room + 1) for row in context}
        assert middle[row] == min(middle.values())
        inner = [at for at in context if 0 < at - first < len(windows[text]) - 1]
        assert row not in inner or context[row] == max(context[at] for at in inner)
    assert layout.words_N.tolist() == [
        row * ((width_of(texts) + 2) // 3) + place // 3 for row, text in enumerate(texts) for place in range(len(text))
    ]


def width_of(texts: list[list[int]]) -> int:
    return max(map(len, texts))


def test_a_text_without_pieces_has_a_row_all_the_same() -> None:
    layout = lay_out(torch.zeros(2, 3, 2, dtype=torch.long), before=[], after=[], padding=0, room=5, overlap=1)
    assert layout.ids_RP.shape == (2, 1) and layout.mask_RP.all() and not len(layout.rows_N)


@pytest.mark.parametrize(
    ("limit", "special", "window", "overlap", "told"),
    [
        (None, 2, None, None, "states no limit of its own; set `window`"),
        (40, 2, 1000, None, "reads at most 40 tokens at once, so `window` cannot be 1000"),
        (40, 2, 2, None, "reads 2 tokens at once, and 2 are special .*; set a `window` of more than 2, or a smaller"),
        (40, 102, None, None, "reads 40 tokens at once, and 102 are special .*; set a smaller `num_tokens`"),
        (40, 2, 10, 8, "has 8 pieces in a window of 10 tokens, so `overlap` cannot be 8; set one from 0 to 7"),
        (40, 2, None, -1, "`overlap` cannot be -1; set one from 0 to 37"),
    ],
)
def test_windows_that_cannot_be_are_told_with_a_remedy(
    limit: int | None, special: int, window: int | None, overlap: int | None, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        room_of(limit, special, window, overlap)
