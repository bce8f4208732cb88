"""`python -I -S jsonnet_child.py FOLDER SECONDS MEMORY STACK OUTPUT`: evaluates Jsonnet for `jsonnet_process.py`.

A Jsonnet file can loop without end, take all memory, or crash the C++ library that evaluates it. This process may die
of that in place of mtlkit. It starts anew for each experiment file, so it imports as little as possible, and nothing of
mtlkit. Standard input and output carry messages, which are lists of byte strings; the first of them says which message
it is. Files are read by the parent, which is asked for each import.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from importlib import import_module
from typing import IO, Any

EVALUATE, FOUND, REFUSED = b"evaluate", b"found", b"refused"
"""Messages to the child: code to evaluate, and the answers to IMPORT."""
IMPORT, VALUE, ERROR = b"import", b"value", b"error"
"""Messages from the child: a file is needed; the value as JSON; Jsonnet's own message."""
NOT_UNICODE, TOO_LONG, NO_MEMORY = b"not unicode", b"too long", b"no memory"
"""Messages from the child: what else may be wrong with a value."""
LONGEST_ERROR = 2**16
COUNT, LENGTH = 4, 8
"""The numbers of bytes that hold the number of strings in a message, and the length of a string."""


def write_message(stream: IO[bytes], *parts: bytes) -> None:
    """Writes a message. Raises BrokenPipeError if nobody reads it."""
    stream.write(len(parts).to_bytes(COUNT, "big"))
    for part in parts:
        stream.write(len(part).to_bytes(LENGTH, "big"))
        stream.write(part)
    stream.flush()


def read_message(stream: IO[bytes], longest: int = sys.maxsize) -> list[bytes]:
    """Reads a message. Raises EOFError at the end of the stream, or if the message has more than `longest` bytes."""
    parts = []
    for _ in range(int.from_bytes(_read(stream, COUNT), "big")):
        length = int.from_bytes(_read(stream, LENGTH), "big")
        longest -= length + LENGTH
        if longest < 0:
            raise EOFError
        parts.append(_read(stream, length))
    return parts


def _read(stream: IO[bytes], length: int) -> bytes:
    found = stream.read(length)
    if len(found) < length:
        raise EOFError
    return found


def _limit(name: str, amount: int) -> None:
    """Sets a limit of this process, where the system has it, or the most that this process may be given."""
    with suppress(ImportError, AttributeError, ValueError, OSError):
        resource = import_module("resource")  # Windows has none
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (amount if hard == resource.RLIM_INFINITY else min(amount, hard), hard))


def _answer(
    jsonnet: Any, request: list[bytes], messages: tuple[IO[bytes], IO[bytes]], longest: int
) -> tuple[bytes, ...]:
    name, code, number, *pairs = (part.decode() for part in request)
    external, arguments = pairs[: 2 * int(number)], pairs[2 * int(number) :]

    def find(folder: str, imported: str) -> tuple[str, bytes]:
        write_message(messages[1], IMPORT, folder.encode(), imported.encode())
        kind, *answer = read_message(messages[0])
        if kind == REFUSED:
            raise RuntimeError(answer[0].decode())
        return answer[0].decode(), answer[1]

    try:
        value = jsonnet.evaluate_snippet(
            name,
            code,
            ext_codes=dict(zip(external[::2], external[1::2], strict=True)),
            tla_codes=dict(zip(arguments[::2], arguments[1::2], strict=True)),
            import_callback=find,
        ).encode()
    except UnicodeError:  # Jsonnet lets half of a surrogate pair through, by std.char
        return (NOT_UNICODE,)
    except MemoryError:
        return (NO_MEMORY,)
    except Exception as error:
        return ERROR, str(error)[:LONGEST_ERROR].encode(errors="backslashreplace")
    return (VALUE, value) if len(value) <= longest else (TOO_LONG,)


def main() -> None:
    """Answers requests until there are no more."""
    folder, *amounts = sys.argv[1:]
    seconds, memory, stack, longest = map(int, amounts)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is sent to the parent as well, which ends this process
    for name, amount in ("RLIMIT_AS", memory), ("RLIMIT_STACK", stack), ("RLIMIT_CORE", 0), ("RLIMIT_FSIZE", 0):
        _limit(name, amount)
    sys.path.append(folder)
    jsonnet = import_module("_jsonnet")
    messages = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    with suppress(EOFError, BrokenPipeError):
        while True:
            kind, *request = read_message(messages[0])
            assert kind == EVALUATE
            _limit("RLIMIT_CPU", round(time.process_time()) + seconds)
            write_message(messages[1], *_answer(jsonnet, request, messages, longest))


if __name__ == "__main__":
    main()
