"""`predict` reads an input as training read its data, whatever its format; what cannot be told is refused."""

import bz2
import gzip
import json
import os
import subprocess
import threading
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.soak.tiny_archive import write_tiny

CASES = Path(__file__).parents[1] / "cases"
SENTENCES = "fine B-X\nfilm I-X\nbooks O\n\ndull O\n\n"
TAKES_LINES = "--format text takes each line as a text"
WORDS = [["fine", "film", "books"], ["dull"]]
Verb = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def ask(run: Verb, tmp_path: Path) -> Callable[..., tuple[list[dict[str, Any]], str, int]]:
    """Predicts with an archive of a classifier, `books`, and a tagger, `news`.

    What it returns are the records, what was said, and the exit code.
    """
    write_tiny(tmp_path / "tiny.tar.gz")

    def predict(*arguments: str | Path, task: str = "books", text: str = "") -> tuple[list[dict[str, Any]], str, int]:
        tasks = ["--task", task] if task else []
        result = run("predict", tmp_path / "tiny.tar.gz", *arguments, *tasks, text=text)
        return [json.loads(line) for line in result.stdout.splitlines()], result.stderr, result.returncode

    return predict


def words(records: Sequence[dict[str, Any]]) -> list[list[str] | None]:
    return [record.get("words") for record in records]


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_byte_order_mark_is_part_of_no_word(ask, tmp_path):
    records, said, code = ask(CASES / "16-predict" / "bom.txt")
    assert words(records) == [["good", "fine", "film"], ["bad", "café", "😀"]] and not said and code == 0
    text = (CASES / "16-predict" / "bom.txt").read_text(encoding="utf-8")
    assert text.startswith("\ufeff")
    assert ask("-", text=text)[0] == records
    assert ask("-", "--jsonl", text='\ufeff{"text": "fine"}\n')[0][0]["words"] == ["fine"]
    joined = write(tmp_path / "joined.txt", f"\ufeff{text}\ufeffdull\n")
    assert words(ask(joined)[0]) == [["good", "fine", "film"], ["bad", "café", "😀"], ["dull"]]


def test_lines_that_end_at_cr_and_lf(ask):
    records, said, code = ask(CASES / "16-predict" / "crlf.txt")
    assert words(records) == [["good", "fine", "film"], None, ["bad", "dull", "film"]] and code == 1
    assert records[1] == {
        "task": "books",
        "number": 2,
        "error": f"{CASES}/16-predict/crlf.txt:2: the text holds no words; remove it or fill it in",
    }
    assert said == "1 of the records hold an error instead of an answer\n"


def test_what_is_not_utf8_is_refused_before_anything_is_answered(ask, tmp_path):
    file = CASES / "05-tsv-oddities" / "utf16.tsv"
    records, said, code = ask(file)
    assert (records, code) == ([], 2) and said.startswith(
        f"{file}:1: UTF-16 or UTF-32, by its byte order mark; convert"
    )
    objects = write(tmp_path / "objects.jsonl", '{"text": "fine"}\n'.encode("utf-16"))
    kept = tmp_path / "kept"
    assert ask(write(tmp_path / "fine.jsonl", '{"text": "fine"}\n'), "--output", kept)[2] == 0
    before = kept.read_bytes()
    for options in ([], ["--format", "text"]):
        assert ask(objects, "--output", kept, *options)[1].startswith(f"{objects}:1: UTF-16 or UTF-32")
    assert kept.read_bytes() == before != b""
    macs = write(tmp_path / "macs.txt", "fine film\rdull film\r")
    assert ask(macs)[1].startswith(f"{macs}:1: lines that end at CR alone")


