"""What a part of the soak counts."""

from dataclasses import dataclass, field


@dataclass
class Counts:
    """Of one part: `tried` is how often, and of these what came of it."""

    tried: int = 0
    survived: int = 0
    """Ended as promised."""
    bits_lost: int = 0
    """Results that differ from those of a run that nothing befell."""
    code_executed: int = 0
    """Traces that code out of a stranger's file has left."""
    tracebacks: int = 0
    """Outputs in which a user would have seen one."""
    refused: int = 0
    """Inputs that were refused with a sentence, where being refused is a way to survive."""
    silent_differences: int = 0
    """Results that are wrong, without a word."""
    failures: list[str] = field(default_factory=list)
    """A sentence for each that did not survive, with what it takes to see it again (a seed, a name)."""
