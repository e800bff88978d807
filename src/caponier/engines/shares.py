"""Shares of the subjects: work, folds and samples are dealt out by a number that depends on the name alone."""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def bucket_of(subject: str) -> int:
    """Return the number by which work and folds are shared out: of the name alone, the same on every machine."""
    return zlib.crc32(subject.encode())


@dataclass(frozen=True)
class Share:
    """The subjects whose number, divided by `divisor`, leaves a remainder from `first` up to, not including, `end`."""

    divisor: int = 1
    modulus: int = 1
    first: int = 0
    end: int = 1

    @property
    def sql(self) -> str:
        """The condition on the column `bucket`."""
        remainder = f"(bucket // {self.divisor}) % {self.modulus}"
        return f"{remainder} >= {self.first} and {remainder} < {self.end}"

    def holds(self, buckets: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which of some numbers (n,) belong to it."""
        remainder = buckets // self.divisor % self.modulus
        mine: NDArray[np.bool_] = (remainder >= self.first) & (remainder < self.end)
        return mine


EVERYBODY = Share()