def test_the_ids_of_lines_come_back(ask):
    file = CASES / "16-predict" / "ids.txt"
    records, said, code = ask(file)
    assert [(record["number"], record["id"]) for record in records] == [(1, "17"), (2, "18")] and code == 0
    assert words(records) == [["good", "fine", "film"], ["bad", "film"]]
    assert said == f"{file}:1: looks like ID<TAB>TEXT, so the answers have the id of each line; {TAKES_LINES}\n"
    as_text, said, _ = ask(file, "--format", "text")
    assert words(as_text) == [["17", "good", "fine", "film"], ["18", "bad", "film"]] and not said
    assert "id" not in as_text[0]
    assert ask("-", "--format", "ids", text=file.read_text())[0] == records
    bad = ask("-", "--format", "ids", text="7\tfine\n\nno id\n")[0]
    assert [record["number"] for record in bad] == [1, 3]
    assert bad[1]["error"] == "standard input:3: no TAB between id and text; write the line as ID<TAB>TEXT"


def test_the_fields_of_json_objects_come_back(ask):
    file = CASES / "16-predict" / "ids.jsonl"
    records, _, code = ask(file)
    assert code == 1 and [record["number"] for record in records] == [1, 2, 3, 4, 5, 6]
    first, empty, without, array, text, labelled = records
    assert (first["id"], first["source"], first["words"]) == (7, "x", ["good", "fine", "film"])
    assert "text" not in first and "target" not in first
    assert (empty["id"], "holds no words" in empty["error"]) == (8, True)
    assert (without["id"], "no field 'text'" in without["error"]) == (9, True)
    assert "not a JSON object" in array["error"] and "not valid JSON" in text["error"]
    assert (labelled["id"], labelled["target"]) == (10, "unseenlabel") and labelled["label"] in ("negative", "positive")


def test_fields_that_are_named_as_those_of_answers_are_kept_apart(ask):
    given = {
        "text": "fine",
        "task": "x",
        "number": 9,
        "probability": 2,
        "tags": ["a"],
        "input": {"a": None},
        "other": [1.5],
    }
    (record,) = ask("-", "--jsonl", text=json.dumps(given))[0]
    assert (record["task"], record["number"], record["words"]) == ("books", 1, ["fine"])
    assert record["input"] == {name: given[name] for name in ("task", "number", "probability", "tags", "input")}
    assert record["other"] == [1.5] and 0 <= record["probability"] <= 1


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ('{"text": "fine", "id": NaN}', "NaN is not a number in JSON"),
        ('{"text": "fine", "id": -Infinity}', "-Infinity is not a number in JSON"),
        ('{"text": "fine", "id": 1e999}', "the number 1e999 is too large"),
        ('{"text": "fine", "id": 1, "id": 2}', "the field 'id' occurs twice"),
        ('{"text": "fine", "of": {"a": 1, "a": 2}}', "the field 'a' occurs twice"),
    ],
)
def test_json_that_could_not_come_back_unchanged_is_an_error(ask, line, error):
    (record,), _, code = ask("-", "--jsonl", text=f"{line}\n")
    assert record["error"] == f"standard input:1: not valid JSON ({error})" and code == 1


def test_fields_of_every_kind_come_back_unchanged(ask):
    given = {"id": 2**70, "a": -0.5, "b": None, "c": [True, {"d": ""}], "é": "\ud800 ü", "": [], "e": 1e-320}
    (record,) = ask("-", "--jsonl", text=json.dumps({"text": "fine", **given}))[0]
    assert {name: record[name] for name in given} == given


def test_what_comes_back_of_deep_objects_can_be_written(ask):
    for depth in (100, 500, 900, 990, 5000):
        line = '{"text": "fine", "deep": ' + "[" * depth + "]" * depth + "}"
        (record,), said, code = ask("-", "--jsonl", text=line)
        assert code == 0 if "deep" in record else "not valid JSON" in record["error"], said


