import gzip
import re

import numpy as np
import pytest

from mtlkit.data import Vectors
from mtlkit.errors import DataError

LINES = "the 0.5 -1e-2\n. . . 1 2\nthe 9 9\ncat 3 4"


@pytest.fixture(params=["glove.txt", "glove.txt.gz"])
def path(request, tmp_path):
    path = tmp_path / request.param
    path.write_bytes(gzip.compress(LINES.encode()) if path.suffix == ".gz" else LINES.encode())
    return path


def test_vectors_are_read_in_order(path):
    vectors = Vectors.read(path)
    assert vectors.words == ["the", ". . .", "the", "cat"]
    assert (vectors.dim, vectors.matrix.dtype) == (2, np.float32)
    np.testing.assert_allclose(vectors.matrix, [[0.5, -0.01], [1, 2], [9, 9], [3, 4]])


def test_the_limit_counts_lines(path):
    assert Vectors.read(path, limit=2).words == ["the", ". . ."]


def test_rows_of_words(path):
    rows, found = Vectors.read(path).rows(["cat", "dog", "the"])
    assert (rows[found].tolist(), found.tolist()) == ([3, 0], [True, False, True])


def test_coverage_of_types_and_tokens(path):
    assert Vectors.read(path).coverage(["cat", "dog", "the", "a"], [1, 2, 5, 2]) == (0.5, 0.6)


@pytest.mark.parametrize(
    ("line", "what"),
    [("cat 3", "not 2 numbers"), ("cat 3 4 5", "not 2 numbers"), ("cat 3 x", "'x'"), ("", "a blank line")],
)
def test_a_bad_line_is_placed(tmp_path, line, what):
    path = tmp_path / "glove.txt"
    path.write_text(f"the 1 2\n{line}\ndog 3 4\n")
    with pytest.raises(DataError, match=re.escape(f"{path}:2: ") + f".*{what}"):
        Vectors.read(path)


@pytest.mark.parametrize("content", ["", "word\n"])
def test_a_file_without_vectors_is_refused(tmp_path, content):
    (tmp_path / "glove.txt").write_text(content)
    with pytest.raises(DataError, match=r"glove\.txt"):
        Vectors.read(tmp_path / "glove.txt")


@pytest.mark.parametrize("field", ["1_0", "\uff11", "\u0661", "1_"])
def test_what_only_python_takes_for_a_number_is_refused(field, tmp_path):
    path = tmp_path / "a.vec"
    path.write_text(f"snake_case 1 2\ncaf\u00e9 3 4\ncat {field} 6\n")
    with pytest.raises(DataError, match=rf"a\.vec:3: '{field}' is not a number; mend or remove the line"):
        Vectors.read(path)
    path.write_text("snake_case 1 2\ncaf\u00e9 3 4\n")
    assert Vectors.read(path).words == ["snake_case", "caf\u00e9"]
