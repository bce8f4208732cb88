"""Every experiment that is shipped is right, as far as one can tell without training it."""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mtlkit.config import validate
from mtlkit.data import Vocabulary
from mtlkit.errors import ConfigError
from mtlkit.experiment import Experiment, LoadedExperiment, build_model, load_experiment, stages_of
from mtlkit.runs import TransferSettings, fold_of
from mtlkit.runs.checks import check_experiment

ROOT = Path(__file__).parent.parent
EXPERIMENTS = ROOT / "experiments"
PRETRAINED = "minilm.jsonnet"
"""Files that need a plugin, whose own tests check them."""
SHIPPED = sorted(path for path in EXPERIMENTS.rglob("*.jsonnet") if "lib" not in path.relative_to(EXPERIMENTS).parts)
FILES = [path for path in SHIPPED if path.name != PRETRAINED]
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(EXPERIMENTS).as_posix())

LIU = ("single", "bilstm", "stacked_lstm", "mt_cnn", "fs", "sp", "asp")
GRID = ("bilstm", "fs", "ssp", "psp", "cs", "dc", "ic", "asp", "hierarchical", "nas_pool")
CONTROLS = ("no_exploration", "uniform_then_greedy", "random", "fixed")
TAGGING = ("lstm_crf", "mt_cnn", "fs", "asp", "dc", "ic")
PLANTED = (
    *("private", "fully_shared", "hierarchical", "direct_per_task", "direct_detached"),
    *("direct_known", "indirect", "pool", "pool_baseline", "pool_known"),
)
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((f"ewt_grid/{name}.jsonnet", {"grid": "united"}) for name in GRID),
    ("ewt_grid/bilstm.jsonnet", {"pos": "XPOS", "char": "cnn"}),
    ("ewt_grid/nas_pool.jsonnet", {"srl": "verb"}),
    ("ewt_grid/nas_pool.jsonnet", {"grid": "united", "num_modules": 4, "char": "cnn"}),
    *(("ewt_grid/nas_pool.jsonnet", {"grid": "united", "paths": paths}) for paths in CONTROLS),
    ("fdu/nas_pool.jsonnet", {"paths": "fixed", "path": [3, 3]}),
    ("nas_pool.jsonnet", {"paths": "random"}),
    ("cross_task_attention.jsonnet", {"communicator": "indirect", "layers": 1}),
    *((f"tagging/{name}.jsonnet", {"preset": "paper", "char": "none"}) for name in TAGGING),
    ("tagging/fs.jsonnet", {"char": "gru"}),
    ("tagging/ic.jsonnet", {"ner": "wnut17", "pos": "UPOS", "scheme": "iobes", "lambda": {"ner": 0.8, "pos": 0.5}}),
    ("nas_pool.jsonnet", {"num_modules": 20, "num_samples": 5}),
    *((f"fdu/{name}.jsonnet", {"preset": "paper"}) for name in (*LIU, "dc", "ic")),
    *((f"fdu/{name}.jsonnet", {"preset": "liu2017"}) for name in LIU),
    *((f"fdu/{name}.jsonnet", {"preset": "chen"}) for name in ("single", "bilstm", "fs")),
    *((f"fdu/{name}.jsonnet", {"preset": "common"}) for name in ("ssp", "psp", "cs", "nas_pool")),
]


def load(file: Path, **arguments: Any) -> LoadedExperiment:
    """Loads an experiment with whatever folder of data there is; validation reads nothing from it."""
    return _loaded(file, json.dumps(arguments))


@cache  # most of the time is Jsonnet's
def _loaded(file: Path, arguments: str) -> LoadedExperiment:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MTLKIT_DATA", os.environ.get("MTLKIT_DATA", "data"))
        return load_experiment(file, arguments=json.loads(arguments))


def needs_data(file: Path) -> bool:
    return "std.extVar('data')" in "".join(load(file).sources.values())


