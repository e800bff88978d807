"""The index of a checkpoint: clean if its blocks are all that it has, and hold places of numbers alone.

The tables are written here, block by block, as TensorFlow's bundles of tensors are described.
"""

import pyarrow
import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import HARMFUL, field, judged, varint, verdict

SIGN = bytes.fromhex("57fb808b247547db")
HEADER = field(1, 1) + field(3, field(1, 1))
ENTRY = field(1, 1) + field(2, field(2, field(1, 3))) + field(5, 12) + b"\x35\1\2\3\4"


def block(*entries: tuple[bytes, bytes], restarts: int = 1) -> bytes:
    out, before = b"", b""
    for name, value in entries:
        shared = next((at for at, (a, b) in enumerate(zip(before, name, strict=False)) if a != b), len(before))
        shared = min(shared, len(name))
        out += varint(shared) + varint(len(name) - shared) + varint(len(value)) + name[shared:] + value
        before = name
    return out + bytes(4) + restarts.to_bytes(4, "little")


def table(*blocks: bytes, gap: bytes = b"", meta: bytes = block(), kind: int = 0, foot: bytes = b"") -> bytes:
    out, index = b"", []
    for at, one in enumerate(blocks):
        index.append((b"%d" % at, varint(len(out)) + varint(len(one))))
        out += one + bytes([kind]) + b"crc4"
    out += gap
    where = len(out)
    out += meta + b"\0crc4"
    handle = varint(where) + varint(len(meta)) + varint(len(out))
    out += (last := block(*index)) + b"\0crc4"
    return out + (handle + varint(len(last)) + foot).ljust(40, b"\0") + SIGN


WHOLE = block((b"", HEADER), (b"dense/bias", ENTRY), (b"dense/kernel", ENTRY))

SNAPPY = pyarrow.Codec("snappy").compress(WHOLE).to_pybytes()


@pytest.mark.parametrize("content", [table(WHOLE), table(WHOLE, block((b"x", ENTRY))), table(SNAPPY, kind=1)])
def test_names_with_the_places_of_their_numbers_are_clean(content: bytes) -> None:
    judgement = judged(content)
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, "tensorflow checkpoint"), judgement.reason


NOT_CLEAN = {
    "bytes before": HARMFUL + table(WHOLE),
    "bytes between": table(WHOLE, gap=HARMFUL),
    "bytes in the foot": table(WHOLE, foot=b"\1"),
    "bytes behind": table(WHOLE) + b"\0",
    "unknown field": table(block((b"", HEADER), (b"x", ENTRY + field(9, HARMFUL)))),
    "unknown field of the header": table(block((b"", HEADER + field(4, HARMFUL)))),
    "value that is no entry": table(block((b"x", HARMFUL))),
    "compressed in an unknown way": table(WHOLE, kind=2),
    "not compressed": table(WHOLE, kind=1),
    "compressed with more behind": table(SNAPPY + HARMFUL, kind=1),
    "compressed by a lie": table(varint(1 << 40) + SNAPPY[2:], kind=1),
    "meta": table(WHOLE, meta=block((b"filter", HARMFUL))),
    "same block twice": table(WHOLE).replace(b"\0\0\0\0\1\0\0\0", b"\0\0\0\0\1\0\0\1"),
    "cut": table(WHOLE)[:-49] + table(WHOLE)[-48:],
    "more restarts than bytes": table(block((b"x", ENTRY), restarts=1 << 19)),
    "longer name than there is": table(b"\x05\1\1ab" + bytes(4) + b"\1\0\0\0"),
    "sign alone": bytes(40) + SIGN,
    "number without an end": b"\xff" * 40 + SIGN,
}


@pytest.mark.parametrize("content", NOT_CLEAN.values(), ids=NOT_CLEAN)
def test_a_table_with_anything_else_is_not_clean(content: bytes) -> None:
    assert verdict(content) is not Verdict.CLEAN
