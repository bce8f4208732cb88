"""Number and path types for constructors of components, and the type of callbacks that report progress.

Experiments are validated strictly: `true`, `1.5` and `"1"` are not integers. JSON has no paths, so `DataPath` alone
is converted from a string.
"""

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

LONGEST_PATTERN = 10_000
"""The maximum number of characters of a regular expression; compiling one takes time that grows with its length."""


def _regular_expression(pattern: str) -> str:
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"a regular expression has at most {LONGEST_PATTERN:,} characters (got {len(pattern):,})")
    try:
        with warnings.catch_warnings():
            # Later versions of Python may read the pattern differently, which is no concern of the user. Compiled
            # patterns are cached, so later uses do not warn either.
            warnings.simplefilter("ignore", FutureWarning)
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"'{pattern}' is not a regular expression ({error})") from None
    return pattern


def _at_most(limit: int) -> Callable[[int], int]:
    """An upper bound that no tensor or array can exceed. It is left out of the descriptions of settings."""

    def check(number: int) -> int:
        if number > limit:
            raise ValueError(f"should be at most {limit:,} (got {number:,})")
        return number

    return check


Probability = Annotated[float, Field(ge=0, lt=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
PositiveInt = Annotated[int, Field(gt=0), AfterValidator(_at_most(2**31 - 1))]
PartCount = Annotated[int, Field(gt=0, le=1000)]
"""A count of parts that are built one by one. The bound keeps a typing error from building for hours."""
NonNegativeInt = Annotated[int, Field(ge=0), AfterValidator(_at_most(2**63 - 1))]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegativeFloat = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Pattern = Annotated[str, AfterValidator(_regular_expression)]
DataPath = Annotated[Path, Field(strict=False)]

Say = Callable[[str], None]
"""A callback that is passed one line of progress at a time."""


def silent(line: str) -> None:
    """Discards the message."""
