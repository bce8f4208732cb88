"""What models begin with: initialisers by pattern, and parts of other archives."""

import shutil

import pytest
from safetensors.torch import load_file

LSTM = {"type": "lstm", "hidden_dim": 6}
ENCODER = {"sharing.encoder.": "sharing.shared."}


def best(directory, name="model"):
    return load_file(directory / "checkpoints" / f"best-{name}.safetensors")


@pytest.fixture
def source(trained_once, experiment, tmp_path):
    """The archive of a finished run of a fully shared model, which the experiment has as well."""
    experiment["model"]["sharing"] = {"type": "fully_shared", "encoder": LSTM}
    run = trained_once("fully_shared", sharing=experiment["model"]["sharing"])
    return shutil.copytree(run, tmp_path / "source") / "archive.tar.gz"


def test_the_first_pattern_found_fills_and_the_rest_stay(experiment, write, run, tmp_path):
    """All but the heads is frozen, so that the archive holds it as it began."""
    experiment["model"]["sharing"] = {"type": "fully_shared", "encoder": LSTM}
    experiment["model"]["initializers"] = [
        {"pattern": "bias", "initializer": {"type": "constant", "value": 0.25}},
        {"pattern": r"^(sharing|embedders)\.", "initializer": {"type": "uniform", "bound": 0.01}},
    ]
    experiment["trainer"] |= {"epochs": 1, "frozen": ["^sharing", "^embedders"]}
    result = run("train", write(experiment), "-s", tmp_path / "run")
    assert result.returncode == 0, result.stderr
    weights = best(tmp_path / "run")
    encoder = {name: tensor for name, tensor in weights.items() if name.startswith("sharing.")}
    assert all(tensor.eq(0.25).all() for name, tensor in encoder.items() if "bias" in name)
    assert all(0.009 < tensor.abs().max() <= 0.01 for name, tensor in encoder.items() if "weight" in name)
    (table,) = (tensor for name, tensor in weights.items() if name.startswith("embedders."))
    assert table[0].eq(0).all() and 0.009 < table[1:].abs().max() <= 0.01
    assert any(tensor.abs().max() > 0.01 for name, tensor in weights.items() if name.startswith("heads."))


def test_networks_of_tasks_begin_alike_where_asked(experiment, write, run, tmp_path):
    """Those of one rule and of the same kind; with the heads, whose rule says nothing, each begins by itself."""
    experiment["model"]["sharing"] = {"type": "message_passing", "communicator": {"type": "direct"}, "hidden_dim": 6}
    experiment["model"]["initializers"] = [
        {"pattern": r"task_lstms\.", "initializer": {"type": "uniform"}, "alike": True},
        {"pattern": "^heads.*weight", "initializer": {"type": "uniform"}},
    ]
    experiment["trainer"] |= {"epochs": 1, "frozen": ["^sharing", "^heads"]}
    experiment["model"]["dropout"] = 0.0
    result = run("train", write(experiment), "-s", tmp_path / "run")
    assert result.returncode == 0, result.stderr
    weights = best(tmp_path / "run")
    first, *others = experiment["tasks"]
    of_first = {name: tensor for name, tensor in weights.items() if f"task_lstms.{first}." in name}
    assert len(of_first) == 4 and others
    for name, tensor in of_first.items():
        assert all(weights[name.replace(first, other)].equal(tensor) for other in others)
    assert len({tensor.flatten()[0].item() for tensor in of_first.values()}) == 4, "each parameter has its own draw"
    (head,) = (name for name in weights if name.startswith(f"heads.{first}.") and "weight" in name)
    assert not any(weights[head].equal(weights.get(head.replace(first, other))) for other in others)


