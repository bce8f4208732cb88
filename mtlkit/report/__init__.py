"""One page that shows a run: its scores, its course, and what its tasks shared.

Needs the libraries of the extra `mtlkit[report]`. Callers check with `requirements.check_installed` that they are
installed before they import the rest of this package.
"""
