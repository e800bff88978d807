"""How much of a body is read: told from its bytes, before anything is made of them.

A few kilobytes of gzip hold millions of numbers, and each of those is an object of Python once it is parsed. So the
marks of JSON are counted first: whatever it holds (numbers, texts, lists) has a comma, a colon, a quote or a bracket.
"""

from dataclasses import dataclass, replace
from typing import Any, Final, Self

MARKS: Final = (b",", b'"', b"[", b"{", b":")
MOST_DIMENSIONS: Final = 16
"""Sizes in one shape: the product of many is a number of any length, and every event repeats the shape."""
MARKS_BESIDE: Final = 16
"""Marks for each example beside those of its values: brackets, and its share of names and keys."""
LARGEST_SIZE: Final = 2**31
MOST_TENSORS: Final = 10_000
"""Tensors in one body; a table has one a column."""
MOST_OBJECTS: Final = 50_000
"""Objects in a document in which no key may stand twice: a tensor is up to two, and there may be as many of outputs. To
look at each takes a step of Python."""
MOST_KEYS: Final = 1_000
"""Keys in a body, or in a tensor."""


class UnreadError(ValueError):
    """A body whose content is not read, because it is beyond a limit or packed in a way that is not known.

    The reason never repeats what stands in the body.
    """


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a body may cost; one that costs more is not read."""

    expanded: int = 16 * 2**20
    """Bytes of a compressed body once it is unpacked."""
    rows: int = 10_000
    """Examples in one request."""
    numbers: int = 2_000_000
    """Marks of JSON (`MARKS`), and numbers in binary tensors. A mark costs up to about 50 bytes of memory."""

    def fitting(self, size: int) -> Self:
        """Return the limits for a model that takes `size` values an example.

        As many examples as are allowed need no more numbers than this, however they are nested; whoever sends a hundred
        times as many only keeps the reader from what others send.
        """
        return replace(self, numbers=min(self.numbers, self.rows * (2 * size + MARKS_BESIDE)))


LIMITS: Final = BodyLimits()


def check_json(text: bytes, limits: BodyLimits) -> None:
    """Refuse JSON that would become too many objects.

    Args:
        text: In UTF-8, UTF-16 or UTF-32: in each a mark has the byte that it has in ASCII.
        limits: What it may cost.

    Raises:
        UnreadError: If it holds more marks than numbers are allowed.
    """
    if len(text) <= limits.numbers:
        return
    marks = 0
    for mark in MARKS:
        marks += text.count(mark)
        if marks > limits.numbers:
            raise UnreadError(f"more than {limits.numbers:,} numbers, texts and lists")


def check_objects(text: bytes) -> None:
    """Refuse JSON of more objects than are looked at one by one.

    Raises:
        UnreadError: If there are more.
    """
    if text.count(b"{") > MOST_OBJECTS:
        raise UnreadError(f"more than {MOST_OBJECTS:,} objects")


def check_tensors(tensors: Any) -> None:
    """Refuse more tensors than a body may have.

    Raises:
        UnreadError: If there are more.
    """
    if isinstance(tensors, list) and len(tensors) > MOST_TENSORS:
        raise UnreadError(f"more than {MOST_TENSORS:,} tensors")


def check_keys(held: dict[str, Any]) -> None:
    """Refuse more keys than a body, or one of its tensors, may have.

    Raises:
        UnreadError: If there are more.
    """
    if len(held) > MOST_KEYS:
        raise UnreadError(f"more than {MOST_KEYS:,} keys")


def check_rows(n: int, limits: BodyLimits) -> None:
    """Refuse more examples than a request may have.

    Raises:
        UnreadError: If there are more.
    """
    if n > limits.rows:
        raise UnreadError(f"more than {limits.rows:,} rows")