def check(loaded: LoadedExperiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    check_experiment(loaded.experiment, loaded.file.name)


@each_file
def test_validates_and_so_does_its_resolved_form(file: Path) -> None:
    loaded = load(file)
    resolved = loaded.experiment.to_json()
    again = validate(Experiment, json.loads(json.dumps(resolved)), "resolved")
    assert again == loaded.experiment
    assert again.to_json() == resolved


@each_file
def test_passes_the_checks(file: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if needs_data(file):
        request.getfixturevalue("data_folder")  # or skip
    check(load(file), monkeypatch)


@pytest.mark.parametrize(("name", "arguments"), VARIANTS, ids=str)
def test_variants_pass_too(
    name: str, arguments: dict[str, Any], data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(load(EXPERIMENTS / name, **arguments), monkeypatch)


@pytest.mark.parametrize(
    ("name", "leave_out", "settings", "arguments"),
    [
        ("ic", "books", TransferSettings(), {}),
        ("ic", "MR", TransferSettings("attention", "copy"), {"preset": "paper"}),
        ("ic", "MR", TransferSettings("all_shared"), {}),
        ("asp", "MR", TransferSettings(embeddings="copy"), {"preset": "paper"}),
        *((name, "books", TransferSettings(), {}) for name in ("fs", "ssp", "psp")),
    ],
)
def test_folds_of_the_transfer_pass_too(
    name: str,
    leave_out: str,
    settings: TransferSettings,
    arguments: dict[str, Any],
    data_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fold = fold_of(load(EXPERIMENTS / "fdu" / f"{name}.jsonnet", **arguments), leave_out, settings)
    check(fold, monkeypatch)
    source, target = fold.experiment.stages
    assert target.tasks == [leave_out] and len(source.tasks or []) == 15


@pytest.mark.parametrize("name", ["ic_mtl", "dc_mtl", "cross_task_attention", "single_task", "nas_pool"])
def test_the_vader_experiments_need_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable, no data, no network: an empty cache, from which the first training fetches."""
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path))
    monkeypatch.delenv("MTLKIT_DATA", raising=False)
    check(load_experiment(EXPERIMENTS / f"{name}.jsonnet"), monkeypatch)
    assert not any(tmp_path.iterdir())


def test_the_vader_experiments_differ_in_sharing_only() -> None:
    """Nothing else, so that their scores compare; the single-task one shares no embedder and keeps epochs per task."""
    indirect, direct, attention, single = (
        load(EXPERIMENTS / f"{name}.jsonnet").experiment
        for name in ("ic_mtl", "dc_mtl", "cross_task_attention", "single_task")
    )
    common = indirect.model_dump(exclude={"model"})
    assert common == direct.model_dump(exclude={"model"}) == attention.model_dump(exclude={"model"})
    assert attention.model.embedder == direct.model.embedder
    assert indirect.tasks == single.tasks and indirect.vocabulary == single.vocabulary
    assert indirect.model.embedder == direct.model.embedder == single.model.embedder
    assert not single.model.share_embedder and single.trainer.selection.type == "per_task"


def test_one_preset_makes_the_systems_of_fdu_mtl_compare() -> None:
    """They differ in the model alone, in how it is pooled, and in that single tasks keep their own best epochs."""
    systems = systems_of("fdu", preset="common")
    assert len(systems) >= 13
    own = {"selection", "update_strategy", "frozen"}
    trainers = [stage.trainer for system in systems.values() for stage in stages_of(system)]
    assert len({repr(trainer.model_dump(exclude=own)) for trainer in trainers}) == 1
    pools = {name: {task.head.to_json()["pool"] for task in system.tasks.values()} for name, system in systems.items()}
    assert pools == {name: {"last"} for name in systems} | {
        **{"bilstm": {"mean"}, "nas_pool": {"mean"}, "mt_cnn": {"max"}}
    }
    alone = {name for name, system in systems.items() if not system.model.share_embedder}
    assert alone == {name for name, system in systems.items() if system.trainer.selection.type == "per_task"}
    assert alone == {"single", "bilstm", "stacked_lstm"}
    assert systems["sp"] == systems["psp"]


def test_chens_systems_are_made_of_the_same_modules() -> None:
    names = ("bilstm", "fs", "ssp", "psp", "cs")
    systems = [load(EXPERIMENTS / "fdu" / f"{name}.jsonnet", preset="chen").experiment for name in names]
    encoders = [system.model.sharing.to_json()["encoder"] for system in systems]
    assert encoders == [{"type": "bilstm", "hidden_dim": 50}] * len(names)
    assert all(system.tasks == systems[0].tasks for system in systems)


KINDS = ("pos", "chunk", "ner", "srl")
HEADLINES = {"pos": ["token_accuracy"], **{kind: ["token_accuracy", "span_f1"] for kind in KINDS[1:]}}


def systems_of(folder: str, **arguments: Any) -> dict[str, Experiment]:
    files = [path for path in FILES if path.parent.name == folder]
    return {path.stem: load(path, **arguments).experiment for path in files}


def metrics_of(experiment: Experiment) -> dict[str, list[str]]:
    return {name: [metric.type for metric in task.metrics] for name, task in experiment.tasks.items()}


@pytest.mark.parametrize("grid", ["separate", "united"])
def test_the_systems_of_the_grid_compare(grid: str) -> None:
    """They differ in sharing alone, in what chooses paths, and in that single tasks keep their own best epochs."""
    systems = systems_of("ewt_grid", grid=grid)
    assert set(systems) == set(GRID)
    own = {"selection", "update_strategy", "frozen"}
    trainers = [stage.trainer for system in systems.values() for stage in stages_of(system)]
    assert len({repr(trainer.model_dump(exclude=own)) for trainer in trainers}) == 1
    parts = [(system.tasks, system.vocabulary, system.model.embedder) for system in systems.values()]
    assert all(part == parts[0] for part in parts)
    encoders = [dict(system.model.sharing.to_json()) for system in systems.values()]
    bilstms = [scheme.get("encoder") or scheme.get("module") for scheme in encoders]
    assert [bilstm for bilstm in bilstms if bilstm] == 7 * [{"type": "bilstm", "hidden_dim": 50}]
    assert not systems["bilstm"].model.share_embedder


def test_the_grid_has_every_domain_with_every_task() -> None:
    separate, united = (
        load(EXPERIMENTS / "ewt_grid" / "ic.jsonnet", grid=grid).experiment for grid in ("separate", "united")
    )
    pairs = [tuple(name.split("_")) for name in separate.tasks]
    assert len(pairs) == 20 and {len({pair[0] for pair in pairs}), len({pair[1] for pair in pairs})} == {5, 4}
    assert metrics_of(separate) == {f"{domain}_{kind}": HEADLINES[kind] for domain, kind in pairs}
    assert metrics_of(united) == HEADLINES
    for (domain, kind), task in zip(pairs, separate.tasks.values(), strict=True):
        assert task.reader.to_json()["domain"] == domain
        whole = united.tasks[kind]
        assert {**whole.reader.to_json(), "domain": domain} == task.reader.to_json()
        assert whole.sources() == task.sources() and whole.head == task.head


def test_a_wide_bilstm_has_as_many_parameters_as_the_pool(data_folder: Path) -> None:
    """The control for the size of the pool, as fs.jsonnet says: within one part in a hundred."""
    file = EXPERIMENTS / "ewt_grid" / "fs.jsonnet"
    (override,) = re.findall(r"-o (\S+=\d+)", file.read_text(encoding="utf-8"))
    wide = load_experiment(file, variables={"data": data_folder}, overrides=[override]).experiment
    pool = load(EXPERIMENTS / "ewt_grid" / "nas_pool.jsonnet", paths="random").experiment
    vocabulary = Vocabulary.of(labels={name: ["O"] for name in pool.tasks})
    sizes = [
        sum(parameter.numel() for parameter in build_model(experiment, vocabulary, None).sharing.parameters())
        for experiment in (wide, pool)
    ]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.01)


def test_the_tagging_systems_compare_and_take_weights() -> None:
    systems = systems_of("tagging", **{"lambda": {"ner": 0.8}})
    assert set(systems) == set(TAGGING)
    parts = [(system.tasks, system.vocabulary, system.model.embedder) for system in systems.values()]
    assert all(part == parts[0] for part in parts)
    own = {"selection"}
    assert len({repr(system.trainer.model_dump(exclude=own)) for system in systems.values()}) == 1
    tasks = systems["ic"].tasks
    assert {name: task.weight for name, task in tasks.items()} == {"chunk": 1, "ner": 0.8, "pos": 1}
    assert {name: found[0] for name, found in metrics_of(systems["ic"]).items()} == {
        **{"chunk": "span_f1", "ner": "span_f1", "pos": "token_accuracy"}
    }


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("ewt_grid/ic.jsonnet", {"grid": "both"}, "grid is one of separate, united, not 'both'"),
        ("ewt_grid/ic.jsonnet", {"pos": "upos"}, "pos is one of UPOS, XPOS, not 'upos'"),
        ("ewt_grid/fs.jsonnet", {"srl": "args"}, "srl is one of arguments, verb, not 'args'"),
        ("ewt_grid/nas_pool.jsonnet", {"paths": "best"}, "paths is one of controller, fixed"),
        ("tagging/ic.jsonnet", {"ner": "conll2003"}, "ner is one of wikigold, wnut17, not 'conll2003'"),
        ("tagging/ic.jsonnet", {"lambda": {"chunks": 0.5}}, "no task is named 'chunks' (the tasks: chunk, ner, pos)"),
    ],
)
def test_a_wrong_argument_is_told(name: str, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(EXPERIMENTS / name, **arguments)
    assert said in str(raised.value)


@pytest.mark.parametrize("sharing", PLANTED)
@pytest.mark.parametrize("only", [None, ["low", "high"]], ids=str)
def test_every_system_fits_the_planted_tasks(
    sharing: str, only: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No data are needed. The systems differ in the model and in what trains it, not in tasks or epochs."""
    arguments = {"sharing": sharing, "seed": 7} | ({"only": only} if only else {})
    loaded = load(EXPERIMENTS / "planted.jsonnet", **arguments)
    check(loaded, monkeypatch)
    direct = load(EXPERIMENTS / "planted.jsonnet", **{**arguments, "sharing": "direct"}).experiment
    assert loaded.experiment.tasks == direct.tasks
    assert loaded.experiment.trainer.epochs == direct.trainer.epochs
    assert {task.reader.to_json()["seed"] for task in direct.tasks.values()} == {direct.seed} == {7}


def test_planted_tasks_are_related_as_documented() -> None:
    """Clusters of three, a pair of tags and labels, two tasks alone; no two tasks draw the same sentences."""
    tasks = load(EXPERIMENTS / "planted.jsonnet").experiment.tasks
    readers = {name: task.reader.to_json() for name, task in tasks.items()}
    rules: dict[str, list[str]] = {}
    for name, reader in readers.items():
        rules.setdefault(reader["rule"], []).append(name)
    assert sorted(rules.values()) == [["a1", "a2", "a3"], ["alone1"], ["alone2"], ["b1", "b2", "b3"], ["high", "low"]]
    assert [name for name, reader in readers.items() if reader["target"] == "tags"] == ["low"]
    assert len({(reader["rule"], reader["sample"]) for reader in readers.values()}) == len(tasks)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.relative_to(EXPERIMENTS).as_posix())
def test_says_what_it_is_and_is_listed(file: Path) -> None:
    assert file.read_text(encoding="utf-8").startswith("// ")
    listed = (EXPERIMENTS / "README.md").read_text(encoding="utf-8")
    assert f"({file.relative_to(EXPERIMENTS).as_posix()})" in listed
