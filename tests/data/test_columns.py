"""Tables of surface forms, and the rows of them that batches carry."""

import re
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.data import Corpus, Instance, TaskSplit, Vocabulary
from mtlkit.data.batch import Text
from mtlkit.data.columns import FormTables, Table, fault_of, nested
from mtlkit.data.word_columns import WordColumns
from mtlkit.errors import ComponentError

TEXTS = ("good fun", "a film", "good", "no good film at all")
CORPUS = Corpus.from_instances([Instance(tuple(text.split()), "x") for text in TEXTS], "label")
VOCABULARY = Vocabulary.of(labels={"t": ["x"]})


def shapes(forms: Sequence[str]) -> dict[str, Table]:
    """The length of a form, and the codes of its first and last letter."""
    return {
        "length": np.array([len(form) for form in forms], np.uint8),
        "ends": np.array([[ord(form[0]), ord(form[-1])] for form in forms], np.int16),
    }


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@given(indices=st.lists(st.integers(0, 3), min_size=1, max_size=5))
def test_a_batch_carries_the_rows_of_its_words(device: str, indices: list[int]) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    text = TaskSplit("t", CORPUS, VOCABULARY, columns=shapes, device=device).batch(torch.tensor(indices)).text
    assert set(text.columns) == {"length", "ends"}
    assert {column.dtype for column in text.columns.values()} == {torch.int64}
    assert {column.device.type for column in text.columns.values()} == {device}
    for row, index in enumerate(indices):
        words = TEXTS[index].split()
        padding = text.mask_BT.shape[1] - len(words)
        assert text.column("length")[row].tolist() == [len(word) for word in words] + [0] * padding
        assert text.column("ends")[row].tolist() == [[ord(word[0]), ord(word[-1])] for word in words] + [[0, 0]] * (
            padding
        )


def test_equal_tables_are_gathered_once_under_all_their_names() -> None:
    ids, others = np.array([1, 2, 3]), np.array([1, 2, 4])
    tables = FormTables({"0.words": ids, "1.words": ids.copy(), "2.words": others, "3.words": ids[:, None]}, 3)
    rows = WordColumns(tables, torch.tensor([[2, 0], [1, 3]]))
    assert rows["0.words"] is rows["1.words"]
    assert rows["0.words"].tolist() == [[3, 1], [2, 0]]
    assert rows["2.words"].tolist() == [[4, 1], [2, 0]]
    assert rows["3.words"].tolist() == [[[3], [1]], [[2], [0]]]


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i4"])
def test_any_type_of_integer_comes_out_as_int64(dtype: str) -> None:
    rows = WordColumns(FormTables({"ids": np.array([[5, 0], [7, 9]], dtype)}, 2), torch.tensor([[1, 2, 0]]))
    assert rows["ids"].dtype == torch.int64 and rows["ids"].tolist() == [[[7, 9], [0, 0], [5, 0]]]


def test_parts_see_their_own_columns_under_their_own_names() -> None:
    inner = nested({"a": {"ids": np.array([1])}, "b": {"ids": np.array([2])}})
    tables = nested({"0": inner, "10": {"a.ids": np.array([3])}})
    assert list(tables) == ["0.a.ids", "0.b.ids", "10.a.ids"]
    mask_BT = torch.ones(1, 1, dtype=torch.bool)
    text = Text(mask_BT, WordColumns(FormTables(tables, 1), torch.zeros(1, 1, dtype=torch.int64)))
    assert text.part("0").part("a").column("ids").tolist() == [[1]]
    assert text.part("0").part("b").column("ids").tolist() == [[2]]
    assert list(text.part("10").columns) == ["a.ids"] and list(text.part("1").columns) == []


def test_a_column_that_nobody_asked_for_is_named() -> None:
    text = Text(torch.ones(1, 1, dtype=torch.bool), {"pieces": torch.ones(1, 1, dtype=torch.int64)})
    with pytest.raises(ComponentError, match=r"reads the column 'words'.*does not give it \(it gives: pieces\)"):
        _ = text.words_BT


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ([1, 2], "is of type list, not a NumPy array"),
        (torch.tensor([1, 2]), "is of type Tensor, not a NumPy array"),
        (np.array([0.5, 1.0]), "is of float64, not of integers"),
        (np.array([True, False]), "is of bool, not of integers"),
        (np.array(["a", "b"]), "is of <U1, not of integers"),
        (np.array(7), r"has the shape \(\), not \(F,\) or \(F, C\) with C > 0"),
        (np.zeros((2, 0), int), r"has the shape \(2, 0\), not"),
        (np.zeros((2, 1, 1), int), r"has the shape \(2, 1, 1\), not"),
        (np.array([1, 2, 3]), "has 3 rows for 2 forms"),
        (np.array([[1, 2]]), "has 1 rows for 2 forms"),
        (np.array([[1, 2], [3, -1]]), "holds -1; ids begin at 0"),
        (np.array([1, 2], np.uint8), None),
        (np.array([[1], [0]]), None),
    ],
)
def test_what_is_no_table(table: object, fault: str | None) -> None:
    found = fault_of(table, 2)
    assert found is None if fault is None else re.match(fault, found or "")
