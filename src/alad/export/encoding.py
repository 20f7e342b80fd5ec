"""What a graph is given in the place of rows: cells of a table, or pixels."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from alad.detector.fitted import Fitted
from alad.encoding import TableEncoder
from alad.export.cells import TableInput
from alad.export.graph import Graph
from alad.export.images import image_input


class GraphInput(Protocol):
    """How rows of a fitted detector come into its graph, and rows to compare scores on.

    `rows` are of a kind of its own: cells, or pixels.
    """

    @property
    def most(self) -> int:
        """Number of rows at once, in comparisons."""
        ...

    @property
    def remedy(self) -> str:
        """What else to try where a graph is far away, for messages; "" = nothing."""
        ...

    def facts(self) -> dict[str, str]:
        """Tell what a reader of the file needs to know of its inputs."""
        ...

    def sizes(self) -> set[int]:
        """List sizes of arrays that a number of rows must not be taken for."""
        ...

    def encoded(self, graph: Graph, rows: int) -> Any:
        """Add the inputs, and their encoding: traced [rows, *shape]."""
        ...

    def read(self, X: Any, most: int | None = None) -> Any:
        """Read what a user gives as rows, the first `most` of them; None = all."""
        ...

    def kept(self, most: int) -> Any:
        """Decode the first learnt rows that the model keeps; InputError if it keeps none."""
        ...

    def disturbed(self, rows: Any) -> Any:
        """Change known rows, in many ways, to such as no detector has met."""
        ...

    def inputs(self, rows: Any) -> dict[str, np.ndarray]:
        """Give rows as the graph takes them, by the names of its inputs."""
        ...

    def due(self, rows: Any) -> dict[str, np.ndarray]:
        """Compute by alad what the graph is to give, by output, float64 [n, …]; no p-values."""
        ...


def input_of(fitted: Fitted) -> GraphInput:
    """Say how rows of a fitted detector come into its graph; InputError where they cannot."""
    if isinstance(fitted.encoder_, TableEncoder):
        return TableInput(fitted, fitted.encoder_)
    return image_input(fitted)


def inputs(fitted: Fitted, X: Any) -> dict[str, np.ndarray]:
    """Read rows or images X as the graph takes them, by the names of its inputs.

    Of a table "numbers", float64 [n, …], and "categories", texts, object [n, …]; X: a table that is
    one batch, such as a frame. Of images "images" [n, height, width, channels], of the size and
    kind of pixel at fit; X: an array, or a folder or files of pictures, which are decoded and
    resized as for scoring.
    """
    given = input_of(fitted)
    return given.inputs(given.read(X))
