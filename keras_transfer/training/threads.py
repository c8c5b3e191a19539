"""Independent pieces of linear algebra at once, each by one thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

_MOST_THREADS = 4  # each holds a copy of the features that it works on

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def at_once(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """The results of some work on each item, in their order.

    Matrices of a few thousand rows are multiplied fastest by one thread, and then the number of threads changes no bit
    of the result.
    """
    with threadpool_limits(1), ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS)) as threads:
        return list(threads.map(work, items))
