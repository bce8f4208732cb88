"""The sections of a report: each function makes its part of the page from the evidence, or None for nothing."""
