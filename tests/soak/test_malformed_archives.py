"""Archives from strangers are refused in a sentence, whatever is wrong with them."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from mtlkit import load_archive
from mtlkit.archive import opening
from mtlkit.data import tokenizers
from mtlkit.errors import ArchiveError
from mtlkit.process.processor_time import CAN_INTERRUPT
from tests.soak.counts import Counts
from tests.soak.malformed_archives import CASES, Outcome, fault, predict_with, run_command, try_mutant
from tests.soak.tiny_archive import POOL, WEIGHTS, Change, changed, packed, sealed, tar, tiny_members, write_tiny

OTHER_VERBS = (
    "a name in the parent",
    "a soft link",
    "a newer format",
    "a wrong digest",
    "an experiment that imports",
    "notes that are missing",
)
OF_ONE_TASK = {
    **dict.fromkeys(OTHER_VERBS, "books"),
    "a head for other targets": "news",
    "a language out of a package": "books",
    "a path out of the pool": "books",
}
"""Some that `explain` meets, which asks one task."""
"""Some that every verb that opens archives meets."""


@pytest.mark.parametrize("name", CASES)
def test_a_malformed_archive_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    path = tmp_path / "stranger.tar.gz"
    CASES[name].write(path)
    assert fault(predict_with(path), path, CASES[name].says) is None
    assert [file.name for file in tmp_path.iterdir()] == [path.name] * path.exists() or path.is_symlink()


def test_there_are_enough_of_them() -> None:
    assert len(CASES) > 150


@pytest.mark.parametrize("sharing", [None, POOL])
def test_the_archive_that_they_are_made_of_is_good(sharing: dict[str, object] | None, tmp_path: Path) -> None:
    path = tmp_path / "tiny.tar.gz"
    write_tiny(path, sharing)
    outcome = predict_with(path)
    assert (outcome.code, outcome.messages, outcome.events) == (0, "", [])
    assert len(outcome.output.splitlines()) == 2


@pytest.mark.parametrize("name", OTHER_VERBS)
def test_every_verb_refuses_them(name: str, tmp_path: Path) -> None:
    path, good = tmp_path / "stranger.tar.gz", tmp_path / "good.tar.gz"
    CASES[name].write(path)
    write_tiny(good)
    for words in (["evaluate", path], ["evaluate", good, path], ["diff", good, path], ["diff", path, good]):
        assert fault(run_command(*words), path, CASES[name].says) is None, words


@pytest.mark.parametrize("name", OF_ONE_TASK)
def test_explain_refuses_them(name: str, tmp_path: Path) -> None:
    path = tmp_path / "stranger.tar.gz"
    CASES[name].write(path)
    outcome = run_command("explain", path, "--task", OF_ONE_TASK[name], "fine film")
    assert fault(outcome, path, CASES[name].says) is None


@pytest.mark.parametrize("name", ["half of it", "a tensor turned"])
def test_the_command_itself_refuses_them(name: str, tmp_path: Path) -> None:
    path = tmp_path / "stranger.tar.gz"
    CASES[name].write(path)
    command = [sys.executable, "-m", "mtlkit", "predict", str(path), "-"]
    done = subprocess.run(command, input="fine\n", capture_output=True, text=True)
    assert fault(Outcome(done.returncode, done.stdout, done.stderr, []), path, CASES[name].says) is None


def test_archives_that_chance_has_changed(tmp_path: Path) -> None:
    counts = Counts()
    for number in range(80):
        try_mutant(7, number, tmp_path, counts)
    assert counts.failures == []
    assert counts.survived == counts.tried == 80


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("meta.json", b'{"kind": "mtlkit run", "seed": 1, "data": {}, "command": 7}'),
        ("meta.json", b'{"kind": "mtlkit run", "seed": 1, "data": [1], "git": 3}'),
        ("meta.json", b'{"kind": "mtlkit run"}'),
        ("experiment.resolved.json", b"[" * 100_000),
        ("experiment.resolved.json", b'{"a": NaN}'),
        ("metrics.json", b"[" * 100_000),
    ],
)
def test_the_directory_of_a_strangers_run(name: str, content: bytes, tmp_path: Path) -> None:
    good, run = tmp_path / "good.tar.gz", tmp_path / "run"
    write_tiny(good)
    run.mkdir()
    (run / "meta.json").write_bytes(b'{"kind": "mtlkit run", "seed": 1, "data": {}}')
    (run / "experiment.resolved.json").write_bytes(tiny_members()["experiment.resolved.json"])
    assert run_command("diff", good, run).code == 1
    (run / name).write_bytes(content)
    assert fault(run_command("diff", good, run), run, f"{name}: missing or damaged (") is None


@pytest.mark.skipif(not CAN_INTERRUPT, reason="this system has no interval timers")
def test_a_pattern_that_takes_long_to_compile_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "OPENING_SECONDS", 2)
    path = tmp_path / "stranger.tar.gz"
    pattern = "(?i)" + "[\x01-\U0010fffe]" * 1900
    path.write_bytes(packed(tar(changed("experiment.resolved.json", _with_pattern(pattern)))))
    says = "takes more than 2 seconds of processor time to open, as archives do not; not opened, ask its author"
    assert fault(predict_with(path), path, says) is None


@pytest.mark.skipif(not CAN_INTERRUPT, reason="this system has no interval timers")
def test_a_text_on_which_a_pattern_has_no_end_is_an_error_of_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenizers, "MATCHING_SECONDS", 1)
    path = tmp_path / "stranger.tar.gz"
    path.write_bytes(packed(tar(changed("experiment.resolved.json", _with_pattern("(l+)+b|[a-z]+")))))
    outcome = run_command("predict", path, "-", "--task", "books", text=f"dull\n{'l' * 80}\nfine film\n")
    first, second, third = map(json.loads, outcome.output.splitlines())
    assert first["words"] == ["dull"] and third["words"] == ["fine", "film"]
    assert second["error"] == (
        "standard input:2: the tokenizer's pattern takes more than 1 seconds on this text; shorten the text, or "
        "write a pattern without repetitions inside repetitions"
    )


def test_an_archive_that_takes_too_long_is_not_opened_by_any_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "OPENING_SECONDS", 0)
    monkeypatch.setattr(opening, "BYTES_PER_SECOND", 1e12)
    path = tmp_path / "tiny.tar.gz"
    write_tiny(path)
    says = "takes more than 0 seconds of processor time to open"
    assert fault(predict_with(path), path, says) is None
    with ThreadPoolExecutor(1) as executor, pytest.raises(ArchiveError, match=says):
        executor.submit(load_archive, path).result()


def _with_pattern(pattern: str) -> Change:
    tokenizer = {"type": "regex", "pattern": pattern}
    return lambda value: value["tasks"]["books"]["reader"].update(tokenizer=tokenizer)


def test_what_a_stranger_writes_moves_no_cursor(tmp_path: Path) -> None:
    """Labels and notes are shown, but not obeyed."""
    path, good, data = tmp_path / "stranger.tar.gz", tmp_path / "good.tar.gz", tmp_path / "books.tsv"
    members = tiny_members()
    members["vocabulary/labels.books.txt"] = b"\\u001b[2J\n\\u009b2J\n"
    members["meta.json"] = b'{"platform": "\\u001b[2J", "command": ["mtlkit", "\\u009b2J"]}'
    path.write_bytes(packed(tar(sealed(members))))
    write_tiny(good)
    data.write_text("neutral\tfine film\n\x1b[2J\tgood film\n")
    answered = run_command("predict", path, "-", "--task", "books", text="fine film\n")
    assert json.loads(answered.output)["label"] in ("\x1b[2J", "\x9b2J") and answered.output.strip().isprintable()
    for words in (["evaluate", path, "--task", "books", "--file", data], ["diff", "--all", good, path]):
        outcome = run_command(*words)
        assert outcome.code in (0, 1) and r"\x1b[2J" in outcome.output + outcome.messages
        assert not set("\x1b\x9b") & set(outcome.output + outcome.messages)


def test_what_a_stranger_writes_breaks_no_line(tmp_path: Path) -> None:
    path, data = tmp_path / "stranger.tar.gz", tmp_path / "books.tsv"
    path.write_bytes(packed(tar(sealed({**tiny_members(), "vocabulary/labels.books.txt": b"\\u000aall is well\nx\n"}))))
    data.write_text("neutral\tfine film\nx\tgood film\n")
    told = run_command("evaluate", path, "--task", "books", "--file", data).messages
    assert r"(it knows \nall is well, x)" in told and "all is well, x)" not in told.splitlines()


@pytest.mark.parametrize("options", [[], ["--data", "."]])
def test_a_strangers_path_moves_no_cursor(options: list[str], tmp_path: Path) -> None:
    path = tmp_path / "stranger.tar.gz"
    lure = partial(changed, "experiment.resolved.json", lambda value: value["tasks"]["books"].update(test="\x1b[2J\nx"))
    path.write_bytes(packed(tar(lure())))
    outcome = run_command("evaluate", path, *options)
    assert fault(outcome, path, r"\x1b[2J\nx") is None


def test_what_a_reader_quotes_moves_no_cursor(tmp_path: Path) -> None:
    """Whatever quotes a stranger's settings, they are written out."""
    path, data = tmp_path / "stranger.tar.gz", tmp_path / "books.jsonl"
    reader = {"type": "jsonl", "text_field": "\x1b[2J"}
    path.write_bytes(
        packed(tar(changed("experiment.resolved.json", lambda value: value["tasks"]["books"].update(reader=reader))))
    )
    data.write_text('{"text": "fine", "label": "x"}\n')
    outcome = run_command("evaluate", path, "--task", "books", "--file", data)
    assert outcome.code == 2 and r"\x1b[2J" in outcome.messages and "\x1b" not in outcome.messages


