"""What is counted for a report, from texts that are read once more and from what a run recorded."""
