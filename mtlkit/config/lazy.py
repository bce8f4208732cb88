"""`Lazy[Interface]`: a part that is chosen and validated, but not built yet."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Generic, TypeVar, cast, get_args

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from mtlkit.config.component import Component, interface_of, is_interface, runtime_names
from mtlkit.config.overrides import DefaultChanges
from mtlkit.config.spec import Spec
from mtlkit.errors import ComponentError

C = TypeVar("C", bound=Component)


class Lazy(Generic[C]):
    """A registered component with its settings, validated; `build` makes as many instances as wanted.

    In an experiment it is `{type: 'name', ...}`. In multi-task work it is a factory first and a delay second: one
    `Lazy[Encoder]` gives a shared encoder, one private encoder per task, or the members of a pool.
    """

    def __init__(self, component: type[C], settings: Spec) -> None:
        self.component = component
        self.settings = settings

    @classmethod
    def of(cls, component: type[C], **settings: Any) -> "Lazy[C]":
        """The part as code makes it, for defaults in signatures and for tests.

        Raises:
            pydantic.ValidationError: the settings do not fit the component's constructor.
        """
        return cls(component, component.settings.model_validate({"type": component.registered_name, **settings}))

    @property
    def type(self) -> str:
        """The registered name."""
        return self.component.registered_name

    def build(self, **runtime: Any) -> C:
        """Builds one instance. `runtime` must be exactly the values that the interface offers; the component gets those
        that its constructor names."""
        offers = interface_of(self.component).offers
        assert set(runtime) == set(offers), f"{self.component.kind()} offers {offers}, given {tuple(runtime)}"
        wanted = {name: runtime[name] for name in runtime_names(self.component)}
        settings = {name: getattr(self.settings, name) for name in type(self.settings).model_fields if name != "type"}
        return self.component(**settings, **wanted)

    def parts(self) -> "Iterator[Lazy[Any]]":
        """This part and all parts in its settings, at any depth."""
        return parts_in(self)

    def to_json(self) -> dict[str, Any]:
        """The resolved settings, every default filled in; validates to an equal part."""
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
        # Not a `$ref` yet: pydantic would look for its target. json_schema.py turns it into one.
        metadata = cast(dict[str, Any], schema["metadata"])
        return {"x-interface": metadata["interface"].__name__}


def parts_in(value: Any) -> Iterator[Lazy[Any]]:
    """All parts in a value, at any depth, each before the parts in its own settings.

    Looks wherever a validated setting can hold a part: in the settings of parts, in sections and other pydantic models,
    dataclasses, mappings, and collections such as lists and tuples.
    """
    items: Iterable[Any] = ()
    if isinstance(value, Lazy):
        yield value
        items = (value.settings,)
    elif isinstance(value, BaseModel):
        items = (getattr(value, name) for name in type(value).model_fields)
    elif is_dataclass(value) and not isinstance(value, type):
        items = (getattr(value, field.name) for field in fields(value))
    elif isinstance(value, Mapping):
        items = value.values()
    elif isinstance(value, Collection) and not isinstance(value, str | bytes):
        items = value
    for item in items:
        yield from parts_in(item)


def components_in(value: Any) -> Iterator[type[Component]]:
    """The classes of all parts in a value, as `parts_in` finds them."""
    return (part.component for part in parts_in(value))


def _interface(source: Any) -> type[Component]:
    (interface,) = get_args(source) or (None,)
    if not (isinstance(interface, type) and issubclass(interface, Component) and is_interface(interface)):
        raise ComponentError(f"{source} must name an interface, as in Lazy[Encoder]")
    return interface


def _validate(interface: type[C], value: Any) -> Lazy[C]:
    """Chooses the component by `type` and checks its settings; the registry is read now, so late plugins count."""
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
