"""Run as a program: imports modules, and prints each socket that is opened and each pickle that is read meanwhile.

python -P watched_imports.py MODULE ...
"""

import importlib
import pickle
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

OWN = (__file__, socket.__file__)
SEEN: list[str] = []
WATCHED = ("socket.", "pickle.find_class", "urllib.Request", "http.client.", "ftplib.", "smtplib.")


def note(what: str) -> None:
    """Adds what happens, and the last line of a library or of mtlkit that makes it happen."""
    stack = [(frame.filename, frame.lineno) for frame in traceback.extract_stack()]
    file, line = next(place for place in reversed(stack) if not place[0].startswith("<") and place[0] not in OWN)
    SEEN.append(f"{what} at {'/'.join(Path(file).parts[-3:])}:{line}")


def hear(event: str, arguments: tuple[Any, ...]) -> None:
    # gethostname asks the system, and nobody else.
    if event.startswith(WATCHED) and event != "socket.gethostname":
        note(f"{event} {arguments[1]}" if event in ("socket.bind", "socket.connect") else event)


def watched(name: str) -> Any:
    really = getattr(pickle, name)

    def read(*arguments: Any, **settings: Any) -> Any:
        note(f"pickle.{name}")
        return really(*arguments, **settings)

    return read


def main() -> None:
    sys.addaudithook(hear)
    pickle.load, pickle.loads = watched("load"), watched("loads")
    for name in sys.argv[1:]:
        importlib.import_module(name)
    print("\n".join(SEEN), end="")


if __name__ == "__main__":
    main()
