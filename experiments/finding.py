"""What is known of a claim, and its line on the page of claims."""

from dataclasses import dataclass

from kept_gains import Gain

HEADER = (
    *("system", "better than", "seeds", "gain, 95 % interval", "p (Holm)", "clean gain", "over", "printed"),
    *("in seeds' sd", "settings run", "verdict"),
)


@dataclass(frozen=True)
class Finding:
    """What is known of a claim."""

    system: str
    baseline: str
    table: str
    seeds: str
    gain: Gain
    clean: Gain | None
    over: str
    printed: float | None = None
    by: str = ""
    deviations: float | None = None
    """The gain in standard deviations of a system's average between seeds."""
    settings: str = "-"

    def verdict(self, corrected: float) -> str:
        """Verdict by the sign of the gain, its corrected p-value, and the interval's end against the printed gain."""
        if corrected < 0.05:
            sign = "**holds**" if self.gain.gain > 0 else "**the reverse**"
            return f"{sign}, one seed" if "1" in self.seeds.split(" / ") else sign
        smaller = self.printed is not None and self.printed > 100 * self.gain.high
        return "undecided; less than printed" if smaller else "undecided"

    def row(self, corrected: float) -> str:
        """The line of the page."""
        clean = "-" if self.clean is None else written(self.clean)
        printed = "-" if self.printed is None else f"{self.printed:+.1f} ({self.by})"
        p = "< 0.001" if corrected < 0.001 else f"{corrected:.3f}"
        deviations = "-" if self.deviations is None else f"{self.deviations:+.1f}"
        cells = [self.system, self.baseline, self.seeds, written(self.gain), p, clean, self.over, printed, deviations]
        return f"| {' | '.join([*cells, self.settings, self.verdict(corrected)])} |"


def written(gain: Gain) -> str:
    """`+2.2 [1.4, 3.1]`, in points."""
    low, high = (f"{round(100 * end, 1) + 0.0:.1f}" for end in (gain.low, gain.high))
    return f"{round(100 * gain.gain, 1) + 0.0:+.1f} [{low}, {high}]"
