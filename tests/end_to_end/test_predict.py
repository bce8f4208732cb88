"""What `predict` reads and writes, line by line."""

import gzip
import io
import json
import os
import re
import select
import sys
from types import SimpleNamespace

import pytest
import torch

from mtlkit.cli import main
from mtlkit.config import Lazy
from mtlkit.errors import DataError
from mtlkit.model import MultiTaskModel
from mtlkit.runs import load_archive
from mtlkit.runs.input_lines import open_input


def records(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_precision_is_that_of_training(experiment, write, run, tmp_path, monkeypatch):
    experiment["trainer"] = {"epochs": 1, "precision": "bf16"}
    assert run("train", write(experiment), "-s", tmp_path / "run").returncode == 0
    seen = []
    decode = MultiTaskModel.decode
    monkeypatch.setattr(
        MultiTaskModel,
        "decode",
        lambda *given, **more: seen.append(torch.is_autocast_enabled("cpu")) or decode(*given, **more),
    )
    assert run("predict", tmp_path / "run", "-", text="warm\n").returncode == 0
    assert run("evaluate", tmp_path / "run").returncode == 0
    assert len(seen) >= 4 and all(seen)


def test_words_are_those_that_the_model_saw(experiment, write, run, tmp_path):
    experiment["tasks"]["books"]["max_length"] = 3
    experiment["trainer"] = {"epochs": 1}
    assert run("train", write(experiment), "-s", tmp_path / "run").returncode == 0
    books, films = records(run("predict", tmp_path / "run", "-", text="a warm and kind book\n"))
    assert books["words"] == ["a", "warm", "and"] and books["cut"] == 5
    assert films["words"] == ["a", "warm", "and", "kind", "book"] and "cut" not in films


def test_a_blank_line_gets_a_record(archive, run):
    result = run("predict", archive, "-", "--task", "books", text="warm\n\nbleak\n")
    assert ["error" in record for record in records(result)] == [False, True, False]
    assert "standard input:2: " in records(result)[1]["error"]
    assert result.returncode == 1


def test_lines_that_begin_with_a_label_are_told_of_once(archive, run):
    text = "a warm\ttext\npositive\ta warm book\nnegative\ta bleak book\n"
    result = run("predict", archive, "-", "--task", "books", text=text)
    told = " ".join(result.stderr.split())
    assert told.count("looks like LABEL<TAB>TEXT") == 1 and "standard input:2: looks like" in told
    assert records(result)[1]["words"] == ["positive", "a", "warm", "book"] and result.returncode == 0


def test_json_that_is_nested_too_deeply(archive, run):
    result = run("predict", archive, "-", "--jsonl", "--task", "books", text="[" * 30_000 + '\n{"text": "warm"}\n')
    assert ["error" in record for record in records(result)] == [True, False]
    assert "standard input:1: not valid JSON" in records(result)[0]["error"]


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_what_no_terminal_can_show_is_written(archive, run, monkeypatch, encoding):
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding=encoding))
    text = '{"text": "\\ud800 Gefühl 😀 \\u2028"}\n{"text": "warm"}\n'
    result = run("predict", archive, "-", "--jsonl", "--task", "books", text=text)
    assert result.returncode == 0, result.stderr
    lines = out.getvalue().decode("utf-8").split("\n")
    assert '"Gefühl", "😀"' in lines[0]
    assert [json.loads(line)["words"] for line in lines[:2]] == [["\ud800", "Gefühl", "😀"], ["warm"]]


def test_surrogates_are_written_to_files(archive, run, elsewhere):
    result = run("predict", archive, "-", "--jsonl", "--output", "o", "--task", "books", text='{"text": "\\udfff"}\n')
    assert result.returncode == 0, result.stderr
    assert json.loads((elsewhere / "o").read_text(encoding="utf-8"))["words"] == ["\udfff"]


def test_a_surrogate_that_a_tokenizer_cannot_take(experiment, write, run, tmp_path):
    pytest.importorskip("spacy")
    experiment["tasks"]["books"]["reader"]["tokenizer"] = {"type": "spacy"}
    experiment["trainer"] = {"epochs": 1}
    assert run("train", write(experiment), "-s", tmp_path / "run").returncode == 0
    text = '{"text": "\\udfff"}\n{"text": "warm"}\n'
    result = run("predict", tmp_path / "run", "-", "--jsonl", "--task", "books", text=text)
    assert ["error" in record for record in records(result)] == [True, False]