def test_a_module_is_taken_out_of_another_archive_under_another_name(source, experiment, write, run, tmp_path):
    """What is taken and frozen is in the new archive to the bit, and the new one does not need the old one."""
    experiment["model"]["sharing"] = {"type": "parallel_shared_private", "encoder": LSTM}
    taken = {"archive": str(source), "parameters": ["^embedders", r"^sharing\.shared\."], "rename": ENCODER}
    experiment["model"]["pretrained"] = [taken]
    experiment["trainer"] |= {"epochs": 1, "frozen": taken["parameters"]}
    result = run("train", write(experiment), "-s", tmp_path / "run")
    assert result.returncode == 0, result.stderr
    before, after = best(tmp_path / "source"), best(tmp_path / "run")
    shared = {name: tensor for name, tensor in after.items() if name.startswith("sharing.shared.")}
    assert len(shared) == 4
    assert all(tensor.equal(before[name.replace("shared", "encoder")]) for name, tensor in shared.items())
    assert all(after[name].equal(before[name]) for name in after if name.startswith("embedders."))
    source.unlink()
    assert run("evaluate", tmp_path / "run").returncode == 0


def test_another_archive_in_its_place_is_not_gone_on_with(source, experiment, write, run, tmp_path):
    experiment["model"]["pretrained"] = [{"archive": str(source), "parameters": ["^sharing"]}]
    experiment["trainer"]["epochs"] = 1
    file = write(experiment)
    assert run("train", file, "-s", tmp_path / "run").returncode == 0
    assert run("train", file, "-s", source.parent, "--force", "-o", "model.pretrained=[]").returncode == 0
    assert (
        run("train", file, "-s", source.parent, "--force", "-o", "model.pretrained=[]", "-o", "seed=1").returncode == 0
    )
    result = run("train", file, "-s", tmp_path / "run", "--resume")
    assert result.returncode == 2 and f"the data changed since the run was begun: {source}" in result.stderr


def test_words_of_another_vocabulary_are_refused(source, experiment, write, run, tmp_path):
    experiment["model"]["pretrained"] = [{"archive": str(source), "parameters": ["^embedders"]}]
    experiment["vocabulary"] = {"min_count": 100}
    result = run("train", write(experiment), "-s", tmp_path / "run")
    assert result.returncode == 2 and not (tmp_path / "run").exists()
    said = "model.pretrained.0: embedders.shared.table.weight is made for the words or labels of the archive"
    assert said in result.stderr.splitlines()[-1]


CHARACTER_GRU = {"type": "character_gru", "dim": 4, "hidden_dim": 3}


def trained_on_characters(experiment, write, run, tmp_path):
    """The archive of a run with an embedder of words and one of characters."""
    embedders = [{"type": "words", "dim": 4}, CHARACTER_GRU]
    experiment["model"]["embedder"] = {"type": "concatenated", "embedders": embedders}
    experiment["model"]["sharing"] = {"type": "fully_shared", "encoder": LSTM}
    experiment["trainer"]["epochs"] = 1
    result = run("train", write(experiment), "-s", tmp_path / "source")
    assert result.returncode == 0, result.stderr
    return tmp_path / "source" / "archive.tar.gz"


def test_what_reads_characters_is_taken_over_where_only_words_differ(experiment, write, run, tmp_path):
    source = trained_on_characters(experiment, write, run, tmp_path)
    pattern = r"^embedders\.shared\.embedders\.1\."
    experiment["model"]["pretrained"] = [{"archive": str(source), "parameters": [pattern]}]
    experiment["vocabulary"] = {"min_count": 30}
    experiment["trainer"]["frozen"] = [pattern]
    result = run("train", write(experiment), "-s", tmp_path / "run")
    assert result.returncode == 0, result.stderr
    before, after = best(tmp_path / "source"), best(tmp_path / "run")
    words = "embedders.shared.embedders.0.table.weight"
    assert len(after[words]) < len(before[words])
    taken = [name for name in after if name.startswith("embedders.shared.embedders.1.")]
    assert len(taken) == 9 and all(after[name].equal(before[name]) for name in taken)


