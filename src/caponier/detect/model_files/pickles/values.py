"""The values that a pickle handles, as far as their origin matters. Nothing here is ever imported or called.

Numbers, texts, booleans, None and tuples are themselves.
"""

from dataclasses import dataclass, field
from typing import Any, Final

_SHOWN: Final = 200
"""Letters of a name that are shown."""


@dataclass(frozen=True, slots=True)
class Global:
    """Something that a pickle names in a module."""

    module: str
    name: str

    def __str__(self) -> str:
        # A file may repeat long names in every combination; nobody could read them.
        return f"{self.module[:_SHOWN]}.{self.name[:_SHOWN]}"


COMPUTED: Final = Global("?", "<a name that is computed>")
"""A global whose name only a running pickle would know."""


@dataclass(eq=False, slots=True)
class Made:
    """What a call, a constructor or a loader gave."""

    origin: Global
    """The class, or the function that was called."""
    args: tuple[Any, ...] = ()
    state: Any = None
    built: bool = False
    """Whether it was given attributes, which may stand in for its methods from then on."""
    items: list[Any] = field(default_factory=list)
    """What was added to it one by one: keys and values in turn, if it is a kind of dictionary."""


@dataclass(eq=False, slots=True)
class Box:
    """A list, a set, or a dictionary: keys and values in turn."""

    kind: str
    items: list[Any] = field(default_factory=list)

    def entries(self) -> dict[str, Any]:
        """Return the entries of a dictionary whose keys are texts, the last one of each key."""
        pairs = zip(self.items[::2], self.items[1::2], strict=False)
        return {key: value for key, value in pairs if isinstance(key, str)}


@dataclass(eq=False, slots=True)
class Blob:
    """Bytes, or a text too long to look at."""

    view: memoryview
    text: bool = False
    """Whether this is the UTF-8 of a text."""
    changed: bool = False
    """Whether something was added to it, so that these are no longer its bytes."""


class Guess(str):
    """A text of Python 2 with other letters than ASCII: what it becomes is up to the loader's own codec."""

    __slots__ = ()
