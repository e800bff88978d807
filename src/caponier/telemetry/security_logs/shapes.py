"""Which of certain names an event's fields have, told once for each shape.

A product writes the same names in the same order again and again, so looking for fifty names that may hold an account
is needed once for each such order, and not for each event.
"""

from collections.abc import Callable, Collection
from typing import Final, Generic, TypeVar

from caponier.telemetry.security_logs.fields import Fields

WIDE: Final = 128
"""Names of the widest shape that is remembered."""
MOST: Final = 500
"""Shapes that are remembered: whoever writes a log may invent as many as he likes."""

T = TypeVar("T")


class ByShape(Generic[T]):
    """Remembers what the names of an event's fields tell, whatever their values are.

    Args:
        tell: Looks at the names alone.
    """

    def __init__(self, tell: Callable[[Fields], T]) -> None:
        self._tell = tell
        self._known: dict[tuple[str, ...], T] = {}

    def of(self, fields: Fields) -> T:
        """Return what the names tell."""
        shape = tuple(fields)
        try:
            return self._known[shape]
        except KeyError:
            found = self._tell(fields)
        if len(shape) <= WIDE:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[shape] = found
        return found


class Present(ByShape[tuple[tuple[str, ...], ...]]):
    """Finds which names of some groups are there, for each group in its own order.

    Args:
        groups: Names, the most telling first; or what tells such a name.
    """

    def __init__(self, *groups: Collection[str] | Callable[[str], bool]) -> None:
        super().__init__(lambda fields: tuple(_present(group, fields) for group in groups))


def _present(group: Collection[str] | Callable[[str], bool], fields: Fields) -> tuple[str, ...]:
    return tuple(filter(group, fields)) if callable(group) else tuple(name for name in group if name in fields)