def test_what_reads_other_characters_is_refused(experiment, write, run, tmp_path):
    source = trained_on_characters(experiment, write, run, tmp_path)
    experiment["model"]["pretrained"] = [{"archive": str(source), "parameters": [r"embedders\.1\.rightward"]}]
    for task in experiment["tasks"].values():
        path = tmp_path / "upper.tsv"
        path.write_text("positive\tFINE FILM\nnegative\tDULL\n")
        task["train"] = str(path)
    result = run("train", write(experiment), "-s", tmp_path / "run")
    said = "embedders.shared.embedders.1.rightward.weight_ih_l0 is made for the characters of the archive"
    assert result.returncode == 2 and said in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"archive": "nowhere.tar.gz"}, "model.pretrained.0.archive: nowhere.tar.gz: no such file"),
        ({"archive": "."}, "model.pretrained.0.archive: .: is a directory; name an archive.tar.gz"),
        ({"parameters": ["^sharing", "lstn"]}, "model.pretrained.0.parameters.1: no parameter that both models have"),
        ({"parameters": ["("]}, "model.pretrained.0.parameters.0: '(' is not a regular expression"),
        ({"rename": {"encoder.": "x."}}, "model.pretrained.0.rename: in "),
        ({"task": "book"}, "has no task 'book' (books, films)"),
        ({"rename": {"sharing.": "x."}}, "model.pretrained.0.parameters.0: no parameter that both models have"),
    ],
)
def test_a_mistake_is_told_with_its_place(source, experiment, write, run, change, said):
    experiment["model"]["pretrained"] = [{"archive": str(source), "parameters": ["^sharing"]} | change]
    result = run("check", write(experiment))
    assert result.returncode == 2 and said in result.stderr
    assert len(result.stderr.splitlines()) == 1, result.stderr


def test_a_part_of_another_size_is_refused(source, experiment, write, run):
    experiment["model"]["sharing"] = {"type": "fully_shared", "encoder": LSTM | {"hidden_dim": 5}}
    experiment["model"]["pretrained"] = [{"archive": str(source), "parameters": ["^sharing"]}]
    result = run("check", write(experiment))
    assert result.returncode == 2 and "has another shape: (24, " in result.stderr


def test_weights_per_task_need_a_task(experiment, write, run, tmp_path):
    experiment["model"]["sharing"] = {"type": "fully_shared", "encoder": LSTM}
    experiment["trainer"] |= {"selection": {"type": "per_task"}}
    assert run("train", write(experiment), "-s", tmp_path / "source").returncode == 0
    taken = {"archive": str(tmp_path / "source" / "archive.tar.gz"), "parameters": ["^sharing"]}
    experiment["model"]["pretrained"] = [taken]
    result = run("check", write(experiment))
    assert result.returncode == 2 and "model.pretrained.0.task: " in result.stderr and "name one" in result.stderr
    experiment["model"]["pretrained"] = [taken | {"task": "films"}]
    experiment["trainer"] |= {"epochs": 1, "frozen": ["^sharing"], "selection": {"type": "mean"}}
    assert run("train", write(experiment), "-s", tmp_path / "run").returncode == 0
    films = best(tmp_path / "source", "films")
    encoder = {name: tensor for name, tensor in best(tmp_path / "run").items() if name.startswith("sharing.")}
    assert encoder and all(tensor.equal(films[name]) for name, tensor in encoder.items())


NORMAL = {"type": "normal"}


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (
            [{"pattern": "shering", "initializer": NORMAL}],
            "initializers.0.pattern: no parameter is named like 'sher",
        ),
        (
            [{"pattern": ".", "initializer": NORMAL}, {"pattern": "^heads", "initializer": NORMAL}],
            "initializers.1.pattern: no parameter that the entries before leave is named like '^heads'; mend it",
        ),
        ([{"pattern": ".", "initializer": {"type": "orthogonal"}}], "'orthogonal' is for matrices, and "),
    ],
)
def test_a_rule_that_fills_nothing_or_does_not_fit_is_an_error(experiment, write, run, rules, said):
    experiment["model"]["initializers"] = rules
    result = run("check", write(experiment))
    assert result.returncode == 2 and said in result.stderr
