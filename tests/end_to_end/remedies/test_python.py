"""Mistakes in calls from Python: one sentence of mtlkit's own, before anything is written."""

import numpy
import pytest
import torch

import mtlkit
from mtlkit.errors import ArchiveError
from mtlkit.runs import dry_run
from tests.end_to_end.remedies.world import Mistake, in_python, try_out


class Listens:
    """A listener to nothing."""

    def stage(self, name, epochs): ...

    def step(self, step): ...

    def epoch(self, end): ...

    def close(self): ...


class NotQuite(Listens):
    close = None


def train(**given):
    """Trains with these arguments, into a folder that is not there yet."""

    def step(world):
        call = {"experiment": world.experiment, "directory": world.folder / "new", "device": "cpu", "limit": 8, **given}
        return in_python(lambda: mtlkit.train(**call))

    return step


def evaluate(**given):
    def step(world):
        run = world.folder / "run"
        call = {"archive": run if run.exists() else world.run(), "device": "cpu", **given}
        return in_python(lambda: mtlkit.evaluate(**call))

    return step


def load(**given):
    return lambda world: in_python(lambda: mtlkit.load_experiment(**{"source": world.experiment, **given}))


def opened(name):
    return lambda world: in_python(lambda: mtlkit.load_archive(world.folder / name))


TRAINING = [
    ("experiment", 5, "experiment: is of type int; give a file, a dict or a loaded experiment"),
    ("experiment", None, "experiment: is of type NoneType; give a file, a dict or a loaded experiment"),
    ("experiment", ["a.jsonnet"], "experiment: is of type list; give a file, a dict or a loaded experiment"),
    ("directory", 5, "directory: should be a path, as a string or a Path (got 5)"),
    ("directory", "a\0b", "directory: no file system has such a name (got a\\x00b...); give another path"),
    ("directory", b"run", "directory: should be a path, as a string or a Path (got b'run')"),
    ("device", 0, "device 0: is no device; use auto, cpu, cuda or cuda:N"),
    ("device", None, "device None: is no device; use auto, cpu, cuda or cuda:N"),
    ("device", torch.device("meta"), "device meta: mtlkit runs on cpu and cuda"),
    ("limit", 0, "limit: should be a whole number of at least 1 (got 0)"),
    ("limit", "60", "limit: should be a whole number of at least 1 (got '60')"),
    ("limit", True, "limit: should be a whole number of at least 1 (got True)"),
    ("resume", "yes", "resume: should be True, False or 'auto' (got 'yes')"),
    ("resume", 1, "resume: should be True, False or 'auto' (got 1)"),
    ("resume_anyway", "no", "resume_anyway: should be True or False (got 'no')"),
    ("force", "no", "force: should be True or False (got 'no')"),
    ("profile", "trace.json", "profile: should be True or False (got 'trace.json')"),
    (
        "listeners",
        "print",
        "listeners: is of type str; give a list of objects with the methods stage, step, epoch, close",
    ),
    ("listeners", Listens(), "listeners: is of type Listens; give a list of objects with the methods"),
    ("listeners", [print], "listeners: item 0: is of type builtin_function_or_method; give an object with the methods"),
    ("listeners", [Listens(), NotQuite()], "listeners: item 1: is of type NotQuite; give an object with the methods"),
    ("listeners", [Listens], "listeners: item 0: is the class Listens; give an object with the methods"),
    ("say", "loud", "say: should be a function that takes a line, such as print (got 'loud')"),
    ("say", True, "say: should be a function that takes a line, such as print (got True)"),
]


@pytest.mark.parametrize(
    ("name", "value", "said"), TRAINING, ids=[f"{name} {number}" for number, (name, *_) in enumerate(TRAINING)]
)
def test_a_wrong_argument_of_train_leaves_nothing_behind(world, name, value, said):
    before = sorted(world.folder.rglob("*"))
    found = train(**{name: value})(world)
    assert found.returncode == 2 and found.stderr.startswith(said)
    assert sorted(world.folder.rglob("*")) == before


