"""Experiments in Python: what the command line does, and it does no more, as functions and values."""

import copy
import json
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import torch

import mtlkit
from mtlkit.runs import Interrupted, dry_run

Verb = Callable[..., CompletedProcess[str]]
TRAINED = ("metrics.jsonl", "metrics.json", "checkpoints/best-model.safetensors", "experiment.resolved.json")


@pytest.fixture
def small(experiment: dict[str, Any], elsewhere: Path) -> dict[str, Any]:
    """The experiment as a dict, one epoch, in an empty current folder."""
    experiment["trainer"]["epochs"] = 1
    return experiment


@pytest.fixture
def trained(small: dict[str, Any]) -> mtlkit.Run:
    return mtlkit.train(small, "trained", device="cpu")


@pytest.fixture
def two_threads() -> Iterator[None]:
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


class Interrupts:
    """A listener that sends this process a signal at a step."""

    def __init__(self, step: int) -> None:
        self.at = step

    def stage(self, name: str | None, epochs: int) -> None: ...

    def step(self, step: Any) -> None:
        if step.step == self.at:
            os.kill(os.getpid(), signal.SIGINT)

    def epoch(self, end: Any) -> None: ...

    def close(self) -> None: ...


def test_a_dict_trains_to_the_bits_of_its_file(
    small: dict[str, Any], write: Callable[[dict[str, Any]], Path], run: Verb
) -> None:
    before = copy.deepcopy(small)
    trained = mtlkit.train(small, device="cpu")
    assert small == before
    assert trained.directory == Path("runs/experiment")
    assert run("train", write(small), "-s", "by_file", "--device", "cpu").returncode == 0
    for name in TRAINED:
        assert (trained.directory / name).read_bytes() == Path("by_file", name).read_bytes(), name


