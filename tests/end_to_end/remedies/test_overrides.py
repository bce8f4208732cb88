"""Mistakes in `-o`."""

import pytest

from tests.end_to_end.remedies.world import ABSENT, Mistake, try_out

SHARING = '{"type": "private", "encoder": {"type": "lstm", "hidden_dim": 3}}'
HALF_QUOTED = SHARING.replace('e"', "e", 1)


def overridden(*overrides, **settings):
    return lambda w: w.check(*(word for override in overrides for word in ("-o", override)), **settings)


MISTAKES = [
    Mistake(
        "no value",
        overridden("trainer.epochs"),
        "-o trainer.epochs: write it as -o NAME=VALUE",
        overridden("trainer.epochs=3"),
    ),
    Mistake(
        "an item that the list of the file lacks",
        overridden("trainer.frozen.1=^heads", trainer__frozen=["^embedders"]),
        "-o trainer.frozen.1: the list has 1 item, numbered 0; '1' is none of them, so name one that there is, or",
        overridden('trainer.frozen=["^embedders", "^heads"]', trainer__frozen=["^embedders"]),
    ),
    Mistake(
        "an item that the default list lacks",
        overridden("trainer.records.1.type=gradient_cosine"),
        "trainer.records.1: the default list has 1 item, numbered 0; '1' is none of them, so name one that there is",
        overridden('trainer.records=[{"type": "sharing"}, {"type": "gradient_cosine"}]'),
    ),
    Mistake(
        "an item counted from the end",
        overridden("trainer.records.-1.texts=3"),
        "trainer.records.-1: the default list has 1 item, numbered 0; '-1' is none of them",
        overridden("trainer.records.0.texts=3"),
    ),
    Mistake(
        "an item of an empty default list",
        overridden("trainer.loggers.0.type=tensorboard"),
        "trainer.loggers.0: the default list has 0 items, numbered from 0; '0' is none of them, so give the whole list",
        overridden("trainer.loggers=[]"),
    ),
    Mistake(
        "a part of null",
        overridden("trainer.schedule.decay=0.9", trainer__schedule=None),
        "-o trainer.schedule.decay: there is no such place; its parent is null, not an object or a list, so give "
        "trainer.schedule as a whole",
        overridden('trainer.schedule={"type": "exponential", "decay": 0.9}', trainer__schedule=None),
    ),
    Mistake(
        "a part of a default that is null",
        overridden("trainer.schedule.decay=0.9"),
        "trainer.schedule: should be {type: name, ...}, one of: cosine, exponential, linear; there is no default that "
        "-o could change, so give the type as well",
        overridden("trainer.schedule.decay=0.9", "trainer.schedule.type=exponential"),
    ),
    Mistake(
        "a part of what is missing",
        overridden("model.embedder.dim=8", model__embedder=ABSENT),
        "model.embedder: should be {type: name, ...}",
        overridden("model.embedder.dim=8", "model.embedder.type=words", model__embedder=ABSENT),
    ),
    Mistake(
        "an object of Jsonnet",
        overridden("model.sharing={type: 'private', encoder: {type: 'lstm', hidden_dim: 3}}"),
        'write it as JSON: {"encoder": {"hidden_dim": 3, "type": "lstm"}, "type": "private"}',
        overridden('model.sharing={"encoder": {"hidden_dim": 3, "type": "lstm"}, "type": "private"}'),
    ),
    Mistake(
        "a missing quote",
        overridden(f"model.sharing={HALF_QUOTED}"),
        "a text that is not JSON); write it as JSON, with names and texts between double quotes",
        overridden(f"model.sharing={SHARING}"),
    ),
    Mistake(
        "a value of Python",
        overridden("model.share_embedder=False"),
        'should be a valid boolean (got "False", a text that is not JSON); write it as JSON: false',
        overridden("model.share_embedder=false"),
    ),
    Mistake(
        "nothing, as Python writes it",
        overridden("trainer.gradient_clip=None"),
        "write it as JSON: null",
        overridden("trainer.gradient_clip=null"),
    ),
    Mistake(
        "a number without its zero",
        overridden("model.dropout=.5"),
        "write it as JSON: 0.5",
        overridden("model.dropout=0.5"),
    ),
    Mistake(
        "a list of Python",
        overridden("trainer.frozen=['^heads']"),
        'write it as JSON: ["^heads"]',
        overridden('trainer.frozen=["^heads"]'),
    ),
    Mistake(
        "a key twice",
        overridden('trainer.optimizer={"type": "adam", "lr": 1, "lr": 2}'),
        "-o trainer.optimizer: key 'lr' is given twice in one object; keep one of them",
        overridden('trainer.optimizer={"type": "adam", "lr": 2}'),
    ),
    Mistake(
        "quotes around a name",
        overridden("model.sharing.communicator.type='indirect'"),
        "no Communicator ''indirect''; did you mean 'indirect'?",
        overridden("model.sharing.communicator.type=indirect"),
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_what_is_said_of_an_override_helps(mistake, world):
    try_out(mistake, world)


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("trainer.records.0.texts=3", "trainer.records.0.texts", 3),
        ("trainer.records.0.type=gradient_cosine", "trainer.records.0.type", "gradient_cosine"),
        ("trainer.optimizer.lr=0.5", "trainer.optimizer.lr", 0.5),
        ("tasks.books.reader.skip_empty=true", "tasks.books.reader.skip_empty", True),
        ("model.embedder.dim=8", "model.embedder.dim", 8),
    ],
)
def test_an_override_reaches_into_a_default(world, override, path, value):
    resolved = world.check("--resolved", "-o", override)
    assert resolved.returncode == 0, resolved.stderr
    found = world.parsed(resolved.stdout)
    for key in path.split("."):
        found = found[int(key)] if isinstance(found, list) else found[key]
    assert found == value