@pytest.mark.parametrize("weight", [np.inf, 3e38])
def test_weights_beyond_all_measure(weight: float, tmp_path: Path) -> None:
    path, members = tmp_path / "stranger.tar.gz", tiny_members(with_pool=True)
    tensors = load(members[WEIGHTS])
    for tensor in tensors.values():
        tensor[...] = weight if tensor.dtype == np.float32 else tensor
    path.write_bytes(packed(tar(sealed({**members, WEIGHTS: save(tensors)}))))
    answered = run_command("predict", path, "-", "--task", "books", text="fine film\n")
    assert answered.code == 1 and "NaN" not in answered.output
    assert json.loads(answered.output)["error"].startswith("the model computes values that are not finite; ")
    asked = run_command("explain", path, "--task", "books", "--format", "json", "fine film")
    assert fault(asked, path, "text 1: the model computes values that are not finite") is None
    files = {"books": tmp_path / "books.tsv", "news": tmp_path / "news.txt"}
    files["books"].write_text("positive\tfine film\n")
    files["news"].write_text("fine B-X\n")
    data = [f"--data={task}={file}" for task, file in files.items()]
    told = " ".join(run_command("evaluate", path, *data).messages.split())  # it may be on several lines
    for task in files:
        assert f"{task}: the model computes values that are not finite; its weights are not sound" in told
    path.write_bytes(packed(tar(sealed(members))))
    assert "not finite" not in run_command("evaluate", path, *data).messages


def test_a_fault_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    assert fault(Outcome(2, "", f"{path}: no\n", []), path) is None
    assert fault(Outcome(0, "{}", "", []), path) is None
    for bad in (
        Outcome(-1, "", "Traceback (most recent call last):\nKeyError: 'a'\n", []),
        Outcome(1, "", "Traceback (most recent call last):\nKeyError: 'a'\n", []),
        Outcome(2, "", f"{path}: no\n", ["os.system"]),
        Outcome(2, "", f"{path}: no\nand no\n", []),
        Outcome(2, "", f"{path}: no\x1b[2J\n", []),
        Outcome(2, "", "no\n", []),
        Outcome(3, "", f"{path}: no\n", []),
    ):
        assert fault(bad, path) is not None, bad
    assert fault(Outcome(0, "{}", "", []), path, "damaged") == "exit code 0"
