"""The sections of a report, one file for each; a section that has nothing to show is None."""
