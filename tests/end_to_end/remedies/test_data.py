"""Mistakes in data files, with the readers and the options that look for them."""

import gzip
import json
import os
from pathlib import Path

import pytest

from tests.end_to_end.remedies.world import ABSENT, Mistake, try_out

TAGS = {"reader": {"type": "columns", "words": 0, "tags": 1}, "head": {"type": "crf_tagger"}}
TAGGED = "the\tO\nfilm\tB-X\n\na\tO\nbook\tB-Y\n"
JSONL = {"reader": {"type": "jsonl"}, "head": {"type": "classifier"}}


def only(world, task, train):
    """The experiment with one task, which has only a training file, of this content."""
    name = "mine.txt" if isinstance(train, str) else "mine.gz"
    file = str(world.file(name, train))
    sharing = {"type": "private", "encoder": {"type": "lstm", "hidden_dim": 3}}
    return {"tasks": {"mine": {**task, "train": file}}, "model__sharing": sharing}


def texts(content, **reader):
    task = {"reader": {"type": "text_classification", **reader}, "head": {"type": "classifier"}}
    return lambda w: w.data(**only(w, task, content))


def tags(content, **reader):
    return lambda w: w.data(**only(w, {**TAGS, "reader": {**TAGS["reader"], **reader}}, content))


def lines(*values, **reader):
    content = "".join(value if isinstance(value, str) else json.dumps(value) + "\n" for value in values)
    return lambda w: w.data(**only(w, {**JSONL, "reader": {**JSONL["reader"], **reader}}, content))


def copy_of_train(world):
    return str(world.file("copy.tsv", Path(world.experiment["tasks"]["books"]["train"]).read_bytes()))


def thrice(world):
    return str(world.file("thrice.tsv", 3 * "".join(f"{LABELS[n % 2]}\ttext {n}\n" for n in range(9))))


def together(dev):
    return {"dev": dev, "keep_together": True}


def pipe(world):
    path = world.folder / "pipe"
    os.mkfifo(path)
    return str(path)


LABELS = ("positive", "negative")
GOOD = "pos\ta fine film\nneg\ta dull film\n"
OBJECTS = ({"text": "a fine film", "label": "pos"}, {"text": "a dull film", "label": "neg"})

