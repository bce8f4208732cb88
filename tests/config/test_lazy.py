"""Choosing parts, and what is said when a choice is wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pydantic
import pytest

from mtlkit.config import Component, Lazy, Runtime, Spec, components_in, validate, with_parts
from mtlkit.encoders import Encoder, LstmEncoder, StackedEncoder
from mtlkit.heads import Classifier

Mistakes = Callable[[Any], list[str]]
ENCODERS = "bilstm, cnn, lstm, pass_through, stacked, transformer_layer"
LSTM = {"type": "lstm", "hidden_dim": 3}


def test_one_choice_builds_many_parts() -> None:
    lazy = Lazy.of(LstmEncoder, hidden_dim=3)
    first, second = lazy.build(input_dim=2), lazy.build(input_dim=5)
    assert first is not second
    assert (first.lstm.input_size, second.lstm.input_size, first.output_dim) == (2, 5, 3)
    assert lazy.type == "lstm"


@pytest.mark.parametrize("runtime", [{}, {"input_dim": 2, "labels": []}, {"vocabulary": None}])
def test_building_takes_exactly_what_the_interface_offers(runtime: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="encoder offers"):
        Lazy.of(LstmEncoder).build(**runtime)


def test_a_component_gets_only_what_it_names(registry: None) -> None:
    class Engine(Component, offers=("fuel", "air")): ...

    @Engine.register("diesel")
    class Diesel(Engine):
        def __init__(self, size: int, *, fuel: Runtime[str]) -> None:
            self.got = (size, fuel)

    assert Lazy.of(Diesel, size=2).build(fuel="oil", air="cold").got == (2, "oil")


def test_equal_settings_are_equal_parts() -> None:
    assert Lazy.of(LstmEncoder) == Lazy.of(LstmEncoder, hidden_dim=100) != Lazy.of(LstmEncoder, hidden_dim=99)
    assert repr(Lazy.of(LstmEncoder)) == "Lazy({'type': 'lstm', 'hidden_dim': 100})"


def test_code_is_checked_like_experiments() -> None:
    with pytest.raises(pydantic.ValidationError, match="greater than 0"):
        Lazy.of(LstmEncoder, hidden_dim=0)


def test_parts_stand_alone_in_lists_and_by_name(section: type[Spec]) -> None:
    value = {"one": LSTM, "many": [LSTM, {"type": "stacked", "layers": [LSTM]}], "named": {"x": LSTM}, "path": "a/b"}
    found: Any = validate(section, value, "f")
    lstm = Lazy.of(LstmEncoder, hidden_dim=3)
    assert found.one == found.named["x"] == found.many[0] == lstm
    assert found.many[1] == Lazy.of(StackedEncoder, layers=[lstm])
    assert found.path == Path("a/b")


def test_a_resolved_section_validates_to_itself(section: type[Spec]) -> None:
    found = validate(section, {"one": {"type": "stacked", "layers": [{"type": "lstm"}]}, "path": "a/b"}, "f")
    resolved = found.model_dump(mode="json")
    assert resolved["one"] == {"type": "stacked", "layers": [{"type": "lstm", "hidden_dim": 100}], "dropout": 0.0}
    assert resolved["path"] == "a/b"
    assert validate(section, resolved, "f") == found


def test_a_section_cannot_be_changed(section: type[Spec]) -> None:
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        section().count = 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"count": True}, "count: should be a valid integer (got true)"),
        ({"count": 1.0}, "count: should be a valid integer (got 1.0)"),
        ({"count": "1"}, 'count: should be a valid integer (got "1")'),
        ({"count": None}, "count: should be a valid integer (got null)"),
        ({"count": 0}, "count: should be greater than 0 (got 0)"),
        ({"share": "0.5"}, 'share: should be a valid number (got "0.5")'),
        ({"share": True}, "share: should be a valid number (got true)"),
        ({"share": 1}, "share: should be less than 1 (got 1)"),
        ({"flag": 1}, "flag: should be a valid boolean (got 1)"),
        ({"flag": "true"}, 'flag: should be a valid boolean (got "true")'),
        ({"many": {"0": LSTM}}, 'many: should be a valid list (got {"0": {"type": "lstm", "hidden_dim": 3}})'),
        ({"named": None}, "named: should be an object {name: value, ...} (got null)"),
        ({"path": 3}, "path: should be a path (got 3)"),
        ({"choice": -1}, "choice: should be a valid string, or should be greater than or equal to 0 (got -1)"),
        (
            {"one": {"type": "stacked", "layers": []}},
            "one.layers: should have 1 or more items (got [])",
        ),
        ([], "should be an object {...} (got [])"),
    ],
)
def test_values_are_taken_as_they_are(mistakes: Mistakes, value: Any, said: str) -> None:
    assert mistakes(value) == [said]


def test_a_number_may_be_written_without_a_point(section: type[Spec]) -> None:
    assert validate(section, {"share": 0}, "f").share == 0.0  # type: ignore[attr-defined]


def test_not_a_number_is_no_number(mistakes: Mistakes) -> None:
    assert len(mistakes({"share": float("nan")})) == 1


@pytest.mark.parametrize("value", ["lstm", 3, [], {}, {"hidden_dim": 3}])
def test_a_part_has_a_type(mistakes: Mistakes, value: Any) -> None:
    (line,) = mistakes({"one": value})
    assert line.startswith(
        "one: should be {type: name, ...}, one of: bilstm, cnn, lstm, pass_through, stacked, transformer_layer (got "
    )


@pytest.mark.parametrize("name", [3, None, True, ["lstm"], {"type": "lstm"}])
def test_a_type_is_a_name(mistakes: Mistakes, name: Any) -> None:
    (line,) = mistakes({"one": {"type": name}})
    assert line.startswith(
        "one: should be {type: name, ...}, one of: bilstm, cnn, lstm, pass_through, stacked, transformer_layer (got {"
    )


def test_an_unknown_component_gets_the_nearest_name(mistakes: Mistakes) -> None:
    known = f"(known: {ENCODERS})"
    assert mistakes({"many": [LSTM, {"type": "ltsm"}]}) == [
        f"many.1.type: no Encoder 'ltsm'; did you mean 'lstm'? {known}"
    ]
    assert mistakes({"one": {"type": "grid"}}) == [f"one.type: no Encoder 'grid' {known}"]


def test_an_unknown_key_gets_the_nearest_name(mistakes: Mistakes) -> None:
    assert mistakes({"cuont": 3}) == ["cuont: unknown setting; did you mean 'count'?"]
    assert mistakes({"one": {**LSTM, "hiden_dim": 3}}) == ["one.hiden_dim: unknown setting; did you mean 'hidden_dim'?"]
    assert mistakes({"one": {**LSTM, "x": 3}}) == ["one.x: unknown setting (known: type, hidden_dim)"]
    assert mistakes({"one": {**LSTM, "x\n\x1b": 3}}) == [r"one.x\n\x1b: unknown setting (known: type, hidden_dim)"]


def test_of_very_many_unknown_keys_some_are_named_and_all_are_counted(mistakes: Mistakes) -> None:
    """Each is compared with all known ones, which takes minutes for the 200,000 that a file of 2 MB may have."""
    said = mistakes({f"k{number}": 0 for number in range(200_000)})
    assert "k0: unknown setting" in said[0] and "199,900 more settings are unknown" in said
    assert len([line for line in said if "unknown setting" in line]) == 100


def test_three_levels_down_it_is_said_in_the_same_words(mistakes: Mistakes) -> None:
    inner = {"type": "stacked", "layers": [{"type": "lstm", "hiden_dim": 3}, {"type": "ltsm"}, {"type": "stacked"}]}
    assert mistakes({"named": {"x": {"type": "stacked", "layers": [inner]}}}) == [
        "named.x.layers.0.layers.0.hiden_dim: unknown setting; did you mean 'hidden_dim'?",
        f"named.x.layers.0.layers.1.type: no Encoder 'ltsm'; did you mean 'lstm'? (known: {ENCODERS})",
        "named.x.layers.0.layers.2.layers: is missing",
    ]


def test_what_mtlkit_works_out_is_not_asked_for(mistakes: Mistakes) -> None:
    assert mistakes({"one": {**LSTM, "input_dim": 3}}) == [
        "one.input_dim: is worked out by mtlkit when it builds the part; remove it"
    ]


def test_all_errors_come_at_once(mistakes: Mistakes) -> None:
    value = {
        "one": {"type": "stacked", "layers": [{"type": "lstm", "hidden_dim": "8"}], "dropout": 1.5},
        "many": [LSTM, "lstm"],
        "count": -1,
        "colour": "red",
    }
    places = [line.split(":")[0] for line in mistakes(value)]
    assert sorted(places) == ["colour", "count", "many.1", "one.dropout", "one.layers.0.hidden_dim"]


def test_a_missing_setting_is_named(mistakes: Mistakes) -> None:
    assert mistakes({"one": {"type": "stacked"}}) == ["one.layers: is missing"]


def test_braces_in_a_value_are_no_template(mistakes: Mistakes) -> None:
    assert mistakes({"count": "{message} {0}"}) == ['count: should be a valid integer (got "{message} {0}")']
    assert mistakes({"named": {"{a}": {"type": "{b}"}}})[0].startswith("named.{a}.type: no Encoder '{b}'")


def test_a_long_value_is_cut(mistakes: Mistakes) -> None:
    (line,) = mistakes({"count": "x" * 200})
    assert line.endswith("xxx...)") and len(line) < 120


def test_a_part_of_another_kind_is_refused(mistakes: Mistakes) -> None:
    assert mistakes({"one": Lazy.of(Classifier)})[0].startswith("one: should be {type: name, ...}")


def test_a_late_registration_counts(section: type[Spec], mistakes: Mistakes, registry: None) -> None:
    assert "no Encoder 'late'" in mistakes({"one": {"type": "late"}})[0]

    @Encoder.register("late")
    class Late(LstmEncoder):  # type: ignore[misc]  # final, but who is looking
        """Registered after the section was made."""

    found: Any = validate(section, {"one": {"type": "late"}}, "f")
    assert found.one.component is Late


def test_parts_at_any_depth() -> None:
    inner = [{"type": "lstm"}, {"type": "stacked", "layers": [LSTM]}]
    lazy = Lazy.of(StackedEncoder, layers=inner)
    assert [part.type for part in lazy.parts()] == ["stacked", "lstm", "stacked", "lstm"]


@pytest.fixture
def vehicle(registry: None) -> Lazy[Any]:
    """A part that holds other parts in every way that a setting can."""

    class Engine(Component): ...

    @Engine.register("diesel")
    class Diesel(Engine):
        def __init__(self, size: int = 1) -> None: ...

    class Axle(Spec):
        left: Lazy[Engine]
        right: Lazy[Engine]

    @dataclass
    class Tank:
        pump: Lazy[Engine]

    class Vehicle(Component): ...

    @Vehicle.register("lorry")
    class Lorry(Vehicle):
        def __init__(
            self,
            one: Lazy[Engine],
            pair: tuple[Lazy[Engine], Lazy[Engine]],
            more: tuple[Lazy[Engine], ...],
            axle: Axle,
            axles: list[Axle],
            nested: list[list[Lazy[Engine]]],
            named: dict[str, tuple[Lazy[Engine], str]],
            maybe: Lazy[Engine] | None,
            tank: Tank,
            name: str = "lorry",
        ) -> None: ...

    engine = partial(next, ({"type": "diesel", "size": number} for number in count()))

    def axle() -> dict[str, Any]:
        return {"left": engine(), "right": engine()}

    return Lazy.of(
        Lorry,
        one=engine(),
        pair=(engine(), engine()),
        more=(engine(), engine()),
        axle=axle(),
        axles=[axle(), axle()],
        nested=[[engine()], [engine(), engine()]],
        named={"a": (engine(), "text"), "b": (engine(), "text")},
        maybe=engine(),
        tank=Tank(Lazy.of(Diesel, size=engine()["size"])),
    )


def test_parts_are_found_wherever_a_setting_can_hold_them(vehicle: Lazy[Any]) -> None:
    first, *others = vehicle.parts()
    assert first is vehicle
    assert [part.settings.size for part in others] == list(range(18))  # type: ignore[attr-defined]


def test_parts_and_components_are_found_by_one_walk(vehicle: Lazy[Any]) -> None:
    assert list(components_in(vehicle)) == [part.component for part in vehicle.parts()]
    assert list(components_in({"x": [vehicle], "y": "text"})) == list(components_in(vehicle))


def test_parts_are_changed_wherever_a_setting_can_hold_them(vehicle: Lazy[Any]) -> None:
    def larger(place: str, part: Lazy[Any]) -> Lazy[Any]:
        size = getattr(part.settings, "size", None)
        return part if size is None else Lazy.of(part.component, size=size + 100)

    before = vehicle.to_json()
    after = with_parts(vehicle, larger)
    assert [part.settings.size for part in after.parts() if part is not after] == list(range(100, 118))
    assert vehicle.to_json() == before
    kinds = [type(getattr(after.settings, name)) for name in type(after.settings).model_fields]
    assert kinds == [type(getattr(vehicle.settings, name)) for name in type(vehicle.settings).model_fields]
    assert with_parts(vehicle, lambda place, part: part) is vehicle
