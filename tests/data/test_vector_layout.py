"""Vectors as fastText, word2vec and others write them, and what each file of case 07 gives."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from mtlkit.data import Vectors
from mtlkit.errors import DataError

CASE = Path(__file__).parents[1] / "cases" / "07-vectors"
GOOD = [0.1, 0.2, 0.3, 0.4]
SOUND = ["good", "bad", "film"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.vec"


@pytest.mark.parametrize(
    ("name", "words", "dim"),
    [
        ("plain.vec", SOUND, 4),
        ("header.vec", SOUND, 4),
        ("tabs.vec", SOUND, 4),
        ("crlf.vec", SOUND, 4),
        ("g.vec.gz", SOUND, 4),
        ("z.zip", SOUND, 4),
        ("dim5.vec", SOUND, 5),
        ("emptytok.vec", SOUND, 4),
        ("dup.vec", [*SOUND, "good"], 4),
        ("sci.vec", [*SOUND, "great"], 4),
        ("nbsp.vec", [*SOUND, "\u00a0"], 4),
        ("case.vec", [*SOUND, "Good", "GOOD"], 4),
        ("casefirst.vec", ["Good", "good", "GOOD", "good", "BAD"], 4),
        ("spacetok.vec", ["good", ". . .", "at name@x.org", "bad", "film"], 4),
    ],
)
def test_what_is_read_of_odd_files(name, words, dim):
    vectors = Vectors.read(CASE / name)
    assert (vectors.words, vectors.dim) == (words, dim)
    np.testing.assert_allclose(vectors.matrix[vectors.places["good"]][:4], GOOD)
    others = {"dup.vec": {"repeated": 1}, "casefirst.vec": {"repeated": 1}, "emptytok.vec": {"without a word": 1}}
    assert vectors.counts() == {"words": len(set(words)), **others.get(name, {})}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("comma.vec", ":4: '0,1' has a decimal comma; write numbers with a point"),
        ("latin.vec", ":4: not UTF-8 (invalid continuation byte); convert the file to UTF-8"),
        ("nan.vec", ":4: the vector of 'great' has nan; mend or remove it"),
        ("short.vec", ":4: not 4 numbers after the word, as in line 1; mend or remove the line"),
    ],
)
def test_what_is_refused_of_odd_files(name, what):
    with pytest.raises(DataError) as error:
        Vectors.read(CASE / name)
    assert str(error.value) == f"{CASE / name}{what}"


def test_every_file_of_the_case_is_judged():
    tests = (test_what_is_read_of_odd_files, test_what_is_refused_of_odd_files)
    assert {row[0] for test in tests for row in test.pytestmark[0].args[1]} == {each.name for each in CASE.iterdir()}


@pytest.mark.parametrize(
    "content",
    [
        "2 2\nthe 1 2\ncat 3 4\n",
        "2 2 \nthe 1 2 \ncat 3 4 \n",
        "2\t2\nthe\t1\t2\ncat\t3\t4\n",
        "the\t1 2\ncat\t3 4\n",
        "the\t1\t2\t\ncat\t3\t4\t\n",
        "the  1 2\ncat  3  4\n",
        " the 1 2\n cat 3 4\n",
        "the 1 2\ncat 3 4\n\n \n",
        "\ufeffthe 1 2\r\ncat 3 4\r\n",
    ],
)
def test_formats_of_vectors(path, content):
    path.write_bytes(content.encode())
    vectors = Vectors.read(path)
    assert (vectors.words, vectors.matrix.tolist()) == (["the", "cat"], [[1, 2], [3, 4]])
    assert Vectors.read(path, limit=1).words == ["the"]


def test_a_number_as_the_first_word_is_no_header(path):
    path.write_text("7 3\ncat 4\n")
    assert Vectors.read(path).words == ["7", "cat"]
    path.write_text("2000 1 2\n7 3 4\n")
    assert Vectors.read(path).words == ["2000", "7"]
    path.write_text("2 1\n7 3\ncat 4\n")
    assert Vectors.read(path).words == ["7", "cat"]


@pytest.mark.parametrize("start", ["", "2 3\n"])
def test_the_first_word_may_contain_blanks(path, start):
    path.write_text(f"{start}. . . 1 2 3\nat x 4 5 6\n")
    assert Vectors.read(path).words == [". . .", "at x"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (
            "3 2\nthe 1 2\ncat 3 4\n",
            ": line 1 promises 3 vectors, and 2 follow; fetch the file again, or write `2 2` as",
        ),
        (
            "1 2\nthe 1 2\ncat 3 4\n",
            ": line 1 promises 1 vectors, and 2 follow; fetch the file again, or write `2 2` as",
        ),
        (
            "2 3\nthe 1 2\ncat 3 4\n",
            ":2: not 3 numbers after the word, as line 1 promises; fetch the file again, or mend",
        ),
        ("2 2\nthe 1 2\ncat 3\n", ":3: not 2 numbers after the word, as in line 2; mend or remove the line"),
        ("2 2\n", ": holds no vector after its first line; fetch the file again"),
        ("0 0\n\n", ": holds no vector after its first line; fetch the file again"),
        ("the 1 inf\ncat -inf nan\n", ":1: the vector of 'the' has inf, as in 1 other lines; mend or remove it"),
        ("the 1 2\n 1 2\ncat 1 1e39\n", ":3: the vector of 'cat' has inf; mend or remove it"),
        (" 1 2\n 3 4\n", ": holds no vector of a word; give a file of lines `word v1 v2 ...`"),
        ("\nthe 1 2\n", ": holds no vector; give a file of lines `word v1 v2 ...`"),
        ("the 1 2\n\ncat 3 4\n", ":2: a blank line among vectors; remove it"),
        ("the 0,5 1\ncat 0,5 1\n", ":1: '0,5' has a decimal comma; write numbers with a point"),
        ("the 0,5 0,1\n", ":1: '0,5' has a decimal comma; write numbers with a point"),
        ("the,1,2\ncat,3,4\n", ":1: commas between word and numbers; put blanks or TABs there"),
        ("the 1 2\ncat 3 x\n", ":2: 'x' is not a number; mend or remove the line"),
        ("the 1 2\ncat  3  4\n", ":2: several blanks in a row, unlike in the first vector; write one"),
        ("the\t1\t2\ncat 3 4\n", ":2: not 2 numbers after the word, as in line 1; mend or remove the line"),
    ],
)
def test_what_cannot_be_meant_is_placed(path, content, what):
    path.write_text(content)
    with pytest.raises(DataError) as error:
        Vectors.read(path)
    assert str(error.value).startswith(f"{path}{what}")


def test_a_download_that_was_cut_off_is_told_by_its_header_and_the_remedy_works(path):
    path.write_text("3 2\nthe 1 2\ncat 3 4\n")
    with pytest.raises(DataError, match="write `2 2` as line 1"):
        Vectors.read(path)
    path.write_text("2 2\nthe 1 2\ncat 3 4\n")
    assert Vectors.read(path).words == ["the", "cat"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_binary_vectors_are_named_with_the_way_to_text(path, pack):
    path.write_bytes(pack(b"2 3\nthe " + struct.pack("<3f", 0.1, 0.2, 0.5) + b"\ncat " + struct.pack("<3f", 1, 2, 3)))
    with pytest.raises(DataError, match=r"a\.vec: holds binary vectors of word2vec; write them as text, with gensim"):
        Vectors.read(path)
    path.write_bytes(pack(bytes.fromhex("ba164f2f0c000000") + bytes(100)))
    with pytest.raises(DataError, match=r"a\.vec: is a binary model of fastText; give its vectors as text, the \.vec"):
        Vectors.read(path)