def test_the_run_of_a_dict_is_one_for_every_verb(trained: mtlkit.Run, small: dict[str, Any], run: Verb) -> None:
    assert json.loads((trained.directory / "experiment.json").read_text()) == small
    evaluated = run("evaluate", trained.directory, "--output", "figures.json")
    assert evaluated.returncode == 0, evaluated.stderr
    assert json.loads(Path("figures.json").read_text()) == trained.metrics["test"]
    before = (trained.directory / "metrics.jsonl").read_bytes()
    file = trained.directory / "experiment.json"
    resumed = run("train", file, "-s", trained.directory, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert (trained.directory / "metrics.jsonl").read_bytes() == before
    assert run("diff", trained.directory, trained.archive).returncode == 0
    pytest.importorskip("jinja2")
    report = run("report", trained.directory, "--limit", 4)
    assert report.returncode == 0, report.stderr
    assert (trained.directory / "report.html").is_file()


def test_a_run_evaluates_predicts_and_explains(trained: mtlkit.Run, run: Verb) -> None:
    assert trained.evaluate().figures == trained.metrics["test"]
    assert trained.evaluate("dev", tasks=["books"]).figures.keys() < trained.metrics["dev"].keys()
    (record,) = trained.predict(["a warm book"], task="books")
    printed = run("predict", trained.archive, "-", "--task", "books", text="a warm book\n")
    assert record == json.loads(printed.stdout)
    both = trained.predict(["warm", ""])
    assert [each["task"] for each in both] == ["books", "films"] * 2
    assert ["error" in each for each in both] == [False, False, True, True]
    assert trained.explain("a warm book", task="books").answer.startswith(record["label"])


def test_a_run_stands_for_its_path(trained: mtlkit.Run) -> None:
    assert mtlkit.evaluate(trained, "dev").figures == trained.metrics["dev"]
    assert mtlkit.predict(trained, ["warm"], "books") == mtlkit.predict(trained.archive, ["warm"], "books")
    assert mtlkit.load_archive(trained).tasks == ["books", "films"]
    assert mtlkit.Run("trained").metrics == trained.metrics


def test_other_data_and_answers(trained: mtlkit.Run, small: dict[str, Any]) -> None:
    theirs = small["tasks"]["films"]["test"]
    found = mtlkit.evaluate("trained", tasks=["books"], data={"books": theirs}, predictions="answers")
    assert len(found.predictions) == 1 and Path("answers/test/books.jsonl.gz").is_file()
    folder = Path(theirs).parent
    assert mtlkit.evaluate("trained", data=folder).figures == trained.metrics["test"]
    with pytest.raises(mtlkit.ConfigError, match="data nowhere: no such folder"):
        mtlkit.evaluate("trained", data="nowhere")
    with pytest.raises(mtlkit.ConfigError, match="there is no split third; use train, dev, test"):
        mtlkit.evaluate("trained", "third")
    with pytest.raises(mtlkit.ConfigError, match="keeps the run's answers to its own data"):
        mtlkit.evaluate("trained", data={"books": theirs}, predictions="trained/predictions")
    own = Path("trained/predictions/test/books.jsonl.gz")
    before = own.read_bytes()
    own.unlink()
    mtlkit.evaluate("trained", data=folder, predictions="trained/predictions")
    assert own.read_bytes() == before, "the folder has the run's own data"


def test_overrides_are_a_list_or_a_dict(small: dict[str, Any]) -> None:
    of_list = mtlkit.load_experiment(small, overrides=["model.dropout=0.5", "tasks.books.max_length=3"])
    of_dict = mtlkit.load_experiment(small, overrides={"model.dropout": 0.5, "tasks.books.max_length": 3})
    assert of_list.experiment == of_dict.experiment
    assert of_list.experiment.model.dropout == 0.5 and of_list.experiment.tasks["books"].max_length == 3
    with pytest.raises(mtlkit.ConfigError, match="overrides takes several settings; give a list"):
        mtlkit.load_experiment(small, overrides="model.dropout=0.5")


def test_variables_and_arguments_are_python_values(small: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("base.json").write_text(json.dumps(small))
    file = Path("my.jsonnet")
    file.write_text(
        "function(dim, pattern='') (import 'base.json') + {"
        " seed: std.extVar('seed'), model+: { embedder+: { dim: dim } },"
        " vocabulary: { pretrained: std.extVar('data') + pattern } }"
    )
    monkeypatch.setenv("MTLKIT_DATA", "/corpora")
    given = {"variables": {"seed": 5}, "arguments": {"dim": 7, "pattern": "/v'\n"}}
    loaded = mtlkit.load_experiment(file, **given)
    assert loaded.experiment.seed == 5 and loaded.experiment.model.embedder.to_json()["dim"] == 7
    assert str(loaded.experiment.vocabulary.pretrained) == "/corpora/v'\n"
    again = mtlkit.load_experiment("my.jsonnet", variables={"seed": 5, "data": Path("here")}, arguments={"dim": 7})
    assert str(again.experiment.vocabulary.pretrained) == "here"
    with pytest.raises(mtlkit.ConfigError, match=r"needs the variable 'seed': give --str seed=TEXT or --var"):
        mtlkit.load_experiment(file, arguments={"dim": 7})


def test_a_dict_may_hold_paths_and_tuples_and_keeps_its_numbers(small: dict[str, Any]) -> None:
    task = small["tasks"]["books"]
    task["train"] = Path(task["train"])
    small["trainer"]["frozen"] = ("^heads",)
    small["seed"] = 2**60 + 1
    loaded = mtlkit.load_experiment(small)
    assert loaded.experiment.tasks["books"].train == str(task["train"])
    assert loaded.experiment.trainer.frozen == ["^heads"]
    trained = mtlkit.train(loaded, "exact", device="cpu")
    again = mtlkit.load_experiment(trained.directory / "experiment.json")
    assert again.experiment == loaded.experiment and again.experiment.seed == 2**60 + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": {"dropout": 2}}, r"^experiment: model\.embedder: .*\nexperiment: model\.sharing: .*\nexperiment: "),
        ({"seeed": 1}, "^experiment: seeed: .*did you mean 'seed'"),
        ({"seed": float("nan")}, "^experiment: seed: nan is not a finite number; give one that is"),
        ({"seed": {1, 2}}, "^experiment: seed: is of type set; give plain values"),
        ({"vocabulary": {1: 2}}, "^experiment: vocabulary: the key 1 is of type int; give a string"),
        ({"stages": [{"name": b"x"}]}, r"^experiment: stages\.0\.name: is of type bytes; give plain values"),
    ],
)
def test_mistakes_in_a_dict_are_sentences_with_their_places(
    small: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(mtlkit.ConfigError, match=message) as found:
        mtlkit.train({**small, **change}, device="cpu")
    assert found.value.__cause__ is None
    assert not Path("runs").exists()


def test_a_dict_that_holds_itself(small: dict[str, Any]) -> None:
    small["model"]["more"] = small
    with pytest.raises(mtlkit.ConfigError, match="experiment: objects and lists are nested too deeply"):
        mtlkit.load_experiment(small)


def test_what_does_not_go_together(small: dict[str, Any]) -> None:
    with pytest.raises(mtlkit.ConfigError, match="variables and arguments are for Jsonnet files"):
        mtlkit.load_experiment(small, variables={"seed": 1})
    with pytest.raises(mtlkit.ConfigError, match="is loaded already; give overrides and the like to load_experiment"):
        mtlkit.load_experiment(mtlkit.load_experiment(small), overrides=["seed=1"])
    with pytest.raises(mtlkit.ConfigError, match="include_packages takes several names"):
        mtlkit.load_experiment(small, include_packages="name")
    with pytest.raises(mtlkit.ConfigError, match=r"^resume goes on with a run and force deletes it"):
        mtlkit.train(small, resume=True, force=True)
    with pytest.raises(mtlkit.ConfigError, match="device gpu: no such device; use auto, cpu, cuda or cuda:N"):
        mtlkit.train(small, device="gpu")


def test_a_run_that_is_there_is_refused_deleted_or_left_alone(trained: mtlkit.Run, small: dict[str, Any]) -> None:
    with pytest.raises(mtlkit.MtlkitError, match="trained: holds a run; --resume goes on with it, --force deletes it"):
        mtlkit.train(small, "trained", device="cpu")
    created = json.loads(Path("trained/meta.json").read_text())["created"]
    lines = list[str]()
    same = mtlkit.train(small, "trained", device="cpu", resume="auto", say=lines.append)
    assert same.metrics == trained.metrics and lines == []
    with pytest.raises(mtlkit.MtlkitError, match="the experiment changed since the run was begun: seed"):
        mtlkit.train({**small, "seed": 14}, "trained", device="cpu", resume="auto")
    with pytest.raises(mtlkit.MtlkitError, match="trained: was begun without --limit; resume it without --limit"):
        mtlkit.train(small, "trained", device="cpu", resume="auto", limit=8)
    data = Path(small["tasks"]["books"]["dev"])
    before = data.read_text()
    data.write_text(f"{before}positive\ta fine book\n")
    with pytest.raises(mtlkit.MtlkitError, match=r"the data changed since the run was begun: .*has other content"):
        mtlkit.train(small, "trained", device="cpu", resume="auto")
    data.write_text(before)
    assert mtlkit.train(small, "trained", device="cpu", resume="auto").metrics == trained.metrics
    assert json.loads(Path("trained/meta.json").read_text())["created"] == created
    anew = mtlkit.train({**small, "seed": 14}, "trained", device="cpu", force=True)
    assert anew.metrics != trained.metrics


def test_nothing_is_printed_unless_asked(small: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    trained = mtlkit.train(small, device="cpu")
    trained.evaluate()
    trained.predict(["warm"])
    assert capsys.readouterr() == ("", "")
    mtlkit.train(small, device="cpu", force=True, say=print)
    assert "reading books" in capsys.readouterr().out


def test_the_threads_of_the_process_stay_as_they_are(small: dict[str, Any], two_threads: None) -> None:
    assert mtlkit.load_experiment(small).experiment.trainer.threads == 1
    dry_run(small, device="cpu")
    mtlkit.train(small, device="cpu").evaluate()
    assert torch.get_num_threads() == 2
    with pytest.raises(Interrupted):
        mtlkit.train(small, "interrupted", device="cpu", listeners=[Interrupts(3)])
    assert torch.get_num_threads() == 2


def test_an_interrupt_ends_a_call_as_ctrl_c_does_and_it_goes_on_to_the_same_bits(
    small: dict[str, Any], trained: mtlkit.Run
) -> None:
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        mtlkit.train(small, "broken", device="cpu", listeners=[Interrupts(7)])
    assert signal.getsignal(signal.SIGINT) is handler
    with pytest.raises(mtlkit.MtlkitError, match="broken: its run is not finished; resume it"):
        mtlkit.Run("broken")
    mtlkit.train(small, "broken", device="cpu", resume="auto")
    for name in TRAINED:
        assert Path("broken", name).read_bytes() == (trained.directory / name).read_bytes(), name


def test_in_another_thread_signals_stay_the_main_threads(small: dict[str, Any], trained: mtlkit.Run) -> None:
    handlers, outcomes = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)], []
    within = []

    class Looks(Interrupts):
        def step(self, step: Any) -> None:
            within.append([signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)])

    def work() -> None:
        outcomes.append(mtlkit.train(small, "in_thread", device="cpu", listeners=[Looks(0)]))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert within and all(found == handlers for found in within)
    assert outcomes[0].metrics == trained.metrics


