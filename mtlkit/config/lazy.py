"""`Lazy[Interface]`: a component that has been chosen and validated, but not built yet."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Generic, TypeVar, cast, get_args

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from mtlkit.config.component import FILES, Component, SavedFiles, interface_of, is_interface, runtime_names
from mtlkit.config.overrides import DefaultChanges
from mtlkit.config.spec import Spec
from mtlkit.errors import ComponentError, ConfigError

C = TypeVar("C", bound=Component)


class Lazy(Generic[C]):
    """A registered component with validated settings. `build` creates as many instances as needed.

    In an experiment it is written `{type: 'name', ...}`. In multi-task learning it serves mostly as a factory: one
    `Lazy[Encoder]` builds a shared encoder, a private encoder per task, or all modules of a pool.
    """

    def __init__(self, component: type[C], settings: Spec, files: SavedFiles | None = None) -> None:
        self.component = component
        self.settings = settings
        self.files = files
        """The files that the component has saved, if any. Ignored by equality."""

    @classmethod
    def of(cls, component: type[C], **settings: Any) -> "Lazy[C]":
        """Creates a part from code, for defaults in signatures and for tests.

        Raises:
            pydantic.ValidationError: the settings do not match the component's constructor.
        """
        return cls(component, component.settings.model_validate({"type": component.registered_name, **settings}))

    @property
    def type(self) -> str:
        """The name that the component is registered under."""
        return self.component.registered_name

    def build(self, **runtime: Any) -> C:
        """Builds one instance and passes it the run-time values that its constructor names.

        `runtime` must contain exactly the values that the interface offers, except `files`, which the part supplies
        itself, and those that the interface has values for when they are left out.

        Raises:
            ConfigError: the files that the component saved are missing.
        """
        interface = interface_of(self.component)
        offers = [name for name in interface.offers if name != FILES]
        values = {**interface.when_left_out, **runtime}
        assert set(values) == set(offers), f"{self.component.kind()} offers {offers}, given {tuple(runtime)}"
        given = {**values, FILES: self.files and self.files.folder}
        wanted = {name: given[name] for name in runtime_names(self.component)}
        settings = {name: getattr(self.settings, name) for name in type(self.settings).model_fields if name != "type"}
        if not self.component.saves_files:
            return self.component(**settings, **wanted)
        if self.files is not None and not self.files.folder.is_dir():
            raise ConfigError(f"the files of the {self.component.kind()} '{self.type}' are missing")
        built = self.component(**settings, **wanted)
        built.built_from = self
        return built

    def parts(self) -> "Iterator[Lazy[Any]]":
        """Yields this part and all parts in its settings, at any depth."""
        return (part for _, part in parts_by_place(self))

    def to_json(self) -> dict[str, Any]:
        """Returns the resolved settings as JSON, with every default filled in. They validate to an equal part."""
        return self.settings.model_dump(mode="json")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lazy) and self.component is other.component and self.settings == other.settings

    __hash__ = None  # type: ignore[assignment]  # settings may hold lists

    def __repr__(self) -> str:
        return f"Lazy({self.to_json()})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        interface = _interface(source)
        return core_schema.no_info_plain_validator_function(
            lambda value: _validate(interface, value),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda lazy: lazy.to_json()),
            metadata={"interface": interface},
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        # Not a `$ref` yet, since pydantic would try to resolve it. json_schema.py converts it.
        metadata = cast(dict[str, Any], schema["metadata"])
        return {"x-interface": metadata["interface"].__name__}


def items_of(value: Any) -> list[tuple[str, Any]]:
    """Returns the items that a value holds directly, by key.

    Covers everything that a validated setting can consist of: sections and other pydantic models, dataclasses,
    mappings, and collections such as lists and tuples. Any other value, including a part, has no items.
    """
    if isinstance(value, BaseModel):
        return [(name, getattr(value, name)) for name in type(value).model_fields]
    if is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, Mapping):
        return [(str(key), item) for key, item in value.items()]
    is_collection = isinstance(value, Collection) and not isinstance(value, str | bytes)
    return [(str(place), item) for place, item in enumerate(value)] if is_collection else []


def parts_by_place(value: Any, place: str = "") -> Iterator[tuple[str, Lazy[Any]]]:
    """Yields all parts in a value, at any depth, each with its place. Outer parts come first.

    The settings of a part share the place of the part, as they do in an experiment: `model.embedder.embedders.0`.
    """
    if isinstance(value, Lazy):
        yield place, value
        yield from parts_by_place(value.settings, place)
    for key, item in items_of(value):
        yield from parts_by_place(item, f"{place}.{key}" if place else key)


def components_in(value: Any) -> Iterator[type[Component]]:
    """Yields the classes of all parts in a value, in the order of `parts_by_place`."""
    return (part.component for _, part in parts_by_place(value))


def _interface(source: Any) -> type[Component]:
    (interface,) = get_args(source) or (None,)
    if not (isinstance(interface, type) and issubclass(interface, Component) and is_interface(interface)):
        raise ComponentError(f"{source} must name an interface, as in Lazy[Encoder]")
    return interface


def _validate(interface: type[C], value: Any) -> Lazy[C]:
    """Chooses the component by `type` and validates its settings.

    The registry is read at this point rather than at import, so plugins that are loaded later are found.
    """
    if isinstance(value, Lazy) and issubclass(value.component, interface):
        return value
    if not (isinstance(value, Mapping) and isinstance(value.get("type"), str)):
        message = f"should be {{type: name, ...}}, one of: {', '.join(interface.list_available())}"
        if isinstance(value, DefaultChanges) and "type" not in value:
            message += "; there is no default that -o could change, so give the type as well"
        raise PydanticCustomError("component_form", "{message}", {"message": message})
    try:
        component = interface.by_name(value["type"])
    except LookupError as error:
        custom = PydanticCustomError("unknown_component", "{message}", {"message": str(error)})
        detail = InitErrorDetails(type=custom, loc=("type",), input=value["type"])
        raise ValidationError.from_exception_data(interface.__name__, [detail]) from None
    return Lazy(component, component.settings.model_validate(dict(value)))
