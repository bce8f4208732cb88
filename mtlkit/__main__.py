"""`python -m mtlkit` and the command `mtlkit`.

`python -m` puts the current folder first on the path of imports, and so does an empty entry of PYTHONPATH. A `rich.py`
that lies there, perhaps beside a stranger's archive, would then be run in place of the installed package. Therefore
the folder is taken off before anything is imported that Python has not loaded already; `plugins.py` returns it where
`--include-package` names a module that is found nowhere else. Programs are not looked for there either: libraries start
some, such as `uname`, by their names alone.
"""

import os
import sys


def _take_off_current_folder() -> None:
    try:
        here = os.getcwd()
    except OSError:  # it has been deleted, so nothing can be imported from it
        return
    if __name__ == "__main__" and not sys.flags.safe_path and sys.path[:1] in ([here], [""]):
        del sys.path[0]
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    named = {os.path.abspath(entry) for entry in entries if entry}
    if len(entries) > 1 and "" in entries and here not in named and not sys.flags.ignore_environment:
        sys.path[:] = [entry for entry in sys.path if entry not in ("", here)]
    folders = os.environ.get("PATH", "").split(os.pathsep)
    # With none left, the default: an empty PATH means the current folder as well.
    os.environ["PATH"] = os.pathsep.join(filter(os.path.isabs, folders)) or os.defpath


_take_off_current_folder()

from mtlkit.cli import main  # noqa: E402  # only with the path as it now is

if __name__ == "__main__":
    main()
