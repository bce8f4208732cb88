"""A frozen encoder reads each text once, and what it read is kept in the cache."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import torch
from mtlkit_transformers import TransformerEmbedder
from mtlkit_transformers.kept_states import KeptStates
from torch import Tensor

from .test_states import TEXTS, embedder, text_of


@contextmanager
def reading(built: TransformerEmbedder) -> Iterator[list[int]]:
    """The number of texts in each call of the encoder."""
    calls: list[int] = []

    def note(module: Any, given: Any, named: dict[str, Any]) -> None:
        calls.append(len(named["input_ids"]))

    hook = built._frozen[0].register_forward_pre_hook(note, with_kwargs=True)
    yield calls
    hook.remove()


@pytest.mark.parametrize("settings", [{}, {"layers": "mix"}, {"keep_as": "bfloat16"}, {"window": 6, "overlap": 2}])
def test_states_from_the_cache_are_the_same_bits(encoders: dict[str, Path], settings: dict[str, Any]) -> None:
    first = embedder(encoders["word_pieces"], trainable=False, **settings)
    states = first(text_of(TEXTS, first))
    again = first(text_of(TEXTS[::-1], first)).flip(0)
    assert torch.equal(states, again)

    second = embedder(encoders["word_pieces"], trainable=False, **settings)
    with reading(second) as calls:
        kept = second(text_of(TEXTS, second))
    assert torch.equal(states, kept) and not calls


def test_states_do_not_depend_on_what_the_cache_holds(
    encoders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [list("the film"), *TEXTS]
    first = embedder(encoders["byte_pairs"], trainable=False)
    for text in texts:
        first(text_of([text], first))
    together = first(text_of(texts, first))
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "another"))
    second = embedder(encoders["byte_pairs"], trainable=False)
    assert torch.equal(second(text_of(texts, second)), together)


def test_states_are_kept_in_full_precision_whatever_the_rest_has(encoders: dict[str, Path]) -> None:
    first = embedder(encoders["word_pieces"], trainable=False)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = first(text_of(TEXTS, first))
    second = embedder(encoders["word_pieces"], trainable=False)
    assert states.dtype == torch.float32 and torch.equal(second(text_of(TEXTS, second)), states)
    torch.testing.assert_close(states, embedder(encoders["word_pieces"])(text_of(TEXTS, first)), rtol=0, atol=1e-6)


def test_states_of_another_number_of_threads_are_not_taken(encoders: dict[str, Path]) -> None:
    """Their last bits may differ, so that a run would depend on what the cache holds."""
    before = torch.get_num_threads()
    embedder(encoders["word_pieces"], trainable=False)(text_of(TEXTS, embedder(encoders["word_pieces"])))
    other = embedder(encoders["word_pieces"], trainable=False)
    try:
        torch.set_num_threads(before + 1)
        with reading(other) as calls:
            other(text_of(TEXTS, other))
    finally:
        torch.set_num_threads(before)
    assert len(calls) == len(TEXTS)


def test_each_text_is_read_once(encoders: dict[str, Path]) -> None:
    built = embedder(encoders["word_pieces"], trainable=False)
    with reading(built) as calls:
        for _ in range(3):
            built(text_of([TEXTS[0], TEXTS[1], TEXTS[0]], built))
    assert calls == [1, 1]


@pytest.mark.parametrize("other", [{"pooling": "max"}, {"layers": 1}, {"window": 6, "overlap": 0}])
def test_states_of_other_settings_are_kept_apart(encoders: dict[str, Path], other: dict[str, Any]) -> None:
    first = embedder(encoders["word_pieces"], trainable=False)
    first(text_of(TEXTS, first))
    second = embedder(encoders["word_pieces"], trainable=False, **other)
    with reading(second) as calls:
        second(text_of(TEXTS, second))
    assert len(calls) == len(TEXTS)


def kept(folder: Path) -> KeptStates:
    return KeptStates(folder, [3], "float32")


def test_states_that_a_killed_process_left_half_written_are_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "states"
    states: list[Tensor] = [torch.rand(2, 3), torch.rand(4, 3)]
    writer = kept(folder)
    for key, each in zip((b"a" * 32, b"b" * 32), states, strict=True):
        writer.put(key, each)
    [data], [index] = folder.glob("*.states"), folder.glob("*.index")
    data.write_bytes(data.read_bytes()[:-1])
    reader = kept(folder)
    assert torch.equal(reader.get(b"a" * 32), states[0]) and b"b" * 32 not in reader
    index.write_bytes(index.read_bytes()[:-1])
    assert b"b" * 32 not in kept(folder)


def test_what_a_full_disk_cut_short_is_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = kept(tmp_path / "states")
    states.put(b"a" * 32, torch.ones(2, 3))
    [data], [index] = (tmp_path / "states").glob("*.states"), (tmp_path / "states").glob("*.index")
    for file in (data, index):
        with file.open("ab") as end:
            end.write(b"12345")
    states.put(b"b" * 32, torch.zeros(2, 3))
    again = kept(tmp_path / "states")
    assert torch.equal(again.get(b"a" * 32), torch.ones(2, 3)) and torch.equal(again.get(b"b" * 32), torch.zeros(2, 3))


def test_an_index_without_its_states_is_passed_over(tmp_path: Path) -> None:
    kept(tmp_path / "states").put(b"a" * 32, torch.ones(2, 3))
    next((tmp_path / "states").glob("*.states")).unlink()
    assert b"a" * 32 not in kept(tmp_path / "states")


def test_two_processes_write_files_of_their_own(tmp_path: Path) -> None:
    left, right = kept(tmp_path / "states"), kept(tmp_path / "states")
    left.put(b"a" * 32, torch.ones(1, 3))
    right.put(b"b" * 32, torch.zeros(2, 3))
    both = kept(tmp_path / "states")
    assert torch.equal(both.get(b"a" * 32), torch.ones(1, 3)) and torch.equal(both.get(b"b" * 32), torch.zeros(2, 3))
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "states").iterdir()} == {0o600}


def check_both(folder: Path, writer: KeptStates) -> None:
    """Both texts are kept, for who has written them and for others."""
    for each in (writer, kept(folder)):
        assert torch.equal(each.get(b"a" * 32), torch.ones(2, 3))
        assert torch.equal(each.get(b"b" * 32), torch.zeros(2, 3))


def test_threads_do_not_write_over_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second thread comes while the first is about to write."""
    states, begin = kept(tmp_path / "states"), KeptStates._begin
    other = threading.Thread(target=states.put, args=(b"b" * 32, torch.zeros(2, 3)))

    def begin_meanwhile(self: KeptStates) -> tuple[int, BinaryIO, BinaryIO]:
        if not other.ident:
            other.start()
            other.join(0.2)  # not until the first has written
        return begin(self)

    monkeypatch.setattr(KeptStates, "_begin", begin_meanwhile)
    states.put(b"a" * 32, torch.ones(2, 3))
    other.join()
    check_both(tmp_path / "states", states)


def test_a_forked_process_writes_files_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = kept(tmp_path / "states")
    states.put(b"a" * 32, torch.ones(2, 3))
    monkeypatch.setattr(os, "getpid", lambda: -1)  # as after a fork
    states.put(b"b" * 32, torch.zeros(2, 3))
    assert len(list((tmp_path / "states").glob("*.states"))) == 2
    check_both(tmp_path / "states", states)


def test_the_cache_may_be_deleted_while_it_is_used(encoders: dict[str, Path], cache: Path) -> None:
    built = embedder(encoders["word_pieces"], trainable=False)
    states = built(text_of(TEXTS, built))
    shutil.rmtree(cache / "encoder-states")
    with reading(built) as calls:
        assert torch.equal(built(text_of(TEXTS, built)), states) and len(calls) == len(TEXTS)
        assert torch.equal(built(text_of(TEXTS, built)), states) and len(calls) == len(TEXTS)
    other = embedder(encoders["word_pieces"], trainable=False)
    with reading(other) as calls:
        assert torch.equal(other(text_of(TEXTS, other)), states) and not calls