def test_json_lines_are_recognised_by_their_content(ask, tmp_path):
    file = write(tmp_path / "texts.txt", '{"text": "fine", "id": 3}\n\n{"text": "dull", "id": 4}\n')
    records, said, code = ask(file)
    assert [(record["number"], record["id"]) for record in records] == [(1, 3), (3, 4)] and code == 0
    assert said == (
        f"{file}:1: looks like JSON lines, so each line is read as a JSON object; {TAKES_LINES}\n"
        f"{file}: texts are left out (1 blank)\n"
    )


def test_labelled_lines_are_read_by_the_reader_of_the_task(ask, tmp_path):
    file = write(
        tmp_path / "books.tsv", "\ufeffpositive\tfine film\r\nnegative\tdull\r\n\r\nnegative\t \r\npositive\tfilm\r\n"
    )
    records, said, code = ask(file)
    assert words(records) == [["fine", "film"], ["dull"], ["film"]] and code == 0
    assert [(record["number"], record["target"]) for record in records] == [
        (1, "positive"),
        (2, "negative"),
        (5, "positive"),
    ]
    assert f"{file}:1: looks like LABEL<TAB>TEXT, so the task's reader reads it" in said
    assert f"{file}: texts are left out (1 blank, 1 without words)" in said
    assert ask(file, "--format", "reader")[0] == records
    assert ask("-", "--format", "reader", text=file.read_bytes().decode())[0] == records
    assert words(ask(file, "--format", "text")[0])[0] == ["positive", "fine", "film"]


def test_labels_that_the_task_does_not_know_need_the_format(ask, tmp_path):
    file = write(tmp_path / "unlabelled.tsv", "-1\tfine film\n-1\tdull\n")
    records, said, code = ask(file)
    assert (records, code) == ([], 2)
    remedy = "give --format reader if it is, or --format text to take each line as a text"
    assert said == f"{file}:1: looks like LABEL<TAB>TEXT with labels of another task (-1); {remedy}\n"
    records, said, code = ask(file, "--format", "reader")
    assert words(records) == [["fine", "film"], ["dull"]] and [record["target"] for record in records] == ["-1", "-1"]
    assert words(ask(file, "--format", "text")[0])[0] == ["-1", "fine", "film"]


def test_a_file_of_columns_is_read_by_the_reader_of_the_task(ask, tmp_path):
    file = write(tmp_path / "news.conll", SENTENCES)
    records, said, code = ask(file, task="news")
    assert words(records) == WORDS and code == 0
    assert [record["target"] for record in records] == [["B-X", "I-X", "O"], ["O"]]
    assert [len(record["tags"]) for record in records] == [3, 1]
    assert said.startswith(f"{file}:1: looks like one token per line, in 2 columns, so the task's reader reads it; ")
    assert ask("-", "--format", "reader", task="news", text=SENTENCES)[0] == records


def test_a_file_of_columns_is_not_read_line_by_line_for_a_task_with_labels(ask):
    file = CASES / "16-predict" / "test.conll"
    records, said, code = ask(file)
    assert (records, code) == ([], 2)
    remedy = "write one text per line, or JSON lines, or give --format text to take each line as a text"
    assert said == f"{file}:1: looks like one token per line, in 2 columns, which is not read here; {remedy}\n"
    assert len(ask(file, "--format", "text")[0]) == 441


@pytest.mark.parametrize("text", ["fine\nfilm\nbooks\n\ndull\n\n", "# columns = TOKEN\nfine\nfilm\nbooks\n\ndull\n"])
def test_sentences_without_tags_are_read_by_the_reader_of_the_task(ask, tmp_path, text):
    file = write(tmp_path / "untagged.conll", text)
    records, said, code = ask(file, task="news")
    assert words(records) == WORDS and code == 0 and "so the task's reader reads it" in said
    assert not any("target" in record for record in records)


def test_rows_that_are_no_words_are_no_texts(ask, tmp_path):
    file = write(tmp_path / "news.conll", f"-DOCSTART- O\n\n{SENTENCES}")
    records, _, code = ask(file, task="news")
    assert words(records) == WORDS and [record["number"] for record in records] == [1, 2] and code == 0


