"""Models of fastText: clean where words and tables are read to the last byte.

The files are written here, number by number, in the form that the library's own reader takes.
"""

import struct

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import HARMFUL, judged, verdict


def word(letters: bytes) -> bytes:
    return letters + b"\0" + struct.pack("<qb", 7, 0)


def table(rows: int, columns: int) -> bytes:
    return b"\0" + struct.pack("<2q", rows, columns) + struct.pack("<f", 0.5) * (rows * columns)


def centres(dimension: int) -> bytes:
    return struct.pack("<4i", dimension, 2, 2, 2) + bytes(dimension * 256 * 4)


def short_table(rows: int, columns: int, *, norms: bool = False) -> bytes:
    out = b"\1" + bytes([norms]) + struct.pack("<2qi", rows, columns, rows * 2) + bytes(rows * 2) + centres(columns)
    return out + (bytes(rows) + centres(1) if norms else b"")


def model(*tables: bytes, words: tuple[bytes, ...] = (b"the", b"of", "w\u00f6rter".encode()), size: int = 3) -> bytes:
    settings = struct.pack("<i12id", 12, 4, 5, 5, 1, 5, 1, 2, 1, 100, 3, 6, 100, 1e-4)
    counts = struct.pack("<3i2q", size, size, 0, 99, -1)
    return b"\xba\x16\x4f\x2f" + settings + counts + b"".join(map(word, words)) + b"".join(tables)


WHOLE = model(table(103, 4), table(3, 4))
SHORT = model(short_table(103, 4, norms=True), short_table(3, 4))


@pytest.mark.parametrize("content", [WHOLE, SHORT, model(short_table(9, 4), table(3, 4))])
def test_words_with_their_tables_are_clean(content: bytes) -> None:
    judgement = judged(content)
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, "fasttext"), judgement.reason


@pytest.mark.parametrize(
    "content",
    [
        WHOLE + HARMFUL,
        SHORT + b"\0",
        WHOLE[:-1],
        SHORT[:-1],
        WHOLE[:60],
        WHOLE[:4],
        model(table(103, 4)),
        model(table(103, 4), b"\2" + table(3, 4)[1:]),
        model(b"\0" + struct.pack("<2q", 1 << 40, 1 << 40)),
        model(b"\0" + struct.pack("<2q", -1, -4), table(3, 4)),
        model(table(103, 4), table(3, 4), size=2_000_000_000),
        model(table(103, 4), table(3, 4), size=-1),
        model(table(103, 4), table(3, 4), words=(b"the", b"rm -rf", b"of")),
        WHOLE[:4] + b"\x0d" + WHOLE[5:],
    ],
)
def test_anything_else_is_not(content: bytes) -> None:
    assert verdict(content) is not Verdict.CLEAN
