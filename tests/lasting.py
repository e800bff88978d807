"""What lasts for a whole run, so that no search for garbage need look at it again and again."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting() -> Iterator[None]:
    """Search for no garbage within, and never again among what is there afterwards.

    Modules and collected tests are millions of objects, all of which stay: looking through them as they come is a third
    of what collecting takes, and each later search would look through them once more.
    """
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if searching:
            gc.enable()