def test_tokens_without_tags_are_not_answered_one_by_one(ask, tmp_path):
    tokens = write(tmp_path / "tokens.txt", "fine\nfilm\nbooks\n")
    records, said, code = ask(tokens, task="news")
    assert (records, code) == ([], 2) and "give --format reader if it is, or --format text to take each line" in said
    assert words(ask(tokens, "--format", "text", task="news")[0]) == [["fine"], ["film"], ["books"]]


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("a.txt", "id,text\n1,fine film\n2,dull film\n", "CSV with a header (id, text)"),
        ("a.txt", "1,fine film\n2,dull film\n", "CSV"),
        ("a.csv", "fine film\ndull film\n", "CSV, by its name"),
        ("a.csv.gz", "fine film\ndull film\n", "CSV, by its name"),
        ("a.tsv", "label\ttext\npositive\tfine film\n", "a table with TABs with a header (label, text)"),
        ("a.tsv", "fine film\tpositive\ndull\tnegative\n", "TEXT<TAB>LABEL"),
        ("a.tsv", "1\tpositive\tfine\n2\tnegative\tdull\n", "a table of 3 columns"),
        ("a.json", '[{"text": "fine"}, {"text": "dull"}]', "a JSON array of objects"),
        ("a.json", '[\n  {"text": "fine"}\n]\n', "one JSON document over several lines"),
    ],
)
def test_what_is_not_read_is_named_with_the_ways_out(ask, tmp_path, name, text, what):
    file = write(tmp_path / name, text)
    records, said, code = ask(file)
    assert (records, code) == ([], 2) and said.startswith(f"{file}:1: looks like {what}, which is not read here; ")
    assert len(said.splitlines()) == 1
    assert ask(file, "--format", "text")[0]
    as_json = write(tmp_path / "same.jsonl", '{"id": 1, "text": "fine film"}\n')
    assert words(ask(as_json)[0]) == [["fine", "film"]] and not ask(as_json)[1]


@pytest.mark.parametrize(
    ("text", "task", "option"),
    [
        ("positive\tfine film\n", "books", "reader"),
        ("17\tfine film\n", "books", "ids"),
        ('{"text": "fine film"}\n', "books", "jsonl"),
        ("fine B-X\n", "news", "reader"),
    ],
)
def test_a_first_line_of_standard_input_that_looks_odd_is_refused_with_the_option(ask, text, task, option):
    records, said, code = ask("-", task=task, text=text)
    assert (records, code) == ([], 2) and said.startswith("standard input:1: looks like ")
    assert f"; give --format {option} if it is, or --format text to take each line as a text" in said
    (record,), said, code = ask("-", "--format", option, task=task, text=text)
    assert record["words"][0] == "fine" and code == 0 and not said
    assert ask("-", "--format", "text", task=task, text=text)[2] == 0


def test_rows_of_standard_input_are_told_of_once(ask):
    records, said, code = ask("-", task="news", text="dull\nfilm\nbooks\nare fine\n")
    assert len(records) == 4 and code == 0
    but = "but the whole line is taken as the text; give --format reader if it is"
    assert said == f"standard input:3: looks like one token per line, {but}\n"


def test_readers_that_differ_need_a_task(ask, tmp_path):
    file = write(tmp_path / "books.tsv", "positive\tfine film\nnegative\tdull\n")
    differ = "the readers of books, news differ; say with --task whose is meant"
    assert ask(file, task="")[1] == (
        f"{file}:1: looks like LABEL<TAB>TEXT, but {differ}, or give --format text to take each line as a text\n"
    )
    assert ask(file, "--format", "reader", task="")[1] == f"--format reader: {differ}\n"
    assert ask(file, "--format", "reader", "--task", "books", task="")[2] == 0
    texts = write(tmp_path / "texts.txt", "fine film\ndull\n")
    assert [record["task"] for record in ask(texts, task="")[0]] == ["books", "news"] * 2


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_compressed_inputs_are_unpacked_whatever_their_names(ask, tmp_path, pack):
    for text, task in (("fine film\ndull\n", "books"), (SENTENCES, "news"), ('{"text": "fine", "id": 1}\n', "books")):
        plain, packed = write(tmp_path / "plain", text), write(tmp_path / "packed", pack(text.encode()))
        records, said, code = ask(packed, task=task)
        assert records and records == ask(plain, task=task)[0] and code == 0
        assert said.replace("packed", "plain") == ask(plain, task=task)[1]
    named = write(tmp_path / "texts.jsonl.gz", pack(b'{"text": "fine", "id": 1}\n'))
    assert ask(named)[0][0]["id"] == 1 and not ask(named)[1]


