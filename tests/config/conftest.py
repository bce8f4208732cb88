from collections.abc import Callable
from typing import Any

import pytest
from pydantic import create_model

from mtlkit.config import Lazy, Spec, validate
from mtlkit.encoders import Encoder
from mtlkit.errors import ConfigError
from mtlkit.types import DataPath, NonNegativeInt, PositiveInt, Probability


class Section(Spec):
    """A part of each form, and plain values."""

    one: Lazy[Encoder] | None = None
    many: list[Lazy[Encoder]] = []
    named: dict[str, Lazy[Encoder]] = {}
    count: PositiveInt = 1
    share: Probability = 0.0
    flag: bool = False
    path: DataPath | None = None
    choice: str | NonNegativeInt | None = None


@pytest.fixture(scope="session")
def section() -> type[Section]:
    return Section


@pytest.fixture
def mistakes() -> Callable[[Any], list[str]]:
    """What is said about a value of the section, a line each, without the file's name."""

    def find(value: Any) -> list[str]:
        with pytest.raises(ConfigError) as error:
            validate(Section, value, "file.jsonnet")
        lines = str(error.value).splitlines()
        assert all(line.startswith("file.jsonnet: ") for line in lines)
        return [line.removeprefix("file.jsonnet: ") for line in lines]

    return find


@pytest.fixture(scope="session")
def section_of() -> Callable[[Any], type[Spec]]:
    """A section with one setting `part` of a given type."""
    return lambda annotation: create_model("Part", __base__=Spec, part=(annotation, ...))
