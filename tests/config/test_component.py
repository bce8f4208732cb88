"""What may be registered, and what is refused in which words."""

from typing import Any

import pytest

import mtlkit
from mtlkit.config import Component, Lazy, Runtime, interfaces, runtime_names
from mtlkit.config.component import IN_EXTRAS
from mtlkit.errors import ComponentError
from mtlkit.types import PositiveInt

pytestmark = pytest.mark.usefixtures("registry")


def new_interface() -> tuple[type[Component], type[Component]]:
    class Engine(Component, offers=("fuel",)):
        """Runs."""

    @Engine.register("diesel")
    class Diesel(Engine):
        def __init__(self, cylinders: PositiveInt = 4, *, fuel: Runtime[str]) -> None:
            self.cylinders, self.fuel = cylinders, fuel

    return Engine, Diesel


def refused(interface: type[Component], name: str, implementation: type[Any]) -> str:
    with pytest.raises(ComponentError) as error:
        interface.register(name)(implementation)
    return str(error.value)


def test_a_registered_component_is_found_by_its_name() -> None:
    engine, diesel = new_interface()
    assert engine.list_available() == ["diesel"]
    assert engine.by_name("diesel") is diesel
    assert (diesel.registered_name, diesel.kind(), engine.kind()) == ("diesel", "engine", "engine")
    assert runtime_names(diesel) == ("fuel",)
    assert interfaces()["engine"] is engine


def test_kinds_are_snake_case() -> None:
    class SteamEngineHall(Component): ...

    assert SteamEngineHall.kind() == "steam_engine_hall"


def test_two_interfaces_of_one_name_are_refused() -> None:
    new_interface()
    with pytest.raises(ComponentError, match=r"two interfaces are named engine: .*Engine, .*Engine"):
        new_interface()


def test_only_interfaces_offer() -> None:
    engine, _ = new_interface()
    with pytest.raises(ComponentError, match="Petrol is not an interface, so it cannot offer run-time values"):
        type("Petrol", (engine,), {}, offers=("air",))


def test_an_unknown_name_gets_the_nearest_one() -> None:
    engine, _ = new_interface()
    with pytest.raises(LookupError, match=r"no Engine 'deisel'; did you mean 'diesel'\? \(known: diesel\)"):
        engine.by_name("deisel")
    with pytest.raises(LookupError, match=r"no Engine 'x' \(known: diesel\)"):
        engine.by_name("x")


