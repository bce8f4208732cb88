"""Files of predictions: what goes in comes out, and equal answers are equal bytes."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from mtlkit.config import Lazy
from mtlkit.errors import RunError, UnknownComponentError
from mtlkit.metrics import Accuracy, SpanF1, TokenAccuracy
from mtlkit.runs.predictions import predicted_tasks, read_predictions, write_predictions
from mtlkit.training import Predictions

TAGS = Predictions(
    "chunks",
    "the texts",
    [("B-x", "I-x"), ("O",)],
    [("B-x", "O"), None],
    [Lazy.of(SpanF1), Lazy.of(TokenAccuracy)],
    np.array([True, False]),
)
LABELS = Predictions("größe", "other texts", ["groß", "klein"], ["klein", "klein"], [Lazy.of(Accuracy)])


@pytest.mark.parametrize("given", [TAGS, LABELS], ids=["tags", "labels"])
def test_what_is_written_is_read(given: Predictions, tmp_path: Path) -> None:
    write_predictions(tmp_path, {"test": [given]})
    found = read_predictions(predicted_tasks(tmp_path, "test")[given.task])
    for name in ("task", "texts", "predicted", "gold", "metrics"):
        assert getattr(found, name) == getattr(given, name), name
    assert np.array_equal(found.clean, given.clean) if given.clean is not None else found.clean is None
    assert found.figures() == given.figures()


def test_a_file_is_json_lines_without_texts_and_always_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write_predictions(tmp_path / folder, {"dev": [LABELS], "test": [TAGS]})
    one, two = (tmp_path / folder / "test" / "chunks.jsonl.gz" for folder in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    first, *rest = [json.loads(line) for line in gzip.decompress(one.read_bytes()).splitlines()]
    metrics = [{"type": "span_f1"}, {"type": "token_accuracy"}]
    assert first == {"task": "chunks", "split": "test", "texts": "the texts", "metrics": metrics}
    assert rest[1] == {"gold": None, "predicted": ["O"], "clean": False}
    assert list(predicted_tasks(tmp_path / "one", "dev")) == ["größe"]
    assert predicted_tasks(tmp_path / "one", "train") == {}


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl.gz"
    for content in (None, b"", b"no gzip", gzip.compress(b""), gzip.compress(b"{}\n[1]"), gzip.compress(b"[" * 5_000)):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(RunError, match=r"x\.jsonl\.gz: missing or damaged"):
            read_predictions(file)
    header = {"task": "x", "split": "test", "texts": "", "metrics": [{"type": "of_a_plugin"}]}
    file.write_bytes(gzip.compress(json.dumps(header).encode()))
    with pytest.raises(UnknownComponentError, match=r"x\.jsonl\.gz: metrics\.0\.type: no Metric 'of_a_plugin'"):
        read_predictions(file)
