"""Strict groups of settings, validated by pydantic."""

from collections.abc import Mapping
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, ClassVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError, to_jsonable_python

from mtlkit.config.overrides import DefaultChanges, NoSuchItemError

PLAIN_WORDS = {
    "dict_type": "should be an object {{name: value, ...}}",
    "path_type": "should be a path",
    "too_short": "should have {min_length} or more items",
}
"""Plain names for Python's types, used in place of pydantic's."""
MOST_UNKNOWN = 100
"""The number of unknown settings of a group that are reported one by one, each with the nearest known one."""


def nearest(name: str, known: list[str]) -> str:
    """Returns `"; did you mean 'x'?"` for the known name most similar to `name`, or an empty string."""
    found = get_close_matches(name, known, n=1)
    return f"; did you mean '{found[0]}'?" if found else ""


class Spec(BaseModel):
    """A group of settings of an experiment: strict, frozen, and without unknown keys.

    An unknown key is reported with the nearest known one. Keys in `given_by_mtlkit` get a sentence of their own.
    """

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, protected_namespaces=(), use_attribute_docstrings=True
    )

    given_by_mtlkit: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="wrap")
    @classmethod
    def _explain_unknown_keys(cls, value: Any, handler: ModelWrapValidatorHandler["Spec"]) -> "Spec":
        lines: list[InitErrorDetails] = []
        left_out = set()
        if isinstance(value, Mapping):
            # A stranger's file may have any number of unknown ones.
            left_out = set([key for key in value if str(key) not in cls.model_fields][MOST_UNKNOWN:])
            value = cls._on_defaults({key: item for key, item in value.items() if key not in left_out}, lines)
        try:
            checked = handler(value)
        except ValidationError as error:
            lines += [cls._explain(line) for line in error.errors(include_url=False)]
        else:
            if not lines:
                return checked
        if left_out:
            message = f"{len(left_out):,} more settings are unknown"
            custom = PydanticCustomError("unknown_settings", "{message}", {"message": message})
            lines.append(InitErrorDetails(type=custom, loc=(), input=None))
        raise ValidationError.from_exception_data(cls.__name__, lines) from None

    @classmethod
    def _on_defaults(cls, value: Mapping[Any, Any], problems: list[InitErrorDetails]) -> dict[str, Any]:
        """Returns the settings with overrides applied to defaults. A setting whose override fits no part of its default
        is left out, and its problem is added to `problems`.
        """
        settings = {}
        for key, item in value.items():
            try:
                settings[str(key)] = cls._on_default(str(key), item)
            except NoSuchItemError as error:
                custom = PydanticCustomError("no_such_item", "{message}", {"message": str(error)})
                problems.append(InitErrorDetails(type=custom, loc=(str(key), *error.place), input=item))
        return settings

    @classmethod
    def _on_default(cls, key: str, item: Any) -> Any:
        """Applies overrides of a setting that the experiment leaves out to the setting's default."""
        setting = cls.model_fields.get(key)
        if setting is None or setting.is_required() or not isinstance(item, DefaultChanges):
            return item
        return item.of(to_jsonable_python(setting.get_default(), fallback=lambda part: part.to_json()))

    @classmethod
    def _explain(cls, line: Any) -> InitErrorDetails:
        place, context = line["loc"], line.get("ctx", {})
        if len(place) > 1 and cls._is_choice(place[0]):
            place = (place[0], *place[2:])  # drops the name of the type that pydantic tried
        if line["type"] == "extra_forbidden" and len(place) == 1:
            return InitErrorDetails(type=cls._unknown_key(str(place[0])), loc=place, input=line["input"])
        if line["type"] == "missing":
            custom = PydanticCustomError("missing_setting", "is missing")
        elif line["type"] in ("model_type", "model_attributes_type"):
            custom = PydanticCustomError("wrong_form", "should be an object {...}")
        else:
            # The message travels as a value, so that braces in a user's text are not taken for a template. The type is
            # kept, for sections around this one explain its errors again.
            is_ours = "message" in context or line["type"] not in PLAIN_WORDS
            message = line["msg"] if is_ours else PLAIN_WORDS[line["type"]].format(**context)
            custom = PydanticCustomError(line["type"], "{message}", {"message": message})
        return InitErrorDetails(type=custom, loc=place, input=line["input"])

    @classmethod
    def _is_choice(cls, key: int | str) -> bool:
        """Returns whether the setting accepts several types, not counting None."""
        setting = cls.model_fields.get(str(key))
        if setting is None or get_origin(setting.annotation) not in (Union, UnionType):
            return False
        return len([kind for kind in get_args(setting.annotation) if kind is not NoneType]) > 1

    @classmethod
    def _unknown_key(cls, key: str) -> PydanticCustomError:
        if key in cls.given_by_mtlkit:
            message = "is worked out by mtlkit when it builds the part; remove it"
        else:
            known = list(cls.model_fields)
            message = "unknown setting" + (nearest(key, known) or f" (known: {', '.join(known)})")
        return PydanticCustomError("unknown_setting", "{message}", {"message": message})
