"""A run does not go on after a change of its experiment, its data or its plugins, unless it is told to."""

import copy
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtlkit.config import validate
from mtlkit.experiment import Experiment, load_corpora, load_experiment
from mtlkit.runs.changes import code_hashes

Run = Callable[..., Any]
PLUGIN = """
from mtlkit import Tokenizer


@Tokenizer.register("capitals_of_{name}")
class Capitals(Tokenizer):
    \"\"\"Splits at white space; all words are written large.\"\"\"

    def tokenize(self, text: str) -> list[str]:
        return text.upper().split()
"""


@pytest.fixture
def begun(experiment: dict[str, Any], write: Callable[[dict[str, Any]], Path], fork: Run, tmp_path: Path) -> Path:
    """A run that was killed when it had a checkpoint."""
    process = fork("train", write(experiment), "-s", tmp_path / "run", stops_at_step=20)
    process.wait_until(lambda: any((tmp_path / "run").glob("checkpoints/step-*")))
    process.kill()
    return tmp_path / "run"


def notes(directory: Path) -> Any:
    return json.loads((directory / "meta.json").read_text()).get("resumed_anyway")


def test_changed_settings_are_shown_with_both_values(
    experiment: dict[str, Any], write: Callable[[dict[str, Any]], Path], run: Run, begun: Path
) -> None:
    experiment["model"]["embedder"]["dim"] = 13
    experiment["trainer"]["optimizer"] = {"type": "sgd", "lr": 0.01}
    experiment["tasks"]["books"]["metrics"] = [{"type": "accuracy"}]
    refused = run("train", write(experiment), "-s", begun, "--resume")
    assert refused.returncode == 2
    for change in (
        "model.embedder.dim (was 12, is 13)",
        'trainer.optimizer.type (was "adam", is "sgd")',
        "trainer.optimizer.momentum (was nothing, is 0.0)",
        'tasks.books.metrics.0 (was nothing, is {"type": "accuracy"})',
    ):
        assert change in refused.stderr
    assert "or go on all the same with --resume-anyway" in refused.stderr


