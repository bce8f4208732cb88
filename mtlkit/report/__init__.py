"""One page that shows a run: its scores, its course, and what its tasks shared."""