MISTAKES = [
    Mistake("no TAB", texts("pos a fine film\n" + GOOD), "write the line as label<TAB>text", texts(GOOD)),
    Mistake("no label", texts("\ta fine film\n" + GOOD), "write the line as label<TAB>text", texts(GOOD)),
    Mistake(
        "no words",
        texts("pos\t \n" + GOOD),
        "no words in the text; remove the line or set the reader's `skip_empty`",
        texts("pos\t \n" + GOOD, skip_empty=True),
    ),
    Mistake(
        "a label that is not listed",
        texts(GOOD, labels={"pos": "good"}),
        "is not in the reader's `labels` (pos); add it there",
        texts(GOOD, labels={"pos": "good", "neg": "bad"}),
    ),
    Mistake("no texts", texts(""), "holds no text", texts(GOOD)),
    Mistake(
        "another encoding",
        lambda w: w.data(tasks__books__dev=str(w.file("latin.tsv", b"pos\t\xe4\n"))),
        "convert the file to UTF-8",
        texts(GOOD),
    ),
    Mistake(
        "a gzip file that is cut off",
        texts(gzip.compress(GOOD.encode())[:-9]),
        "fetch or compress the file again",
        texts(gzip.compress(GOOD.encode())),
    ),
    Mistake("no JSON", lines("a film\n", *OBJECTS), "write one JSON object a line", lines(*OBJECTS)),
    Mistake("no JSON object", lines("[1]\n", *OBJECTS), "no JSON object; write the line as {...}", lines(*OBJECTS)),
    Mistake(
        "a field that is not there",
        lines(*OBJECTS, text_field="body"),
        "no field 'body' (fields here: text, label); add it or name another field in the experiment",
        lines(*OBJECTS),
    ),
    Mistake(
        "a text that is not a string",
        lines({"text": 3, "label": "pos"}, *OBJECTS),
        "field 'text' is not a string; put the text between double quotes",
        lines({"text": "3", "label": "pos"}, *OBJECTS),
    ),
    Mistake(
        "a row with too many columns",
        tags("the\tO\nfilm\tB-X\tO\n\n" + TAGGED),
        "mend the line",
        tags("the\tO\nfilm\tB-X\n\n" + TAGGED),
    ),
    Mistake(
        "a column that is not there",
        tags(TAGGED, tags=5),
        "no column 5, only 0 to 1; choose another",
        tags(TAGGED, tags=1),
    ),
    Mistake(
        "targets of another kind",
        lambda w: w.check(tasks__books__head={"type": "crf_tagger"}),
        "tasks.books.head: 'crf_tagger' needs one tag per word, the reader 'text_classification' gives one label per "
        "text; take a head for it (classifier)",
        lambda w: w.check(tasks__books__head={"type": "classifier"}),
    ),
    Mistake(
        "train texts that are all test texts",
        lambda w: w.data(drop_test_texts=True, tasks__books__test=w.experiment["tasks"]["books"]["train"]),
        "tasks.books.train: every text is a test text of some task; give other texts",
        lambda w: w.data(drop_test_texts=True),
    ),
    Mistake(
        "more drawn than there is",
        lambda w: w.data(tasks__books__resplit={"dev": 100}),
        "are asked for, and training needs some; ask for less",
        lambda w: w.data(tasks__books__resplit={"dev": 10}),
    ),
    Mistake(
        "splits drawn from copies of a file",
        lambda w: w.data(tasks__books__dev=copy_of_train(w), tasks__books__resplit={"dev": 5}),
        "copy.tsv holds the same texts as train (",
        lambda w: w.data(tasks__books__dev=ABSENT, tasks__books__resplit={"dev": 5}),
    ),
    Mistake(
        "copies of texts that do not add up",
        lambda w: w.data(tasks__books__train=thrice(w), tasks__books__resplit=together(8), tasks__books__dev=ABSENT),
        "tasks.books.resplit: keep_together: texts with all their copies do not add up to 8 dev; ask for dev: 6",
        lambda w: w.data(tasks__books__train=thrice(w), tasks__books__resplit=together(6), tasks__books__dev=ABSENT),
    ),
    Mistake(
        "fewer texts than a text has copies",
        lambda w: w.data(tasks__books__train=thrice(w), tasks__books__resplit=together(2), tasks__books__dev=ABSENT),
        "texts with all their copies do not add up to 2 dev; ask for more, or remove copies from the files",
        lambda w: w.data(tasks__books__train=thrice(w), tasks__books__resplit=together(3), tasks__books__dev=ABSENT),
    ),
    Mistake(
        "a pipe for a file",
        lambda w: w.main("data", "stats", w.with_settings(tasks__books__dev=pipe(w))),
        "is a pipe or a device, and has to be read more than once; save what it gives to a file, and name that",
        lambda w: w.main("data", "stats", w.with_settings()),
    ),
    Mistake(
        "no vectors",
        lambda w: w.data(vocabulary={"pretrained": str(w.file("v.txt", ""))}),
        "v.txt: holds no vector; give a file of lines `word v1 v2 ...`",
        lambda w: w.data(vocabulary={"pretrained": str(w.file("v.txt", "a 1 2\n"))}, model__embedder__dim=2),
    ),
    Mistake(
        "vectors of different sizes",
        lambda w: w.data(vocabulary={"pretrained": str(w.file("v.txt", "a 1 2\nb 1 2 3\n"))}, model__embedder__dim=2),
        "not 2 numbers after the word, as in line 1; mend or remove the line",
        lambda w: w.data(vocabulary={"pretrained": str(w.file("v.txt", "a 1 2\nb 1 2\n"))}, model__embedder__dim=2),
    ),
    Mistake(
        "data that have moved",
        lambda w: [(w.folder / "books.test.tsv").rename(w.folder / "b.tsv"), w.mtlkit("train E -s ../run")][1],
        "tasks.books.test: no file",
        lambda w: w.mtlkit("check E", "-o", f"tasks.books.test={w.folder / 'b.tsv'}"),
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_what_is_said_of_data_helps(mistake, world):
    try_out(mistake, world)