@pytest.mark.parametrize("row", IN_EXTRAS)
def test_a_component_of_a_plugin_that_is_not_installed_says_what_to_install(
    row: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interface: Any = getattr(mtlkit, row[0])
    monkeypatch.setattr(interface, "list_available", classmethod(lambda cls: ["words"]))
    told = rf"no {row[0]} '{row[1]}'; it needs a plugin: pip install 'mtlkit\[transformers\]' \(known: words\)"
    with pytest.raises(LookupError, match=told):
        interface.by_name(row[1])


def test_a_dotted_name_imports_nothing(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """registrable would import `trap` to look for a class in it."""
    engine, _ = new_interface()
    (tmp_path / "trap.py").write_text("raise SystemExit('code from a stranger ran')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(LookupError, match=r"no Engine 'trap\.Diesel'"):
        engine.by_name("trap.Diesel")
    assert engine.list_available() == ["diesel"]


@pytest.mark.parametrize("name", ["a.b", "Diesel", "two words", "2stroke", "", "dash-ed", "_hidden", "diesel\n"])
def test_a_name_is_plain_snake_case(name: str) -> None:
    engine, diesel = new_interface()
    assert "must be a plain snake_case name without dots" in refused(engine, name, diesel)


def test_registering_on_an_implementation_is_refused() -> None:
    """registrable would open a second registry there, that nobody reads."""
    engine, diesel = new_interface()

    class Turbo(diesel): ...  # type: ignore[misc, valid-type]

    assert refused(diesel, "turbo", Turbo) == "register Turbo with @Engine.register, not @Diesel.register"
    assert engine.list_available() == ["diesel"]


def test_a_name_that_is_taken_names_both_classes() -> None:
    engine, diesel = new_interface()

    class Other(engine): ...  # type: ignore[misc, valid-type]

    message = refused(engine, "diesel", Other)
    assert message.startswith("Engine 'diesel' is registered twice: by ")
    assert f"{diesel.__module__}.{diesel.__qualname__}" in message
    assert f"{Other.__module__}.{Other.__qualname__}" in message
    assert message.endswith("if it is one plugin, installed and included by --include-package, leave out that option")
    assert engine.by_name("diesel") is diesel


@pytest.mark.parametrize("stranger", [int, lambda: None, Component])
def test_a_stranger_to_the_interface_is_refused(stranger: Any) -> None:
    engine, _ = new_interface()
    if stranger is int:
        assert refused(engine, "x", stranger) == "builtins.int must derive from Engine to be registered as 'x'"
    else:
        assert "must derive from Engine" in refused(engine, "x", stranger)


def test_a_refused_component_leaves_no_trace() -> None:
    """registrable runs its checks after adding; ours come first."""
    engine, _ = new_interface()

    class Broken(engine):  # type: ignore[misc, valid-type]
        def __init__(self, cylinders) -> None: ...  # type: ignore[no-untyped-def]

    refused(engine, "broken", Broken)
    assert engine.list_available() == ["diesel"]
    assert Broken.registered_name == ""


def test_siblings_share_nothing() -> None:
    engine, _ = new_interface()

    class Wheel(Component): ...

    assert Wheel.list_available() == []
    with pytest.raises(LookupError, match=r"no Wheel 'diesel' \(known: none\)"):
        Wheel.by_name("diesel")
    assert engine.list_available() == ["diesel"]


def constructors() -> dict[str, Any]:
    """A constructor that cannot serve as a schema for each reason."""

    def unannotated(self: Any, size) -> None: ...  # type: ignore[no-untyped-def]

    def variadic(self: Any, *sizes: int) -> None: ...

    def variadic_by_name(self: Any, **sizes: int) -> None: ...

    def reserved(self: Any, type: str) -> None: ...

    def reserved_by_pydantic(self: Any, model_dump: str) -> None: ...

    def reserved_method(self: Any, copy: bool = True) -> None: ...

    def private(self: Any, _size: int = 3) -> None: ...

    def not_offered(self: Any, *, feul: Runtime[str]) -> None: ...

    return {
        "parameter 'size' has no annotation; every setting needs a type": unannotated,
        "parameter 'sizes' is variadic; name each setting, so that it can be checked": variadic,
        "parameter 'sizes' is variadic": variadic_by_name,
        "parameter 'type' has a reserved name; choose another": reserved,
        "parameter 'model_dump' has a reserved name": reserved_by_pydantic,
        "parameter 'copy' has a reserved name": reserved_method,
        "parameter '_size' has a reserved name": private,
        "asks for feul at build time; Engine offers fuel": not_offered,
    }


@pytest.mark.parametrize("reason", constructors())
def test_a_constructor_that_is_no_schema_is_refused(reason: str) -> None:
    engine, _ = new_interface()
    constructor = constructors()[reason]
    broken = type("Broken", (engine,), {"__init__": constructor, "__module__": "plugin"})
    message = refused(engine, "broken", broken)
    assert reason in message
    assert "plugin.Broken" in message


@pytest.mark.parametrize("wrap", [lambda part: part, lambda part: part | None, lambda part: dict[str, list[part]]])
def test_a_bare_interface_in_a_constructor_is_refused(wrap: Any) -> None:
    engine, _ = new_interface()

    def constructor(self: Any, engine: Any) -> None: ...

    constructor.__annotations__["engine"] = wrap(engine)
    broken = type("Car", (engine,), {"__init__": constructor})
    assert "asks for a built Engine; annotate it Lazy[Engine]" in refused(engine, "car", broken)


def test_an_annotation_that_json_cannot_give_is_refused() -> None:
    engine, _ = new_interface()

    def constructor(self: Any, box: object) -> None: ...

    constructor.__annotations__["box"] = type("Box", (), {})
    broken = type("Broken", (engine,), {"__init__": constructor})
    assert "the constructor cannot serve as a schema" in refused(engine, "broken", broken)


def test_lazy_names_an_interface() -> None:
    _, diesel = new_interface()

    def constructor(self: Any, part: Any) -> None: ...

    constructor.__annotations__["part"] = Lazy[diesel]  # type: ignore[valid-type]
    broken = type("Broken", (diesel,), {"__init__": constructor})
    with pytest.raises(ComponentError, match=r"must name an interface, as in Lazy\[Encoder\]"):
        Component._interfaces["engine"].register("broken")(broken)


def test_a_component_without_a_constructor_has_no_settings() -> None:
    engine, _ = new_interface()

    @engine.register("plain")
    class Plain(engine):  # type: ignore[misc, valid-type]
        """Nothing to choose."""

    assert list(Plain.settings.model_fields) == ["type"]
    assert isinstance(Lazy.of(Plain).build(fuel="air"), Plain)


def test_a_class_has_one_name() -> None:
    """Its settings name it, so a second registration would break the first."""
    engine, diesel = new_interface()
    assert refused(engine, "oil", diesel).endswith("Diesel is registered already, as 'diesel'")
    assert Lazy.of(diesel).type == "diesel"


def test_an_implementation_may_be_registered_beside_its_subclass() -> None:
    engine, diesel = new_interface()

    @engine.register("turbo")
    class Turbo(diesel):  # type: ignore[misc, valid-type]
        """More."""

    assert [Lazy.of(known).type for known in (diesel, Turbo)] == ["diesel", "turbo"]


def test_an_implementation_must_define_what_its_interface_asks(registry: None) -> None:
    with pytest.raises(ComponentError, match=r"Unready does not define tokenize, as Tokenizer asks"):

        @mtlkit.Tokenizer.register("unready")
        class Unready(mtlkit.Tokenizer):
            """Misspells its method."""

            def tokenise(self, text: str) -> list[str]:
                return text.split()