def test_a_profile_is_part_of_the_run(small: dict[str, Any]) -> None:
    (profile,) = mtlkit.train(small, device="cpu", profile=True).profiles
    assert profile.steps == json.loads(Path("runs/experiment/profile.json").read_text())["steps"] > 0


def test_a_run_in_a_notebook(trained: mtlkit.Run) -> None:
    average = trained.metrics["test"]["average/accuracy"]
    assert repr(trained) == f"<run trained: test average/accuracy {average:.2%}>"
    page = trained._repr_html_()
    assert page.startswith("<p><code>trained</code></p><table>") and f"<td>{average:.2%}</td>" in page
    assert "<tr><td>books</td>" in page and "<th>accuracy</th>" in page


@pytest.mark.parametrize("path", [".", "nowhere"])
def test_what_is_no_run(path: str, elsewhere: Path) -> None:
    with pytest.raises(mtlkit.MtlkitError, match="holds no run; give a run's directory"):
        mtlkit.Run(path)


def test_components_of_a_file_are_included(small: dict[str, Any], registry: None) -> None:
    readme = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")
    programs = re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    (code,) = (each for each in programs if "class DotProductCommunicator" in each)
    Path("in_python.py").write_text(code.replace("dot_product", "in_python"))
    small["model"]["sharing"]["communicator"] = {"type": "in_python"}
    with pytest.raises(mtlkit.ConfigError, match="no Communicator 'in_python'"):
        mtlkit.load_experiment(small)
    loaded = mtlkit.load_experiment(small, include_packages=["in_python.py"])
    trained = mtlkit.train(loaded, device="cpu")
    meta = json.loads((trained.directory / "meta.json").read_text())
    assert meta["plugins"]["in_python.py"] == "included"
    assert trained.predict(["warm"], "books") == mtlkit.predict(trained, ["warm"], "books")
    with pytest.raises(mtlkit.MtlkitError, match=r"--include-package .* cannot be imported: no such file"):
        mtlkit.load_experiment(small, include_packages=["nowhere.py"])


