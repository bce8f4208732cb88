"""What a part of the soak counts."""

from dataclasses import dataclass, field


@dataclass
class Counts:
    """The counts of one part: `tried` is how often, and of these what came of it."""

    tried: int = 0
    survived: int = 0
    """Ended as promised."""
    refused: int = 0
    """Inputs that were refused with a sentence, where being refused is a way to survive."""
    run: int = 0
    """Traces of code or programs out of a stranger's file, and connections that it has caused."""
    read: int = 0
    """Private files that were opened for a stranger, and outputs that have something of them."""
    lost: int = 0
    """Results that differ from those of a run that nothing befell; files of the user that changed or vanished."""
    over_limit: int = 0
    """Commands that took more time or memory than they may, were killed, or left something running."""
    tracebacks: int = 0
    """Outputs in which a user would have seen one, or no sentence."""
    silent_differences: int = 0
    """Results that are wrong, without a word."""
    failures: list[str] = field(default_factory=list)
    """A sentence for each that did not survive, with what it takes to see it again (a seed, a name)."""
