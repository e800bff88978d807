"""Linear algebra on one thread, for small matrices and for processes that fill the cores by themselves."""

import sys
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController


def one_thread(*, openmp: bool = False) -> AbstractContextManager[Any]:
    """Keep the linear algebra of a block on one thread, at a cost at which a block may be a single small product.

    Args:
        openmp: Keep what is shared out by OpenMP on one thread as well.
    """
    libraries = _libraries(len(sys.modules))
    limited: AbstractContextManager[Any] = libraries.limit(limits=1, user_api=None if openmp else "blas")
    return limited


@lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """Look for what is loaded: anew only where modules have come since, as that takes longer than a small product."""
    del modules
    return ThreadpoolController()