def test_the_program_of_the_quickstart(
    make_corpus: Callable[[Path, int, int], None], elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With corpora of the names that it reads; the second time it goes on with what is there."""
    page = Path(__file__).parents[2].joinpath("docs", "quickstart.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    Path("data").mkdir()
    for number, name in enumerate(("hotels", "restaurants")):
        for split, size in {"train": 40, "dev": 10, "test": 10}.items():
            make_corpus(Path("data", f"{name}.{split}.tsv"), size, 10 * number + size)
    printed = []
    for _ in range(2):
        exec(compile(program, "quickstart", "exec"), {"__name__": "quickstart"})
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert [line.split(":")[0] for line in printed[0].splitlines()[:2]] == [
        "<run runs/reviews-13",
        "<run runs/reviews-14",
    ]


@pytest.mark.parametrize("limit", [0, -3, "60", 2.5, True])
def test_a_limit_that_is_no_number_of_texts_leaves_nothing_behind(experiment, elsewhere, limit):
    with pytest.raises(mtlkit.ConfigError, match="limit: should be a whole number of at least 1"):
        mtlkit.train(experiment, "run", limit=limit)
    assert not (elsewhere / "run").exists()


def test_objects_are_answered_as_lines_of_json(trained: mtlkit.Run) -> None:
    given = {"text": "a warm book", "id": 7, "label": "positive", "source": {"page": [3]}}
    (record,) = trained.predict([given], "books")
    (plain,) = trained.predict(["a warm book"], "books")
    assert record == {**plain, "id": 7, "source": {"page": [3]}, "target": "positive"}
    assert trained.predict(["\ufeffa warm book"], "books") == [plain]
    assert trained.predict(iter(["a warm book"]), "books") == [plain]
    assert trained.explain(given, "books").words == ("a", "warm", "book")
    (without,) = trained.predict([{"id": 8}], "books")
    assert without["id"] == 8 and without["error"].startswith("text 1: no field 'text'")


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ("warm", r"predict takes many texts; give a list, such as \[text\]"),
        (b"warm", "predict takes many texts; give a list"),
        ({"text": "warm"}, "predict takes many texts; give a list"),
        (5, "texts is not a list but of type int; give a list, such as"),
        (None, "texts is not a list but of type NoneType; give a list"),
        (["warm", 3], "text 2 is not a string but of type int; give one text as a string, or as a dict"),
        (["warm", None], "text 2 is not a string but of type NoneType"),
        ([b"warm"], "text 1 is not a string but of type bytes"),
        ([["a", "warm", "book"]], "text 1 is not a string but of type list"),
        ([{1: "warm"}], "text 1 has a field 1, whose name is not a string"),
    ],
)
def test_texts_of_a_wrong_type_are_refused(trained: mtlkit.Run, texts: Any, sentence: str) -> None:
    for ask in (trained.predict, lambda given: mtlkit.predict(trained, given)):
        with pytest.raises(mtlkit.ConfigError, match=f"^{sentence}"):
            ask(texts)
