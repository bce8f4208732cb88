"""Strict groups of settings: the pydantic side of validation."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError


def nearest(name: str, known: list[str]) -> str:
    """`"; did you mean 'x'?"` for the known name nearest to `name`, or nothing."""
    found = get_close_matches(name, known, n=1)
    return f"; did you mean '{found[0]}'?" if found else ""


class Spec(BaseModel):
    """A group of settings of an experiment: strict, frozen, and without unknown keys.

    An unknown key is reported with the nearest known one. Keys in `given_by_mtlkit` get a sentence of their own.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())

    given_by_mtlkit: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="wrap")
    @classmethod
    def _explain_unknown_keys(cls, value: Any, handler: ModelWrapValidatorHandler["Spec"]) -> "Spec":
        if isinstance(value, Mapping):
            value = {str(key): item for key, item in value.items()}
        try:
            return handler(value)
        except ValidationError as error:
            lines = [cls._explain(line) for line in error.errors(include_url=False)]
            raise ValidationError.from_exception_data(cls.__name__, lines) from None

    @classmethod
    def _explain(cls, line: Any) -> InitErrorDetails:
        place = line["loc"]
        if line["type"] == "extra_forbidden" and len(place) == 1:
            return InitErrorDetails(type=cls._unknown_key(str(place[0])), loc=place, input=line["input"])
        if line["type"] == "missing":
            custom = PydanticCustomError("missing_setting", "is missing")
        elif line["type"] in ("model_type", "model_attributes_type"):
            custom = PydanticCustomError("wrong_form", "should be an object {...}")
        else:
            # The message travels as a value, so that braces in a user's text are not taken for a template. The type is
            # kept, for sections around this one explain its errors again.
            custom = PydanticCustomError(line["type"], "{message}", {"message": line["msg"]})
        return InitErrorDetails(type=custom, loc=place, input=line["input"])

    @classmethod
    def _unknown_key(cls, key: str) -> PydanticCustomError:
        if key in cls.given_by_mtlkit:
            message = "is worked out by mtlkit when it builds the part; remove it"
        else:
            known = list(cls.model_fields)
            message = "unknown setting" + (nearest(key, known) or f" (known: {', '.join(known)})")
        return PydanticCustomError("unknown_setting", "{message}", {"message": message})
