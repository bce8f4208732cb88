"""What is wrong with how a command has ended, by kind; the kinds are those of `Counts`."""

import os
import re
import shutil
import signal
import sys
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtlkit.text import JOINERS, UNSEEN
from tests.soak import observed

MEMORY = 2**30
"""Bytes that a command may take beside those that it has when it starts."""
CODES = (0, 1, 2)
LONGEST = 4000
"""Letters of a sentence; it may name several paths."""
MOST_PROGRAMS = 40
"""That one command starts."""


@dataclass(frozen=True)
class Ended:
    """A command that has ended, or was ended."""

    code: int | None
    """A signal's number below zero; None if it went on for too long."""
    output: str
    errors: str
    notes: list[tuple[str, list[Any]]]
    """What it has noted of itself."""
    leftover: bool = False
    """Whether something that it had started was still running."""

    @property
    def is_refusal(self) -> bool:
        """Whether it has said no."""
        return self.code == 2


@dataclass
class Verdict:
    """The command, and sentences about what is wrong with it."""

    ended: Ended
    wrong: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By kind."""

    @property
    def sentences(self) -> list[str]:
        """All of them, each with its kind."""
        return [f"{kind}: {sentence}" for kind, sentences in self.wrong.items() for sentence in sentences]


def verdict(ended: Ended, theirs: Path, secret: str) -> Verdict:
    """Judges a command by how it has ended and by its notes.

    Args:
        ended: the command.
        theirs: the folder in which nothing is a program.
        secret: stands in private files alone.
    """
    found = Verdict(ended)
    found.wrong["tracebacks"] += _faults_of_speech(ended)
    found.wrong["over_limit"] += _excesses(ended)
    found.wrong["run"] += [what for event, words in ended.notes if (what := _forbidden(event, words, theirs))]
    found.wrong["read"] += [
        f"what it prints has something private: {line[:200]!r}"
        for line in f"{ended.output}\n{ended.errors}".splitlines()
        if secret in line
    ]
    return found


def _faults_of_speech(ended: Ended) -> list[str]:
    """What is wrong with its words."""
    told = ended.errors.rstrip("\n").rpartition("\n")[2]
    if "Traceback (most recent call last)" in ended.output + ended.errors:
        return [f"a traceback: {told[:LONGEST]}"]
    if any(acts(letter) for letter in ended.output + ended.errors):
        return [f"characters that act on a terminal: {(ended.output + ended.errors)[-300:]!r}"]
    if ended.code in (0, 1):
        return []
    if ended.code is not None and ended.code > 2:
        return [f"exit code {ended.code}: {told[:LONGEST]}"]
    if ended.is_refusal and (not told.strip() or len(told) > LONGEST or not re.search(r"\w", told)):
        return [f"exit code 2 without a sentence: {told[:LONGEST]!r}"]
    return []


def acts(character: str) -> bool:
    """Whether it acts on a terminal, or changes how the others are shown."""
    return character not in JOINERS and character != "\n" and unicodedata.category(character) in UNSEEN


def _excesses(ended: Ended) -> list[str]:
    found = ["something that it started goes on"] if ended.leftover else []
    if ended.code is None:
        return [*found, "it does not end"]
    if ended.code < 0:
        return [*found, f"it was ended by {signal.Signals(-ended.code).name}"]
    programs = sum(event in observed.STARTS for event, _ in ended.notes)
    if programs > MOST_PROGRAMS:
        found.append(f"it started {programs} programs")
    peaks = [words[1] for event, words in ended.notes if event == observed.END]
    return found + [f"it took {peak >> 20} MiB" for peak in peaks if peak > MEMORY]


def _forbidden(event: str, words: list[Any], theirs: Path) -> str | None:
    """What was done that nothing of a stranger's may cause, if this was."""
    if event in observed.CONNECTS or event in observed.RUNS:
        return f"{event} {words}"
    if event in observed.LOADS and Path(str(words[0])).is_relative_to(theirs):
        return f"{event} {words}"
    if event not in observed.STARTS:
        return None
    program, arguments = str(words[0]), [str(word) for word in words[1]]
    found = program if os.path.isabs(program) else shutil.which(program)
    if found is None or not os.path.isabs(found) or Path(found).is_relative_to(theirs):
        return f"a program: {arguments}"
    if program == sys.executable and not {"-P", "-I"} & set(arguments[1:3]):
        return f"a Python on whose path the current folder is: {arguments}"
    return None
