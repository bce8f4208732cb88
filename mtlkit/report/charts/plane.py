"""Embeddings of tasks as points in the plane (Chen et al. 2018, Figure 3).

Shapes: K tasks, S size of an embedding.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mtlkit.report.charts.point_names import draw_point, legend, name_points, styles_of
from mtlkit.report.parts import Chart, Table
from mtlkit.report.templating import titled

FEWEST = 8
"""The smallest number of tasks for t-SNE; fewer points have no neighbourhoods to keep."""


def embedding_chart(embeddings: Mapping[str, Sequence[float]], kinds: Mapping[str, str], source: str) -> Chart | None:
    """A chart of the embeddings; None unless there are two or more, all of one size and finite."""
    matrix_KS = np.array([row for row in embeddings.values()]) if len(set(map(len, embeddings.values()))) == 1 else None
    if matrix_KS is None or len(matrix_KS) < 2 or not np.isfinite(matrix_KS).all():
        return None
    by_neighbours = len(matrix_KS) >= FEWEST
    points_K2 = neighbour_plane(matrix_KS) if by_neighbours else principal_plane(matrix_KS)
    points = dict(zip(embeddings, points_K2.tolist(), strict=True))

    data = Table(("task", "kind", "x", "y"), tuple((task, kinds[task], *point) for task, point in points.items()))
    named = titled("pool-embeddings", source=source, by_neighbours=by_neighbours, fewest=FEWEST)
    return Chart(*named, data, partial(_points, points, kinds), height=3.4)


def principal_plane(matrix_KS: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first two principal components (K, 2); their signs are those of scikit-learn, which are always the same."""
    from sklearn.decomposition import PCA

    points_KP = PCA(n_components=min(2, *matrix_KS.shape)).fit_transform(matrix_KS)
    return np.pad(points_KP, ((0, 0), (0, 2 - points_KP.shape[1])))


def neighbour_plane(matrix_KS: NDArray[np.float64]) -> NDArray[np.float64]:
    """The plane (K, 2) of t-SNE with a fixed seed, so that equal embeddings give equal pictures."""
    from sklearn.manifold import TSNE

    perplexity = min(5.0, (len(matrix_KS) - 1) / 2)
    model = TSNE(perplexity=perplexity, init="random", learning_rate="auto", random_state=13)
    points_K2: NDArray[np.float64] = model.fit_transform(matrix_KS.astype(np.float64)).astype(np.float64)
    return points_K2


def _points(points: Mapping[str, Sequence[float]], kinds: Mapping[str, str], figure: Figure) -> None:
    axes = figure.add_subplot()
    axes.set_xticks([])
    axes.set_yticks([])
    styles = styles_of({task: kinds[task] for task in points})
    for task, (across, up) in points.items():
        draw_point(axes, (across, up), styles[kinds[task]], 7, f"{task}: {across:.2f}, {up:.2f}")
    axes.margins(0.15, 0.1)
    axes.autoscale_view()
    axes.set_autoscale_on(False)
    name_points(axes, points, width=3.7, height=3.0)
    legend(figure, styles)
