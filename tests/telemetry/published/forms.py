"""The registry of published forms."""

from collections.abc import Callable
from typing import Final

from telemetry.strangers.calls import Log

FORMS: Final[dict[str, Callable[[], Log]]] = {}


def form(make: Callable[[], Log]) -> Callable[[], Log]:
    """Name a form after what writes it."""
    FORMS[make.__name__] = make
    return make