def test_closed_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match="standard input: is closed"), open_input("-"):
        pass


@pytest.mark.parametrize("options", [[], ["--batch-size", "2"]])
def test_lines_of_standard_input_are_answered_as_they_come(archive, monkeypatch, capsys, options):
    answered = []

    def lines():
        for line in (b"warm\n", b"bleak\n", b"kind\n"):
            answered.append(len(capsys.readouterr().out.splitlines()))
            yield line

    coming = lines()
    buffer = SimpleNamespace(readline=lambda most: next(coming, b""))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=buffer))
    monkeypatch.setattr(sys, "argv", ["mtlkit", "predict", str(archive), "-", "--task", "books", *options])
    with pytest.raises(SystemExit):
        main()
    assert answered == ([0, 0, 2] if options else [0, 1, 1])


def test_an_output_is_left_alone_until_there_is_something_to_write(archive, run, elsewhere):
    (elsewhere / "good.jsonl").write_text("hours of work\n")
    (elsewhere / "in.txt").write_text("warm\n")
    for arguments in (["missing.txt"], [".", "--task", "books"], ["in.txt", "--task", "boks"]):
        result = run("predict", archive, *arguments, "--output", "good.jsonl")
        assert result.returncode == 2 and len(result.stderr.splitlines()) == 1, result.stderr
    assert (elsewhere / "good.jsonl").read_text() == "hours of work\n"


@pytest.mark.parametrize("output", [".", "missing/o"])
def test_an_output_that_cannot_be_written(archive, run, output):
    result = run("predict", archive, "-", "--output", output, text="warm\n")
    assert result.returncode == 2
    what = "cannot be written; give a file" if output == "." else "there is no folder "
    assert result.stderr.startswith(f"--output {output}: {what}") and len(result.stderr.splitlines()) == 1


def test_a_task_that_is_asked_for_twice_answers_once(archive, run):
    twice = ["--task", "books", "--task", "books"]
    assert len(records(run("predict", archive, "-", *twice, text="warm\n"))) == 1
    assert run("evaluate", archive, *twice).stdout.count("books") == 1


def test_a_reader_is_built_once(archive, run, monkeypatch):
    built = []
    build = Lazy.build
    monkeypatch.setattr(
        Lazy, "build", lambda lazy, **runtime: built.append(lazy.component.kind()) or build(lazy, **runtime)
    )
    assert run("predict", archive, "-", "--batch-size", "1", text="warm\nbleak\nkind\n").returncode == 0
    assert built.count("dataset_reader") == 2


def test_a_text_of_100_000_words_is_an_error_of_its_line(archive, run):
    result = run("predict", archive, "-", "--task", "books", text=f"warm\n{'bleak ' * 100_000}\nkind\n")
    first, long, last = records(result)
    assert "label" in first and "label" in last and result.returncode == 1
    assert long["error"] == (
        "standard input:2: the text has 100,000 words, and may have 20,000, since the task has no max_length; split "
        "the text, or shorten it"
    )
    told = run("explain", archive, "--task", "books", "bleak " * 5001)
    assert told.returncode == 2 and "text 1: the text has 5,001 words, and may have 5,000" in " ".join(
        told.stderr.split()
    )


@pytest.fixture
def shapes(monkeypatch):
    """The shape of each batch that is decoded, texts by words."""
    found = []
    decode = MultiTaskModel.decode

    def counted(self, batch, **more):
        found.append(tuple(batch.text.mask_BT.shape))
        return decode(self, batch, **more)

    monkeypatch.setattr(MultiTaskModel, "decode", counted)
    return found


