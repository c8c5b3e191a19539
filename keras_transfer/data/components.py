"""Joins what belongs together, directly or through others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def join(links: Sequence[tuple[int, int]], count: int) -> NDArray[np.int64]:
    """A number for each of `count` things, the same for all that links join, directly or through others.

    Args:
      links: pairs of indices.
      count: number of things.

    Returns:
      int64, shape (count,).
    """
    rows, columns = np.array(links, np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(count, count))
    numbers: NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return numbers


def links_of_equal(values: Sequence[str], indices: Sequence[int]) -> list[tuple[int, int]]:
    """A link from the first of the `indices` with a value to each other one with it; "" is no value."""
    first: dict[str, int] = {}
    return [(first.setdefault(values[index], index), index) for index in indices if values[index]]
