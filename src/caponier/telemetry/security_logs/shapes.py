"""Which of certain names an event's fields have, told once for each shape.

A product writes the same names in the same order again and again, so looking for fifty names that may hold an account
is needed once for each such order, and not for each event.
"""

from collections.abc import Callable, Collection
from typing import Final

from caponier.telemetry.security_logs.fields import Fields

WIDE: Final = 128
"""Names of the widest shape that is remembered."""
MOST: Final = 500
"""Shapes that are remembered: whoever writes a log may invent as many as he likes."""


class Present:
    """Finds which names of some groups are there.

    Args:
        groups: Names, the most telling first; or what tells such a name.
    """

    def __init__(self, *groups: Collection[str] | Callable[[str], bool]) -> None:
        self._groups = groups
        self._known: dict[tuple[str, ...], tuple[tuple[str, ...], ...]] = {}

    def of(self, fields: Fields) -> tuple[tuple[str, ...], ...]:
        """Return for each group the names of it that are there, in the group's order."""
        shape = tuple(fields)
        found = self._known.get(shape)
        if found is None:
            found = tuple(_present(group, fields) for group in self._groups)
            if len(shape) <= WIDE:
                if len(self._known) >= MOST:
                    self._known.clear()
                self._known[shape] = found
        return found


def _present(group: Collection[str] | Callable[[str], bool], fields: Fields) -> tuple[str, ...]:
    return tuple(filter(group, fields)) if callable(group) else tuple(name for name in group if name in fields)
