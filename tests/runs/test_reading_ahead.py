"""Reading ahead: everything once and in order, in lists of a bounded size, and never more than the next list takes."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.errors import DataError
from mtlkit.runs.reading_ahead import windows


@given(
    texts=st.lists(st.text(alphabet="a", max_size=9), max_size=40),
    least=st.integers(1, 5),
    batches=st.integers(1, 4),
    characters=st.integers(0, 30),
)
def test_every_input_comes_once_in_lists_of_a_bounded_size(
    texts: list[str], least: int, batches: int, characters: int
) -> None:
    most = least * batches
    found = list(windows(texts, least, most, len, characters))
    assert [text for window in found for text in window] == texts
    for window in found[:-1]:
        assert least <= len(window) <= most
        assert len(window) == most or sum(map(len, window)) >= characters
    for window in found:
        assert 0 < len(window) <= most
        assert len(window) <= least or sum(map(len, window[:-1])) < characters


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_is_read_than_the_next_list_takes(most: int) -> None:
    read: list[str] = []

    def inputs() -> Iterator[str]:
        for text in ("a", "b", "c", "d"):
            read.append(text)
            yield text

    coming = windows(inputs(), 1, most, len)
    assert read == []
    assert len(next(coming)) == len(read) == most


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4])
def test_inputs_before_an_error_come_before_it(number: int) -> None:
    def inputs() -> Iterator[int]:
        yield from range(number)
        raise DataError("the rest is damaged")

    found: list[int] = []
    with pytest.raises(DataError, match="the rest is damaged"):
        for window in windows(inputs(), 2, 2, lambda item: 0):
            found += window
    assert found == list(range(number))