def test_long_texts_are_answered_in_batches_of_their_own(archive, run, shapes, monkeypatch):
    """Otherwise the short ones would be padded to the length of the long one."""
    texts = "warm\n" * 5 + "bleak " * 50 + "\n" + "kind book\n" * 5
    at_once = records(run("predict", archive, "-", "--batch-size", "64", text=texts))
    assert shapes == [(11, 50)] * 2
    monkeypatch.setattr(sys.modules["mtlkit.runs.predict"], "MOST_WORDS", 60)
    split = records(run("predict", archive, "-", "--batch-size", "64", text=texts))
    assert shapes[2:] == [(10, 2), (1, 50)] * 2
    assert [each["number"] for each in split] == [each["number"] for each in at_once]
    assert [each["label"] for each in split] == [each["label"] for each in at_once]


def lines_of_many_lengths(number=200):
    return [
        " ".join(["warm", "bleak", "kind"][place % 3] for place in range(7 * line % 23 + 1)) for line in range(number)
    ]


def test_a_file_is_answered_in_its_order_though_like_lengths_are_answered_together(archive, run, elsewhere, shapes):
    lines = lines_of_many_lengths()
    lines[7] = ""
    (elsewhere / "in.txt").write_text("\n".join(lines) + "\n")
    arguments = ["predict", archive, "in.txt", "--format", "text"]
    one_by_one = records(run(*arguments, "--batch-size", "1"))
    assert len(shapes) == 2 * 199 and all(size == 1 for size, _ in shapes)
    shapes.clear()
    together = records(run(*arguments, "--batch-size", "8"))
    padded = sum(size * length for size, length in shapes) / 2
    assert len(shapes) == 2 * 25 and padded < 1.1 * sum(len(line.split()) for line in lines)
    assert [(each["number"], each["task"]) for each in together] == [
        (number, task) for number in range(1, 201) for task in ("books", "films")
    ]
    assert "in.txt:8: " in together[14]["error"] and "in.txt:8: " in together[15]["error"]
    for record, alone in zip(together, one_by_one, strict=True):
        assert record.pop("probability", 0) == pytest.approx(alone.pop("probability", 0), abs=2e-6)
        assert record == alone


def test_answers_before_damage_in_a_file_are_given(archive, run, elsewhere):
    whole = gzip.compress("".join(f"{line}\n" for line in lines_of_many_lengths(5000)).encode())
    (elsewhere / "in.gz").write_bytes(whole[: len(whole) // 2] + bytes(100))
    result = run("predict", archive, "in.gz", "--task", "books")
    (damage,) = re.findall(r"in\.gz:(\d+): damaged gzip", result.stderr)
    assert result.returncode == 2 and int(damage) > 100
    assert [record["number"] for record in records(result)] == list(range(1, int(damage)))


def test_a_pipe_is_not_read_ahead(archive, start, elsewhere):
    """As the program at its other end may wait for the answers."""
    os.mkfifo(elsewhere / "pipe")
    pipe = os.open(elsewhere / "pipe", os.O_RDWR)  # so that it opens although nobody reads yet
    options = ["--task", "books", "--format", "text", "--batch-size", "2"]
    with start("predict", archive, "pipe", *options) as process:
        answers = b""
        for number in (2, 4):
            os.write(pipe, b"warm\nbleak\n")
            while answers.count(b"\n") < number:
                assert select.select([process.stdout], [], [], 900)[0], "the answers do not come"
                answers += (read := os.read(process.stdout.fileno(), 2**16))
                assert read, process.stderr.read()
        os.close(pipe)
        assert process.wait() == 0
    assert [json.loads(answer)["number"] for answer in answers.splitlines()] == [1, 2, 3, 4]


def test_what_is_read_ahead_is_bounded_by_its_characters(archive, run, elsewhere, shapes, monkeypatch):
    monkeypatch.setattr(sys.modules["mtlkit.runs.predict"], "MOST_CHARACTERS", 2 * 40)
    lines = [{"text": "warm"}, {"text": "kind book", "more": ["x" * 40]}] * 4
    (elsewhere / "in.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert run("predict", archive, "in.jsonl", "--batch-size", "2").returncode == 0
    assert shapes == [(2, 2)] * 8


def test_fields_that_are_nested_too_deeply_to_be_measured_come_back(archive):
    nested = []
    for _ in range(100_000):
        nested = [nested]
    texts = [{"text": "warm", "more": nested}, {"text": "kind book"}]
    first, second = load_archive(archive).predict(texts, "books")
    assert first["more"] is nested and "label" in first and "label" in second
