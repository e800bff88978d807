"""What lasts for a whole run, so that no search for garbage need look at it again and again."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SELDOM: Final = (20_000, 10, 10)
"""New objects after which garbage is searched for, and so on (`gc.set_threshold`); Python's own 700 made it a twentieth
of all that tests take."""


@contextmanager
def lasting() -> Iterator[None]:
    """Search for no garbage within, never again among what is there afterwards, and seldom from then on.

    Modules and collected tests are millions of objects, all of which stay: looking through them as they come is a third
    of what collecting takes, and each later search would look through them once more.
    """
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*SELDOM)
        if searching:
            gc.enable()
