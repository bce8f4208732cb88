"""The import of torch and of all that stands on it, which takes longer than everything else that a short command does.

Verbs call `load_libraries` after all checks that need none of it: an experiment file that is missing or not valid
Jsonnet, an option with a wrong value, or a file that is not an archive is reported at once. What a verb imports
afterwards is there already.
"""

import atexit
import gc
import sys
from importlib import import_module

LIBRARIES = "mtlkit.runs"
"""The package whose import brings torch and nearly all of mtlkit."""


def load_libraries() -> None:
    """Imports the libraries with Python's garbage collector at rest.

    They make about a million objects, none of which is garbage. The collector would go through them many times while
    they are made, and once more at the end of the process, which is a third of what their import takes. Frozen objects
    are left alone from then on, also in training.
    """
    if LIBRARIES in sys.modules:
        return
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        import_module(LIBRARIES)
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
    atexit.register(gc.freeze)