def test_right_arguments_of_every_kind_are_taken(world):
    listeners = (each for each in [Listens()])  # any iterable
    trained = train(
        directory=str(world.folder / "new"), device=torch.device("cpu"), listeners=listeners, say=list().append
    )
    assert trained(world).returncode == 0
    assert train(resume="auto")(world).returncode == 0
    assert train(resume=True)(world).returncode == 0
    assert in_python(lambda: dry_run(world.experiment, world.folder / "other", limit=8)).returncode == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"archive": 5}, "archive: should be a path, as a string or a Path (got 5)"),
        ({"tasks": "books"}, "tasks takes several names; give a list, such as ['books']"),
        ({"tasks": 5}, "tasks: should be a list of names (got 5)"),
        ({"tasks": ["books", 5]}, "tasks: should be a list of names, and 5 is not a string"),
        ({"split": 5}, "there is no split 5; use train, dev, test"),
        ({"batch_size": 0}, "batch_size: should be a whole number of at least 1 (got 0)"),
        ({"batch_size": -1}, "batch_size: should be a whole number of at least 1 (got -1)"),
        ({"batch_size": 2.0}, "batch_size: should be a whole number of at least 1 (got 2.0)"),
        ({"limit": 0}, "limit: should be a whole number of at least 1 (got 0)"),
        ({"data": 5}, "data: should be a path, as a string or a Path (got 5)"),
        ({"data": {"books": None}}, "data: books: should be a path, as a string or a Path (got None)"),
        ({"data": "nowhere"}, "data nowhere: no such folder; give a folder, or files by task"),
        ({"predictions": 5}, "predictions: should be a path, as a string or a Path (got 5)"),
        ({"include_packages": "mine"}, "include_packages takes several names; give a list, such as ['mine']"),
        ({"say": 5}, "say: should be a function that takes a line, such as print (got 5)"),
        ({"device": 5}, "device 5: is no device; use auto, cpu, cuda or cuda:N"),
    ],
    ids=str,
)
def test_a_wrong_argument_of_evaluate_is_named(world, given, said):
    found = evaluate(**given)(world)
    assert found.returncode == 2 and found.stderr.startswith(said), found.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"overrides": 5}, "overrides: should be a list of settings (got 5)"),
        ({"overrides": ["seed=1", 5]}, "overrides: should be a list of settings, and 5 is not a string"),
        (
            {"variables": ["seed"]},
            "variables: should be values by name (got ['seed']); give a dict with strings as keys",
        ),
        ({"variables": {1: 2}}, "variables: should be values by name (got {1: 2}); give a dict with strings as keys"),
        ({"arguments": "seed"}, "arguments: should be values by name (got 'seed'); give a dict with strings as keys"),
        ({"source": "a\0b"}, "experiment: no file system has such a name (got a\\x00b...); give another path"),
        ({"source": f"{'a' * 256}.json"}, f"experiment: no file system has such a name (got {'a' * 60}...)"),
        ({"include_packages": 5}, "include_packages: should be a list of names (got 5)"),
    ],
    ids=str,
)
def test_a_wrong_argument_of_load_experiment_is_named(world, given, said):
    found = load(**given)(world)
    assert found.returncode == 2 and found.stderr.startswith(said), found.stderr


def test_a_file_of_components_may_be_a_path(world, registry):
    world.file("mine.py", "import mtlkit\n")
    assert load(include_packages=[world.folder / "mine.py"])(world).returncode == 0


def test_an_archive_that_is_not_there_is_an_error_of_archives(world):
    """As the docstrings of `load_archive`, `evaluate` and `predict` promise."""
    for path in (world.folder, world.folder / "nowhere", world.folder / "nowhere.tar.gz"):
        for call in (mtlkit.load_archive, mtlkit.evaluate, lambda path: mtlkit.predict(path, ["a film"])):
            with pytest.raises(ArchiveError):
                call(path)
    with pytest.raises(mtlkit.ConfigError, match=r"^path: should be a path, as a string or a Path \(got 5\)"):
        mtlkit.load_archive(5)
    with pytest.raises(mtlkit.ConfigError, match=r"^directory: should be a path"):
        mtlkit.Run(5)


@pytest.mark.parametrize("door", ["load", "train", "dry run", "check", "stats"])
def test_every_door_refuses_every_reserved_name_at_once(world, door):
    books = world.experiment["tasks"]["books"]
    reserved = ("all", "Shared", "average", "keys", "my task")
    world.experiment["tasks"] |= {name: dict(books) for name in (*reserved, "Books")}
    world.experiment["model"]["dropout"] = 2
    doors = {
        "load": load(),
        "train": train(),
        "dry run": lambda w: in_python(lambda: dry_run(w.experiment)),
        "check": lambda w: w.check(),
        "stats": lambda w: (w.with_settings(), w.mtlkit("data stats E"))[1],
    }
    found = doors[door](world)
    assert found.returncode == 2
    lines = found.stderr.splitlines()
    for name in reserved:
        assert sum(f"tasks.{name}: this cannot be a task's name" in line for line in lines) == 1, found.stderr
    assert sum("tasks.Books: differs from the task 'books'" in line for line in lines) == 1
    assert sum("model.dropout: should be less than 1" in line for line in lines) == 1
    assert len(lines) == 7


MISTAKES = [
    Mistake(
        "one task as a string", evaluate(tasks="books"), "give a list, such as ['books']", evaluate(tasks=["books"])
    ),
    Mistake(
        "overrides as a string",
        load(overrides="seed=1"),
        "overrides takes several settings; give a list, such as ['trainer.epochs=3'], or a dict",
        load(overrides=["seed=1"]),
    ),
    Mistake(
        "a folder without an archive",
        opened("."),
        "has no archive.tar.gz; give the directory of a finished run",
        lambda w: [w.run(), opened("run")(w)][1],
    ),
    Mistake("an experiment of numbers", train(experiment=5), "give a file, a dict or a loaded experiment", train()),
    Mistake("a device by its number", train(device=0), "use auto, cpu, cuda or cuda:N", train(device="auto")),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_what_is_said_of_a_call_helps(mistake, world):
    try_out(mistake, world)


def test_whole_numbers_of_numpy_are_counts(world):
    assert train(limit=numpy.int64(8))(world).returncode == 0
    assert evaluate(limit=numpy.int64(8), batch_size=numpy.int32(4))(world).returncode == 0
    assert evaluate(limit=numpy.float64(8))(world).returncode == 2
