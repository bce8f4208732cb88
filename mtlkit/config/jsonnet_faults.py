"""Says on one line why Jsonnet cannot evaluate a file: its own message, a limit that was reached, or a crash."""

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtlkit.config import jsonnet_child as child
from mtlkit.text import on_one_line, printable

CRASHES = ("FATAL ERROR", "Something went wrong during", "terminate called", "Traceback (most recent call last)")
"""How the lines begin that Jsonnet's library or Python write at the end of a process that crashes."""
SECONDS_BY_THE_CLOCK = 6
"""For each second of processor time that is allowed, where only the clock can stop a process."""
STACK_OVERFLOW = 0xC00000FD
"""The exit status of a process on Windows whose stack is full."""


@dataclass(frozen=True)
class Limits:
    """What one evaluation may use."""

    seconds: int = 10
    """Processor time."""
    memory: int = 2**30
    """Bytes of address space."""
    stack: int = 2**23
    """Bytes; as many as most systems give by default."""
    output: int = 2**24
    """Bytes of the value's JSON."""
    traces: int = 2**20
    """Bytes of what `std.trace` writes; what is beyond is not shown."""


def explain(path: Path, message: str) -> str:
    """Formats Jsonnet's message on one line, `file:line:col: what; remedy`, without the stack trace."""
    # What a file says by `error` or `assert` may have several lines; those of the trace begin with a TAB.
    text, *trace = message.strip().split("\n\t")
    static, what = text.startswith("STATIC"), re.sub(r"^(STATIC|RUNTIME) ERROR: ", "", text)
    what = re.sub(r"couldn't open import \".*?\": ", "", on_one_line(_joined(what)))
    shown = on_one_line(str(path))
    if unset := re.match(r"undefined external variable: (.+)", what, re.IGNORECASE):
        name = printable(unset[1])
        environment = ", or set MTLKIT_DATA" if name == "data" else ""
        return f"{shown}: needs the variable '{name}': give --str {name}=TEXT or --var {name}=JSON{environment}"
    if trace[:1] == ["Top-level function"]:
        name = re.sub(r"function (has no )?parameter | not bound in call\.", "", what)
        if "has no parameter" in what:
            return f"{shown}: has no top-level argument '{name}'; write it as the file does"
        return f"{shown}: needs the top-level argument '{name}': give --tla {name}=JSON or --tla-str {name}=TEXT"
    what = _with_remedy(printable(what))
    if static:
        # Jsonnet places it in the value: `<extvar:size>:1:4: what`, `tla:size:1:4: what`.
        given = re.match(r"<?(extvar|tla):(.+?)>?:\d+:\d+(?:-\d+)?: (.+)", what)
        return f"{shown}: {_of_a_variable(*given.groups())}" if given else what
    places = [line.split("\t")[0] for line in trace if not line.startswith("std.jsonnet:")]
    place = re.sub(r":\((\d+:\d+)\)-.*", r":\1", on_one_line(places[0])) if places else ""
    return f"{place if ':' in place else shown}: {what}"


def _joined(text: str) -> str:
    """A message of several lines as one; of an error in YAML only the first, since others draw the place."""
    lines = [line.strip() for line in text.strip().split("\n")]
    return lines[0] if text.startswith("YAML error") else " ".join(lines)


def _of_a_variable(kind: str, name: str, message: str) -> str:
    """A message about the value of a variable or argument."""
    if "Unicode escape" in message:  # bytes that are not UTF-8 come as halves of surrogate pairs
        message = "is not UTF-8 text; give it in that encoding"
    return f"{'variable' if kind == 'extvar' else 'argument'} '{name}': {message}"


def _with_remedy(message: str) -> str:
    if message.startswith("max stack frames exceeded"):
        return "max stack frames exceeded; end the recursion"
    if message.endswith("Exceeded maximum parse depth limit."):
        return f"{message.removesuffix('.')}; give the inner parts names by local"
    return message


def fault_of_value(kind: bytes, limits: Limits) -> str:
    """Says what is wrong with a value that was evaluated, as the end of a sentence that begins with the file."""
    if kind == child.NOT_UNICODE:
        return "gives a text with half of a surrogate pair, which is no character; give std.char another number"
    if kind == child.TOO_LONG:
        return f"evaluates to more than {limits.output >> 20} MiB of JSON; make its lists and texts shorter"
    return _out_of_memory(limits)


def cause_of_death(status: int, noise: Sequence[str], stopped: bool, limits: Limits) -> str:
    """Says why the process that evaluates has ended, as the end of a sentence that begins with the file.

    Args:
        status: its exit status; on POSIX minus the number of the signal that ended it.
        noise: the lines that it wrote at its end.
        stopped: whether the clock ended it.
        limits: the limits that it had.
    """
    text = "\n".join(noise)
    ended_by = _signal(status)
    if stopped or ended_by == "SIGXCPU":
        return f"is not evaluated after {limits.seconds} seconds of work; look for a recursion that does not end"
    if "memory allocation" in text or "bad_alloc" in text or "MemoryError" in text or ended_by == "SIGKILL":
        return _out_of_memory(limits)
    if ended_by in ("SIGSEGV", "SIGBUS") or status == STACK_OVERFLOW:
        return (
            "is nested too deeply or has too many operators in a row for Jsonnet; give the parts to std.foldl as a list"
        )
    if "json.exception" in text:
        return "gives std.parseYaml a text with a control character or half of a surrogate pair; leave it out"
    reason = printable(noise[-1] if noise else ended_by or f"exit status {status}")
    return f"crashes Jsonnet ({reason}); simplify the file, or install jsonnet again"


def noise_of_death(lines: Sequence[str]) -> list[str]:
    """The last lines of what a process has written, from the first on that a crash writes; the others are traces."""
    for number, line in enumerate(lines):
        if line.startswith(CRASHES):
            return list(lines[number:])
    return []


def _out_of_memory(limits: Limits) -> str:
    return f"needs more than {limits.memory >> 20} MiB to be evaluated; make its lists and texts shorter"


def _signal(status: int) -> str:
    try:
        return signal.Signals(-status).name
    except ValueError:
        return ""
