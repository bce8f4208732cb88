"""Takes passwords and tokens out of text that is kept or shown: command lines, URLs and messages."""

import re
from collections.abc import Sequence

HIDDEN = "***"
"""What stands in place of a secret."""

SECRET = re.compile(
    r"(?:^|[._-])(?:pass(?:word|wd|phrase)?|pwd|secrets?|token|auth|authorization|credentials?"
    r"|(?:api|access|secret|private|auth|account)[_-]?key)$",
    re.IGNORECASE,
)
"""The end of the name of what holds a secret, such as `--hub-token` or `AWS_SECRET_ACCESS_KEY`."""
ABOUT_TEXT = re.compile(
    r"(?:^|[._-])(?:pad|padding|unk|unknown|mask|bos|eos|sep|cls|start|end|special)[_-]token$", re.I
)
"""Names of settings that end like those of secrets, and are about words."""
OF_URL = re.compile(r"(?<=://)(?P<user>[^\s:/@'\"]*):[^\s'\"]*@")
"""User and password, up to the last `@`: databases take passwords that have `/` or `@` in them."""
USER_ALONE = re.compile(r"(?<=http://|ttps://)[^\s:/@?#'\"]+@", re.IGNORECASE)
"""In the place of a user, websites take a token."""
PARAMETER = re.compile(r"(?P<start>[?&;])(?P<name>[\w.-]+)=(?P<value>[^\s&;#'\"]+)")
KNOWN = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{40,}|glpat-[\w-]{20,}|hf_[A-Za-z0-9]{30,}|sk-[\w-]{32,}"
    r"|xox[abeprs]-[A-Za-z0-9-]{20,}|pypi-[\w-]{50,}|(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
    r"|(?<=Bearer )[\w.~+/-]{20,}=*",
    re.ASCII,
)
"""Tokens that tell by their form what they are."""


def redacted(text: str) -> str:
    """Puts `***` in place of every password and token in a text: those in URLs, as in `mysql://me:***@host/db`, and
    those of a well-known form.
    """
    text = OF_URL.sub(rf"\g<user>:{HIDDEN}@", text)
    text = USER_ALONE.sub(f"{HIDDEN}@", text)
    text = PARAMETER.sub(_parameter, text)
    return KNOWN.sub(HIDDEN, text)


def redacted_command(words: Sequence[str]) -> list[str]:
    """Puts `***` in place of every password and token in a command line.

    Besides what `redacted` finds, that is the value of an option or a setting whose name says that it is a secret:
    `--password VALUE`, `--hub-token=VALUE`, `-o model.api_key=VALUE`, `--str token=VALUE`.
    """
    found: list[str] = []
    is_secret = False
    for word in words:
        if is_secret and not word.startswith("-"):
            found.append(HIDDEN)
            is_secret = False
            continue
        name, equals, _ = word.partition("=")
        is_secret = word.startswith("-") and not equals and _names_secret(word)
        found.append(f"{name}={HIDDEN}" if equals and _names_secret(name) else redacted(word))
    return found


def _names_secret(name: str) -> bool:
    return SECRET.search(name) is not None and ABOUT_TEXT.search(name) is None


def _parameter(match: re.Match[str]) -> str:
    if not _names_secret(match["name"]) and match["name"].lower() not in ("sig", "signature"):
        return match[0]
    return f"{match['start']}{match['name']}={HIDDEN}"
