"""The sections of a report, one a file: each makes its part of the page from the evidence, or has nothing to show."""
