"""One page that shows a run: its scores, its course, and what its tasks shared.

Needs the libraries of the extra `mtlkit[report]`. Whoever imports this package checks first that they are installed.
"""
