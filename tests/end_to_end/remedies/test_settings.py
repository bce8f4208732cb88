"""Mistakes in an experiment file and in the options that change it."""

import pytest

from tests.end_to_end.remedies.world import ABSENT, Mistake, try_out

POOL = {"type": "pool", "module": {"type": "lstm", "hidden_dim": 12}, "num_modules": 2, "max_length": 2}
JOINT, SEARCH = {"type": "joint"}, {"type": "simultaneous_online", "num_samples": 2}
DIRECT = {"type": "message_passing", "hidden_dim": 6, "communicator": {"type": "direct"}}


def stages(*changes):
    trainer = {"epochs": 1, "kernels": "plain"}
    return {
        "trainer": ABSENT,
        "stages": [{"name": f"s{number}", "trainer": trainer, **more} for number, more in enumerate(changes)],
    }


def jsonnet(world, text, *words, name="my.jsonnet"):
    return world.main("check", world.file(name, text), *words)


def of_file(world, head="", body=""):
    """A Jsonnet file that imports the experiment."""
    return f"{head}(import 'experiment.json') + {{ {body} }}"


MISTAKES = [
    Mistake(
        "a misspelt setting",
        lambda w: w.check(trainer__epoch=3),
        "trainer.epoch: unknown setting; did you mean 'epochs'?",
        lambda w: w.check(trainer__epochs=3),
    ),
    Mistake(
        "a misspelt component",
        lambda w: w.check(tasks__books__head__type="clasifier"),
        "tasks.books.head.type: no Head 'clasifier'; did you mean 'classifier'?",
        lambda w: w.check(tasks__books__head__type="classifier"),
    ),
    Mistake(
        "a size that is never written",
        lambda w: w.check(model__sharing__communicator__input_dim=12),
        "model.sharing.communicator.input_dim: is worked out by mtlkit when it builds the part; remove it",
        lambda w: w.check(),
    ),
    Mistake(
        "a data file that is not there",
        lambda w: w.check(tasks__books__dev="books.dev.tsv"),
        "tasks.books.dev: no file books.dev.tsv; give a path from the current folder",
        lambda w: w.check(tasks__books__dev="../books.dev.tsv"),
    ),
    Mistake(
        "a folder as a data file",
        lambda w: w.check(tasks__books__dev=".."),
        "tasks.books.dev: .. is a directory; name a file in it",
        lambda w: w.check(tasks__books__dev="../books.dev.tsv"),
    ),
    Mistake(
        "a task with the name of a word",
        lambda w: w.check(tasks__all=w.experiment["tasks"]["books"]),
        "tasks.all: this cannot be a task's name: --leave-out takes it for every task; choose another name",
        lambda w: w.check(tasks__plays=w.experiment["tasks"]["books"]),
    ),
    Mistake(
        "a task with a name of PyTorch's",
        lambda w: w.check(tasks__keys=w.experiment["tasks"]["books"]),
        "tasks.keys: this cannot be a task's name: PyTorch's modules have an attribute of this name; choose another",
        lambda w: w.check(tasks__keys2=w.experiment["tasks"]["books"]),
    ),
    Mistake(
        "a task with a blank in its name",
        lambda w: w.check(**{"tasks__my task": w.experiment["tasks"]["books"]}),
        "tasks.my task: this cannot be a task's name; use letters, digits, '_' and '-'",
        lambda w: w.check(tasks__my_task=w.experiment["tasks"]["books"]),
    ),
    Mistake(
        "a task named like an option",
        lambda w: w.check(**{"tasks__-s": w.experiment["tasks"]["books"]}),
        "a command line would read it as an option; begin it with a letter, a digit or '_'",
        lambda w: w.check(tasks___s=w.experiment["tasks"]["books"]),
    ),
    Mistake(
        "a task with a long name",
        lambda w: w.check(**{f"tasks__{'a' * 101}": w.experiment["tasks"]["books"]}),
        "it has 101 characters; use at most 100",
        lambda w: w.check(**{f"tasks__{'a' * 100}": w.experiment["tasks"]["books"]}),
    ),
    Mistake(
        "two tasks that differ in case",
        lambda w: w.check(tasks__Books=w.experiment["tasks"]["books"]),
        "tasks.Books: differs from the task 'books' only in upper and lower case; rename one of them",
        lambda w: w.check(tasks__Books2=w.experiment["tasks"]["books"]),
    ),
    Mistake(
        "nothing to drop",
        lambda w: w.check(drop_test_texts=True, tasks__books__test=ABSENT, tasks__films__test=ABSENT),
        "drop_test_texts: no task has test data, so there is nothing to leave out; remove it or set a task's test",
        lambda w: w.check(drop_test_texts=True),
    ),
    Mistake(
        "splits drawn from one file twice",
        lambda w: w.check(tasks__books__dev=w.experiment["tasks"]["books"]["train"], tasks__books__resplit={"dev": 5}),
        "holds the same texts as train; leave dev out, since resplit draws it from train",
        lambda w: w.check(tasks__books__dev=ABSENT, tasks__books__resplit={"dev": 5}),
    ),
    Mistake(
        "patience without dev data",
        lambda w: w.check(trainer__patience=2, tasks__books__dev=ABSENT, tasks__films__dev=ABSENT),
        "trainer.patience: has nothing to wait for, since no task has dev data; set one's dev, or its",
        lambda w: w.check(trainer__patience=2, tasks__films__dev=ABSENT),
    ),
    Mistake(
        "patience, and dev data to be drawn",
        lambda w: w.check(trainer__patience=2, tasks__books__dev=ABSENT, tasks__films__dev=ABSENT),
        "set one's dev, or its resplit: { dev: N }, or leave it out",
        lambda w: w.check(
            trainer__patience=2, tasks__films__dev=ABSENT, tasks__books__dev=ABSENT, tasks__books__resplit={"dev": 5}
        ),
    ),
    Mistake(
        "test figures without test data",
        lambda w: w.check(trainer__test_every_epoch=True, tasks__books__test=ABSENT, tasks__films__test=ABSENT),
        "no task has test data; set one's test, or its resplit: { dev: N, test: M }, or leave it out",
        lambda w: w.check(
            trainer__test_every_epoch=True,
            tasks__books__test=ABSENT,
            tasks__films__test=ABSENT,
            tasks__books__resplit={"dev": 5, "test": 5},
        ),
    ),
    Mistake(
        "a record twice",
        lambda w: w.check(trainer__records=[{"type": "sharing"}, {"type": "sharing", "texts": 1}]),
        "trainer.records.1: 'sharing' is there twice, and a line has it once; remove one of them",
        lambda w: w.check(trainer__records=[{"type": "sharing", "texts": 1}]),
    ),
    Mistake(
        "a search without paths",
        lambda w: w.check(trainer__update_strategy=SEARCH),
        "take another strategy, such as 'joint', or a scheme with paths",
        lambda w: w.check(trainer__update_strategy=JOINT),
    ),
    Mistake(
        "paths that nothing searches",
        lambda w: w.check(model__sharing=POOL),
        "take one that searches (",
        lambda w: w.check(model__sharing=POOL, trainer__update_strategy=SEARCH),
    ),
    Mistake(
        "frozen is everything",
        lambda w: w.check(trainer__frozen=["."]),
        "trainer.frozen: leaves nothing to train for books, films; freeze less",
        lambda w: w.check(trainer__frozen=["^embedders"]),
    ),
    Mistake(
        "a trainer beside stages",
        lambda w: w.check(**(stages({}) | {"trainer": {"epochs": 1}})),
        "trainer: each stage has a trainer of its own; move this into stages.0.trainer and those after it",
        lambda w: w.check(**stages({})),
    ),
    Mistake(
        "two stages of one name",
        lambda w: w.check(**stages({"name": "one"}, {"name": "one"})),
        "stages: two stages are named 'one'; rename one",
        lambda w: w.check(**stages({"name": "one"}, {"name": "two"})),
    ),
    Mistake(
        "a first stage that keeps",
        lambda w: w.check(**stages({"keep": []})),
        "stages.0.keep: there is no stage before this one; remove it",
        lambda w: w.check(**stages({})),
    ),
    Mistake(
        "paths before a search",
        lambda w: w.check(**stages({"derive": {"type": "greedy"}}, {})),
        "stages.0.derive: no stage before this one has searched; remove it, or put a search first",
        lambda w: w.check(**stages({}, {})),
    ),
    Mistake(
        "a task that no stage trains",
        lambda w: w.check(**stages({"tasks": ["books"]})),
        "stages: none of them trains films; name the task in a stage's tasks, or remove it",
        lambda w: w.check(**stages({"tasks": ["books", "films"]})),
    ),
    Mistake(
        "a group without parameters",
        lambda w: w.check(trainer__optimizer={"type": "adam", "groups": [{"pattern": "a"}, {"pattern": "table"}]}),
        "groups before this one take all parameters that match; move it before them, or narrow their patterns",
        lambda w: w.check(trainer__optimizer={"type": "adam", "groups": [{"pattern": "table"}, {"pattern": "a"}]}),
    ),
    Mistake(
        "vectors of another size",
        lambda w: w.check(vocabulary={"pretrained": str(w.file("v.txt", "warm 1 2 3\n"))}),
        "set its dim to 3 or name another file in vocabulary.pretrained",
        lambda w: w.check(vocabulary={"pretrained": str(w.file("v.txt", "warm 1 2 3\n"))}, model__embedder__dim=3),
    ),
    Mistake(
        "a key twice in JSON",
        lambda w: w.main("check", w.file("e.json", '{"seed": 1, "seed": 2}')),
        "e.json: key 'seed' is given twice in one object; keep one of them",
        lambda w: w.main("check", w.file("e.json", '{"seed": 2}')),
        "tasks: is missing",
    ),
    Mistake(
        "a file in another encoding",
        lambda w: jsonnet(w, "{ seed: 1 } // caf\xe9".encode("latin-1")),
        "my.jsonnet: is not UTF-8 text; save it in that encoding",
        lambda w: jsonnet(w, of_file(w, body="seed: 1 /* caf\xe9 */").encode("utf-8-sig")),
    ),
    Mistake(
        "a misspelt file",
        lambda w: [w.file("my.jsonnet", of_file(w)), w.mtlkit("check ../my.jsonet")][1],
        "../my.jsonet: no such file; did you mean '../my.jsonnet'?",
        lambda w: w.mtlkit("check ../my.jsonnet"),
    ),
    Mistake(
        "a file of another kind",
        lambda w: jsonnet(w, "seed: 1", name="my.yaml"),
        "my.yaml: an experiment is a .jsonnet or .json file; give such a file",
        lambda w: jsonnet(w, of_file(w)),
    ),
    Mistake(
        "a folder",
        lambda w: w.mtlkit("check .."),
        "..: is a folder; give an experiment file",
        lambda w: w.mtlkit("check ../experiment.json"),
    ),
    Mistake(
        "a misspelt import",
        lambda w: jsonnet(w, "import 'experment.json'"),
        "/experiment.json'?",
        lambda w: jsonnet(w, "import 'experiment.json'"),
    ),
    Mistake(
        "a variable without a value",
        lambda w: jsonnet(w, of_file(w, body="seed: std.extVar('seed')")),
        "needs the variable 'seed': give --str seed=TEXT or --var seed=JSON",
        lambda w: jsonnet(w, of_file(w, body="seed: std.extVar('seed')"), "--var", "seed=1"),
    ),
    Mistake(
        "a misspelt variable",
        lambda w: jsonnet(w, of_file(w, body="seed: std.extVar('seed')"), "--var", "seed=1", "--var", "sead=1"),
        "reads no variable 'sead'; did you mean 'seed'?",
        lambda w: jsonnet(w, of_file(w, body="seed: std.extVar('seed')"), "--var", "seed=1"),
    ),
    Mistake(
        "text as JSON",
        lambda w: jsonnet(w, of_file(w, body="seed: std.length(std.extVar('a'))"), "--var", "a=b/c"),
        "for text use --str a=b/c",
        lambda w: jsonnet(w, of_file(w, body="seed: std.length(std.extVar('a'))"), "--str", "a=b/c"),
    ),
    Mistake(
        "an argument that is missing",
        lambda w: jsonnet(w, of_file(w, head="function(seed) ", body="seed: seed")),
        "needs the top-level argument 'seed': give --tla seed=JSON or --tla-str seed=TEXT",
        lambda w: jsonnet(w, of_file(w, head="function(seed) ", body="seed: seed"), "--tla", "seed=3"),
    ),
    Mistake(
        "an argument of a file that is no function",
        lambda w: jsonnet(w, of_file(w, body="seed: std.extVar('seed')"), "--tla", "seed=3", "--var", "seed=3"),
        "is not a function, so it takes no argument 'seed'; give variables by --var, --str",
        lambda w: jsonnet(w, of_file(w, body="seed: std.extVar('seed')"), "--var", "seed=3"),
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_what_is_said_of_settings_helps(mistake, world):
    try_out(mistake, world)
