"""A part of a parsed file that knows its place, so that every complaint can name it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from caponier.errors import InputError

MAX_NAME: Final = 300
MAX_TEXT: Final = 100_000
_SHOWN: Final = 80

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_HALF: Final = re.compile(r"[\ud800-\udfff]")
"""Half a character: JSON can say it, no text can hold it."""
_KIND: Final[dict[type, str]] = {dict: "a mapping", list: "a list", str: "text", type(None): "empty"}


def shown(key: str) -> str:
    """Return a key or id of the file as a message may show it: short, and with nothing that a terminal would obey."""
    return key if key.isprintable() and len(key) <= _SHOWN else repr(key[:_SHOWN])


@dataclass(frozen=True, slots=True)
class Part:
    """A value of a file."""

    file: str
    place: str
    """Keys and numbers from the top, such as `matrices.0.techniques.3`."""
    value: Any

    def wrong(self, what: str, hint: str = "Download the file again, or correct it.") -> InputError:
        """Return the error about this part."""
        owner = self.value.get("id") if isinstance(self.value, dict) else None
        name = f" ({shown(owner)})" if isinstance(owner, str) else ""
        return InputError(what, where=f"{self.file}: {self.place or 'top'}{name}", hint=hint)

    def at(self, key: str | int) -> "Part":
        """Return what stands under a key, or None's part if nothing does."""
        value = self.value.get(key) if isinstance(self.value, dict) else self.value[key]
        step = shown(str(key))
        return Part(self.file, f"{self.place}.{step}" if self.place else step, value)

    def has(self, key: str) -> bool:
        """Tell whether something other than null stands under a key."""
        return isinstance(self.value, dict) and self.value.get(key) is not None

    def mapping(self) -> "Part":
        """Return this part, which has to be a mapping."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"a mapping is wanted here, this is {self.kind}")
        return self

    @property
    def kind(self) -> str:
        """What the value is, in words."""
        return _KIND.get(type(self.value), "a number or a truth value")

    def items(self, key: str) -> Iterator["Part"]:
        """Yield the items of the list under a key; nothing if it is missing or null.

        Raises:
            InputError: If it is no list.
        """
        part = self.at(key)
        if part.value is None:
            return
        if not isinstance(part.value, list):
            raise part.wrong(f"a list is wanted here, this is {part.kind}")
        yield from (part.at(number) for number in range(len(part.value)))

    def required(self, key: str) -> "Part":
        """Return what stands under a key, which may be empty but not missing.

        Raises:
            InputError: If it is missing, as it is where a file was cut off.
        """
        if key not in self.mapping().value:
            raise self.wrong(f"the key {key!r} is missing: the file may be cut off")
        return self.at(key)

    def rows(self, key: str) -> Iterator["Part"]:
        """Yield the items of the list under a key, each of which has to be a mapping."""
        yield from (item.mapping() for item in self.items(key))

    def entries(self, key: str) -> Iterator[tuple[str, "Part"]]:
        """Yield the keys and values of the mapping under a key; nothing if it is missing or null."""
        part = self.at(key)
        if part.value is not None:
            yield from ((name, part.at(name)) for name in part.mapping().value)

    def words(self, key: str) -> tuple[str, ...]:
        """Return the texts of the list under a key."""
        return tuple(item.text() for item in self.items(key))

    def name(self, key: str) -> str:
        """Return one line of text under a key: it has to be there.

        Raises:
            InputError: If there is none, it is longer than `MAX_NAME`, or holds control characters.
        """
        part = self.at(key)
        if part.value is None:
            raise self.wrong(f"the key {key!r} is missing or empty")
        return part.text()

    def text(self) -> str:
        """Return this part as one line of text."""
        if not isinstance(self.value, str):
            raise self.wrong(f"text is wanted here, this is {self.kind}")
        line = self.value.strip()
        if not line or len(line) > MAX_NAME or _CONTROL.search(line):
            raise self.wrong(f"one line of 1 to {MAX_NAME} plain characters is wanted here")
        return line

    def prose(self, key: str) -> str:
        """Return text of several lines under a key, or nothing if it is missing."""
        part = self.at(key)
        if part.value is None:
            return ""
        if not isinstance(part.value, str) or len(part.value) > MAX_TEXT or _HALF.search(part.value):
            raise part.wrong(f"text of at most {MAX_TEXT} characters is wanted here")
        return part.value.strip()

    def id(self, pattern: re.Pattern[str], what: str, key: str = "id") -> str:
        """Return an id under a key.

        Args:
            pattern: What ids of that kind look like.
            what: The kind, in words, for the message.
            key: Where it stands.

        Raises:
            InputError: If there is none, or it looks otherwise.
        """
        id_ = self.name(key)
        if not pattern.fullmatch(id_):
            raise self.at(key).wrong(f"{id_!r} is no id of {what}")
        return id_
