"""JSON Schema of whole experiments, including every registered component, for editors."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import to_jsonable_python

from mtlkit.config.component import Component, interfaces
from mtlkit.config.lazy import Lazy
from mtlkit.config.spec import Spec

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """The schema generator of pydantic, extended to write out `Lazy` defaults."""

    def encode_default(self, dft: Any) -> Any:
        return to_jsonable_python(
            dft, fallback=lambda value: value.to_json() if isinstance(value, Lazy) else str(value)
        )


def schema_of(section: type[Spec]) -> JsonSchemaValue:
    """Returns pydantic's schema of one section. `x-interface` names the interface of each part."""
    return section.model_json_schema(schema_generator=_Generator)


def json_schema(root: type[Spec]) -> JsonSchemaValue:
    """Returns the JSON Schema of `root`.

    Each interface becomes a definition: a `oneOf` over its components, discriminated by `type`.
    """
    definitions: dict[str, JsonSchemaValue] = {}
    schema = _hoist(schema_of(root), definitions)
    for interface in interfaces().values():
        definitions[interface.__name__] = _one_of(interface)
        for name in interface.list_available():
            settings = schema_of(interface.by_name(name).settings)
            settings["required"] = ["type", *settings.get("required", [])]
            key = f"{interface.__name__}.{name}"
            definitions[key] = _hoist(settings, definitions, prefix=f"{key}.")
    return {"$schema": DIALECT, **schema, "$defs": dict(sorted(definitions.items()))}


def _one_of(interface: type[Component]) -> JsonSchemaValue:
    names = {name: f"#/$defs/{interface.__name__}.{name}" for name in interface.list_available()}
    return {
        "oneOf": [{"$ref": reference} for reference in names.values()],
        "discriminator": {"propertyName": "type", "mapping": names},
    }


def _hoist(schema: JsonSchemaValue, definitions: dict[str, JsonSchemaValue], prefix: str = "") -> JsonSchemaValue:
    """Moves the definitions of a nested schema to the top level and links the interfaces that it mentions.

    `prefix` keeps apart sections of the same name, which two plugins may define.
    """
    for name, definition in schema.pop("$defs", {}).items():
        definitions[prefix + name] = _link(definition, prefix)
    linked: JsonSchemaValue = _link(schema, prefix)
    return linked


def _link(part: Any, prefix: str) -> Any:
    if isinstance(part, list):
        return [_link(item, prefix) for item in part]
    if not isinstance(part, dict):
        return part
    linked = {key: _link(item, prefix) for key, item in part.items() if key not in ("x-interface", "$ref")}
    if "x-interface" in part:
        linked["$ref"] = f"#/$defs/{part['x-interface']}"
    elif "$ref" in part:
        linked["$ref"] = f"#/$defs/{prefix}{part['$ref'].removeprefix('#/$defs/')}"
    return linked