@pytest.mark.parametrize("in_stages", [False, True])
def test_settings_that_have_come_since_are_no_change_at_their_defaults(
    experiment: dict[str, Any], write: Callable[[dict[str, Any]], Path], run: Run, tmp_path: Path, in_stages: bool
) -> None:
    """As of a run that an older mtlkit has begun; one of the settings is inside a component's."""
    experiment["trainer"]["epochs"] = 1
    if in_stages:
        experiment["stages"] = [{"name": "only", "trainer": experiment.pop("trainer")}]
    directory, file = tmp_path / "run", write(experiment)
    assert run("train", file, "-s", directory).returncode == 0
    before = json.loads((directory / "experiment.resolved.json").read_text())
    trainer = before["stages"][0]["trainer"] if in_stages else before["trainer"]
    del trainer["on_nonfinite"], trainer["on_out_of_memory"], trainer["optimizer"]["beta1"]
    (directory / "experiment.resolved.json").write_text(json.dumps(before))
    resumed = run("train", file, "-s", directory, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    trainer["on_nonfinite"] = "skip"
    (directory / "experiment.resolved.json").write_text(json.dumps(before))
    refused = run("train", file, "-s", directory, "--resume")
    assert refused.returncode == 2
    assert 'trainer.on_nonfinite (was "skip", is "stop"); undo' in refused.stderr
    del trainer["on_nonfinite"]
    trainer["since_removed"] = 1  # so that nothing can be filled in
    (directory / "experiment.resolved.json").write_text(json.dumps(before))
    assert 'on_nonfinite (was nothing, is "stop")' in run("train", file, "-s", directory, "--resume").stderr


def test_a_changed_experiment_is_gone_on_with_and_noted(
    experiment: dict[str, Any], write: Callable[[dict[str, Any]], Path], run: Run, begun: Path
) -> None:
    experiment["trainer"] |= {"epochs": 2, "optimizer": {"type": "adam", "lr": 0.002}}
    file = write(experiment)
    result = run("train", file, "-s", begun, "--resume-anyway")
    assert result.returncode == 0, result.stderr
    assert "going on although the experiment changed: trainer.epochs (was 4, is 2)" in result.stderr
    assert "the vocabulary and the stages that are done stay as they are" in result.stderr
    assert "resuming after step" in result.stderr
    assert len((begun / "metrics.jsonl").read_text().splitlines()) == 2
    (note,) = notes(begun)
    assert note["changes"] == ["trainer.epochs (was 4, is 2)", "trainer.optimizer.lr (was 0.01, is 0.002)"]
    again = run("train", file, "-s", begun, "--resume")
    assert again.returncode == 0 and notes(begun) == [note]


def test_options_that_are_left_out_are_named_together(
    experiment: dict[str, Any], write: Callable[[dict[str, Any]], Path], run: Run, tmp_path: Path
) -> None:
    file, directory = write(experiment), tmp_path / "run"
    assert run("train", file, "-s", directory, "--limit", "9", "-o", "trainer.epochs=1").returncode == 0
    told = run("train", file, "-s", directory, "--resume").stderr
    assert (
        "was begun with --limit 9 and other settings (trainer.epochs (was 1, is 4)); resume it with --limit 9" in told
    )
    assert (
        "was begun with --limit 9; resume"
        in run("train", file, "-s", directory, "--resume", "-o", "trainer.epochs=1").stderr
    )


def test_changed_data_are_gone_on_with_and_noted(
    experiment: dict[str, Any], write: Callable[[dict[str, Any]], Path], run: Run, begun: Path, tmp_path: Path
) -> None:
    data = tmp_path / "books.train.tsv"
    data.write_text("".join(data.read_text().splitlines(keepends=True)[:20]))
    file = write(experiment)
    refused = run("train", file, "-s", begun, "--resume")
    assert refused.returncode == 2
    assert f"the data changed since the run was begun: {data} (has other content)" in refused.stderr
    result = run("train", file, "-s", begun, "--resume-anyway")
    assert result.returncode == 0, result.stderr
    assert [note["changes"] for note in notes(begun)] == [[f"{data} (has other content)"]]
    meta = json.loads((begun / "meta.json").read_text())
    assert meta["texts"]["books"]["train"]["used"] == 20, "what is recorded of the texts is that of the new ones"
    assert meta["identities"]["books"]["train"]["texts"] == loaded_identity(file)
    compared = run("compare", begun)
    assert f"{begun}: was resumed after changes, so it is the result of neither experiment: {data}" in compared.stderr


def loaded_identity(file: Path) -> str:
    """What identifies the train texts of books as they are now."""
    return load_corpora(load_experiment(file).experiment).identities()["books"]["train"]["texts"]


def test_labels_that_the_model_lacks_are_refused_all_the_same(
    experiment: dict[str, Any], write: Callable[[dict[str, Any]], Path], run: Run, begun: Path, tmp_path: Path
) -> None:
    with (tmp_path / "books.train.tsv").open("a") as data:
        data.write("mixed\tone more warm text\n")
    refused = run("train", write(experiment), "-s", begun, "--resume-anyway")
    assert refused.returncode == 2
    assert "tasks.books.train: has labels that the run was begun without (mixed)" in refused.stderr
    assert notes(begun) is None


@pytest.mark.parametrize(
    "change",
    [
        {"model": {"embedder": {"type": "words", "dim": 13}}},
        {"trainer": {"optimizer": {"type": "sgd", "momentum": 0.5}}},
        {"trainer": {"frozen": ["^heads.books"]}},
    ],
)
def test_what_does_not_fit_the_checkpoint_is_told(
    experiment: dict[str, Any],
    write: Callable[[dict[str, Any]], Path],
    run: Run,
    begun: Path,
    change: dict[str, dict[str, Any]],
) -> None:
    changed = copy.deepcopy(experiment)
    for section, parts in change.items():
        changed[section] |= parts
    result = run("train", write(changed), "-s", begun, "--resume-anyway")
    assert result.returncode == 2
    assert "does not fit the experiment as it is now" in result.stderr.splitlines()[-1]
    undone = run("train", write(experiment), "-s", begun, "--resume")
    assert undone.returncode == 0, undone.stderr
    assert notes(begun) is None


def test_a_run_whose_training_is_done_stays_as_it_is(
    experiment: dict[str, Any], write: Callable[[dict[str, Any]], Path], run: Run, begun: Path
) -> None:
    assert run("train", write(experiment), "-s", begun, "--resume").returncode == 0
    experiment["trainer"]["epochs"] = 9
    refused = run("train", write(experiment), "-s", begun, "--resume-anyway")
    assert refused.returncode == 2
    assert "its training is done" in refused.stderr
    trainer = experiment.pop("trainer")
    experiment["stages"] = [{"name": name, "trainer": trainer} for name in ("one", "more")]
    refused = run("train", write(experiment), "-s", begun, "--resume-anyway")
    assert refused.returncode == 2
    assert "its training is done" in refused.stderr and not (begun / "stages").exists()
    assert "--resume-anyway" not in run("train", write(experiment), "-s", begun, "--resume").stderr


def test_changed_settings_of_a_stage_that_is_done_are_told_from_those_that_count(
    experiment: dict[str, Any], write: Callable[[dict[str, Any]], Path], run: Run, tmp_path: Path
) -> None:
    directory, trainer = tmp_path / "run", experiment.pop("trainer") | {"epochs": 1}
    experiment["stages"] = [{"name": name, "trainer": dict(trainer)} for name in ("first", "second")]
    assert run("train", write(experiment), "-s", directory).returncode == 0
    for unfinished in ("metrics.json", "stages/second/checkpoints/outcome.json"):  # as if killed in the second
        (directory / unfinished).unlink()
    experiment["stages"][0]["trainer"]["batch_size"] = 5
    experiment["stages"][1]["trainer"]["epochs"] = 2
    late = "stages.0.trainer.batch_size (was 4, is 5) too late for its stage, which is done"
    refused = run("train", write(experiment), "-s", directory, "--resume")
    assert refused.returncode == 2 and f"{late}, stages.1.trainer.epochs (was 1, is 2); undo" in refused.stderr
    changed = run("train", write(experiment), "-s", directory, "--resume-anyway")
    assert changed.returncode == 0, changed.stderr
    assert [note["changes"] for note in notes(directory)] == [[late, "stages.1.trainer.epochs (was 1, is 2)"]]


def test_changed_code_of_a_plugin_is_refused(
    experiment: dict[str, Any],
    write: Callable[[dict[str, Any]], Path],
    run: Run,
    tmp_path: Path,
    registry: None,
) -> None:
    plugin = tmp_path / "capitals.py"
    plugin.write_text(PLUGIN.replace("{name}", "some"))
    experiment["tasks"]["films"]["reader"]["tokenizer"] = {"type": "capitals_of_some"}
    experiment["trainer"]["epochs"] = 1
    arguments = ["train", write(experiment), "-s", tmp_path / "run", "--include-package", plugin]
    assert run(*arguments).returncode == 0
    assert list(json.loads((tmp_path / "run" / "meta.json").read_text())["code"]) == [str(plugin)]
    plugin.write_text(PLUGIN.replace("{name}", "some") + "# changed\n")
    refused = run(*arguments, "--resume")
    assert refused.returncode == 2
    assert f"the code of a plugin changed since the run was begun: {plugin} (has other content)" in refused.stderr


def test_what_an_editor_leaves_beside_a_plugin_is_no_code(
    tmp_path: Path, registry: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "capitals_in_a_package"
    package.mkdir()
    (package / "__init__.py").write_text(PLUGIN.replace("{name}", "a_package"))
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module(package.name)
    reader = {"type": "text_classification", "tokenizer": {"type": "capitals_of_a_package"}}
    task = {"reader": reader, "head": {"type": "classifier"}, "train": "a.tsv"}
    sharing = {"type": "fully_shared", "encoder": {"type": "lstm", "hidden_dim": 4}}
    model = {"embedder": {"type": "words", "dim": 4}, "sharing": sharing}
    experiment = validate(Experiment, {"tasks": {"books": task}, "model": model}, "an experiment")
    before = code_hashes(experiment)
    (package / ".#open.py").symlink_to("someone@here.1234:5678")
    assert code_hashes(experiment) == before and list(before) == [package.name]
    (package / "more.py").write_text("")
    assert code_hashes(experiment) != before


def test_resume_anyway_and_force_are_two_wishes(
    experiment: dict[str, Any], write: Callable[[dict[str, Any]], Path], run: Run, tmp_path: Path
) -> None:
    refused = run("train", write(experiment), "-s", tmp_path / "run", "--resume-anyway", "--force")
    assert refused.returncode == 2 and "give one of them" in refused.stderr