def test_compressed_data_that_end_too_early_are_named(ask, tmp_path):
    whole = gzip.compress("".join(f"fine film number {number}\n" for number in range(5000)).encode())
    file = write(tmp_path / "cut.txt", whole[: len(whole) // 2])
    _, said, code = ask(file)
    assert code == 2 and f"{file}:" in said and "damaged gzip" in said and "Traceback" not in said


def test_a_pipe_is_read_once(ask, tmp_path):
    for text, options, task, expected in (
        ("fine film\ndull\n", [], "books", [["fine", "film"], ["dull"]]),
        (SENTENCES, ["--format", "reader"], "news", WORDS),
    ):
        pipe = tmp_path / f"pipe-{task}"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_text, args=(text,))
        writer.start()
        records, _, code = ask(pipe, *options, task=task)
        writer.join()
        assert words(records) == expected and code == 0


def test_an_input_without_texts_is_told(ask, tmp_path):
    file = write(tmp_path / "empty.txt", "")
    assert ask(file) == ([], f"{file}: holds no text\n", 0)
    assert ask("-") == ([], "standard input: holds no text\n", 0)
    blank = write(tmp_path / "blank.jsonl", "\n\n")
    assert ask(blank) == ([], f"{blank}: holds no text but those that are left out (2 blank)\n", 0)


def test_a_reader_that_cannot_read_on_says_where(ask, tmp_path):
    file = write(tmp_path / "books.tsv", "positive\tfine film\n" * 30 + "no label\n")
    _, said, code = ask(file)
    assert code == 2 and f"{file}:31: no TAB between label and text" in said
    _, said, code = ask("-", "--format", "reader", text=file.read_text())
    assert code == 2 and said.startswith("standard input:31: no TAB between label and text")
    missing = tmp_path / "missing.tsv"
    assert ask(missing, "--format", "reader")[1].startswith(f"{missing}: no such file")


def test_options_that_disagree_are_refused(ask):
    assert ask("-", "--jsonl", "--format", "text")[1] == "--jsonl and --format text disagree; give one of them\n"
    assert ask("-", "--jsonl", "--format", "jsonl", text='{"text": "fine"}\n')[2] == 0


@pytest.mark.parametrize("name", ["ids.jsonl", "test.conll"])
def test_evaluate_refuses_a_file_of_another_format(run, tmp_path, name):
    write_tiny(tmp_path / "tiny.tar.gz")
    task, other = ("news", "jsonl") if name == "ids.jsonl" else ("books", "columns")
    file = CASES / "16-predict" / name
    result = run("evaluate", tmp_path / "tiny.tar.gz", "--task", task, "--file", file)
    assert result.returncode == 2 and f"{file}:1: looks like " in result.stderr
    assert f"; give such a file, or the task the reader '{other}'" in result.stderr


def test_evaluate_reads_what_predict_reads(run, tmp_path, ask):
    file = write(tmp_path / "books", gzip.compress("\ufeffpositive\tfine film\r\nnegative\tdull\r\n".encode()))
    records = ask(file)[0]
    result = run("evaluate", tmp_path / "tiny.tar.gz", "--task", "books", "--file", file, "--predictions", "answers")
    assert result.returncode == 0, result.stderr
    _, *lines = gzip.decompress(Path("answers/test/books.jsonl.gz").read_bytes()).splitlines()
    answers = [(line["predicted"], line["gold"]) for line in map(json.loads, lines)]
    assert answers == [(record["label"], record["target"]) for record in records]


def test_explain_reads_a_text_as_predict_does(run, tmp_path, ask):
    write_tiny(tmp_path / "shared.tar.gz", {"type": "cross_stitch", "encoder": {"type": "lstm", "hidden_dim": 4}})

    def explain(text: str, *options: str, task: str = "books") -> tuple[dict[str, Any], str]:
        result = run("explain", tmp_path / "shared.tar.gz", "--task", task, "--format", "json", *options, text)
        return json.loads(result.stdout or "{}"), result.stderr

    plain, said = explain("fine film")
    assert plain["words"] == ["fine", "film"] and not said
    assert explain("\ufefffine film") == (plain, "")
    labelled, said = explain("positive\tfine film")
    assert labelled["words"] == ["positive", "fine", "film"]
    assert said == "text 1: looks like LABEL<TAB>TEXT, but the whole line is taken as the text; give the text alone\n"
    given = '{"text": "fine film", "id": 7}'
    assert explain(given)[1].startswith("text 1: looks like JSON lines, but") and "give --jsonl" in explain(given)[1]
    assert explain(given, "--jsonl") == ({**plain, "id": 7}, "")
    tagged, _ = explain('{"words": ["fine film", "dull"]}', "--jsonl", task="news")
    assert tagged["words"] == ["fine film", "dull"] and len(tagged["tags"]) == 2
    assert explain("fine", "--jsonl")[1].startswith("text 1: not valid JSON (")


def test_texts_and_labels_in_another_normal_form_are_the_same(experiment, run, tmp_path):
    experiment["trainer"] = {"epochs": 1}
    for task in experiment["tasks"].values():
        for split in ("train", "dev", "test"):
            file = Path(task[split])
            file.write_text(file.read_text().replace("positive", "gelöst").replace("warm", "wärm"), encoding="utf-8")
    settings = write(tmp_path / "experiment.json", json.dumps(experiment))
    assert run("train", settings, "-s", tmp_path / "run").returncode == 0
    composed, decomposed = "gelöst\twärm book\n", unicodedata.normalize("NFD", "gelöst\twärm book\n")
    assert composed != decomposed
    first, second = (
        run("predict", tmp_path / "run", write(tmp_path / f"{number}.tsv", text), "--task", "books")
        for number, text in enumerate((composed, decomposed))
    )
    (record,) = map(json.loads, first.stdout.splitlines())
    assert (record["words"], record["target"]) == (["wärm", "book"], "gelöst")
    assert second.stdout == first.stdout and "looks like LABEL<TAB>TEXT" in second.stderr
    alone = run("predict", tmp_path / "run", "-", "--task", "books", text=unicodedata.normalize("NFD", "wärm book\n"))
    assert json.loads(alone.stdout)["probability"] == record["probability"]


def test_a_byte_order_mark_before_the_text_of_a_line_is_part_of_no_word(ask, tmp_path):
    labelled = write(tmp_path / "a.tsv", "positive\t\ufefffine film\nnegative\tdull\n")
    texts = write(tmp_path / "a.txt", "\ufefffine film\ndull\n")
    objects = write(tmp_path / "a.jsonl", '{"text": "\ufefffine film"}\n{"text": "dull"}\n')
    for file in (labelled, texts, objects):
        assert words(ask(file)[0]) == [["fine", "film"], ["dull"]]


def test_an_archive_given_for_texts_is_named(ask, tmp_path):
    records, said, code = ask(tmp_path / "tiny.tar.gz")
    assert (records, code) == ([], 2)
    assert said.strip().endswith("tiny.tar.gz: holds a tar archive; give its content as a text file")
