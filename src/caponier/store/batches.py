"""Cut what goes into one statement: databases limit how many values that may have."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

SIZE: Final = 500

T = TypeVar("T")


def in_batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Yield the items in lists of at most `SIZE`."""
    rest = iter(items)
    while batch := list(islice(rest, SIZE)):
        yield batch
