"""Every error that mtlkit raises on purpose.

    MtlkitError               a mistake that a user can correct; the command line prints its message and exits with 2
      ConfigError             the experiment file or the command line is wrong
        UnknownComponentError   it names a component that is not registered; a plugin may be missing
      DataError               a data file is wrong, missing or cannot be fetched
      ComponentError          a component's class is declared wrongly; raised when its module is imported
      PluginError             a plugin was asked for and cannot be imported
      ArchiveError            an archive is damaged, incomplete or of an unknown format
      RunError                a run directory is not what the command needs it to be
        RunInUseError           another process is training in it
          ClaimLostError        another worker of the sweep has taken it over
        DivergedError           a loss or gradient is not finite
        OutOfMemoryError        memory has run out
        ProcessesError          another process of the run has ended or cannot be reached

A message is one clear sentence that names the file, line or config path and the remedy.
Broken invariants of mtlkit itself are `assert`s instead.
"""

from mtlkit.redaction import redacted
from mtlkit.text import on_one_line


class MtlkitError(Exception):
    """The base class of every error that mtlkit raises on purpose; not raised itself.

    Args:
        lines: the lines of the message; only an experiment with several mistakes has more than one. What would break a
            line or act on a terminal is written out in each, as `\\n` and `\\x1b`, so that no name in a stranger's file
            can pass for a line of ours; `***` stands in place of passwords in URLs.
    """

    told_elsewhere = False
    """Whether another process of the same run tells of it, so that this one need not."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*(on_one_line(redacted(line)) for line in lines))

    def __str__(self) -> str:
        return "\n".join(self.args)


class ConfigError(MtlkitError):
    """The experiment file or the command line is wrong."""


class UnknownComponentError(ConfigError):
    """A component is not registered; a plugin may be missing."""


class DataError(MtlkitError):
    """A data file is wrong, missing or cannot be fetched."""


class ComponentError(MtlkitError):
    """A component's class is declared wrongly; raised when its module is imported."""


class PluginError(MtlkitError):
    """A plugin was asked for and cannot be imported."""


class ArchiveError(MtlkitError):
    """An archive is damaged, incomplete or of an unknown format."""


class RunError(MtlkitError):
    """A run directory is not what the command needs it to be."""


class RunInUseError(RunError):
    """Another process is training in a run directory."""


class ClaimLostError(RunInUseError):
    """Another worker of a sweep has taken a run over, since this one had not been heard of."""


class DivergedError(RunError):
    """A loss or gradient is not finite."""


class OutOfMemoryError(RunError):
    """The memory of the GPU or of the machine has run out."""


class ProcessesError(RunError):
    """Another process of the run has ended, hangs or cannot be reached."""
