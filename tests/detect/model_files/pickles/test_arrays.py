import io
import struct

import joblib
import numpy as np
import pytest

from caponier.detect.model_files.pickles.arrays import is_type_name, type_size
from caponier.detect.model_files.pickles.stream import BrokenError, LimitError
from detect.model_files.pickles.reading import read

ARRAYS = {
    "floats": np.linspace(0, 1, 7),
    "fortran": np.asfortranarray(np.ones((3, 4))),
    "nothing": np.zeros((0, 3)),
    "scalar": np.array(3.0),
    "texts": np.array(["a", "bcd"]),
    "bytes": np.array([b"a", b"bcd"]),
    "dates": np.array(["2020-01-01"], "M8[D]"),
    "records": np.zeros(3, [("a", "<f4"), ("b", "<i8", (2,)), ("c", "S3")]),
    "booleans": np.array([True, False]),
    "complex": np.array([1j]),
    "objects": np.array([1, "a", None, np.float32(2)], dtype=object),
    "matrix": np.ma.array([1, 2], mask=[False, True]),
}


def dumped(value: object) -> bytes:
    stream = io.BytesIO()
    joblib.dump(value, stream)
    return stream.getvalue()


@pytest.mark.parametrize("name", ARRAYS)
def test_raw_arrays_of_joblib_are_stepped_over(name: str) -> None:
    """What follows the array is read as it should be: its last word is the end of the file."""
    content = dumped({"before": 1, "array": ARRAYS[name], "after": [ARRAYS[name], "end"]})
    reading = read(content)
    assert reading.is_clean
    assert reading.end == len(content)


@pytest.mark.parametrize(
    ("name", "size"), [("f8", 8), ("<f4", 4), ("U5", 20), ("S3", 3), ("?", 1), ("M8[ns]", 8), ("V64", 64), ("i2", 2)]
)
def test_sizes_are_those_of_numpy(name: str, size: int) -> None:
    assert type_size(name) == size == np.dtype(name).itemsize


def test_objects_have_no_size() -> None:
    assert type_size("O8") is None
    assert type_size("|O") is None


@pytest.mark.parametrize("name", ["f3", "x", "i16", "f8,f8", "(2,)f8", "f8 ", ""])
def test_other_types_are_refused(name: str) -> None:
    with pytest.raises(BrokenError):
        type_size(name)
    assert is_type_name("f8")
    assert not is_type_name(8)


def with_changed_type(content: bytes, old: bytes, new: bytes) -> bytes:
    assert old in content
    return content.replace(old, new, 1)


def test_instructions_behind_a_wrong_length_are_not_missed() -> None:
    """An array that claims to be longer than it is could hide what follows it."""
    content = dumped([np.zeros(4), "end"])
    state = b"K\x03\x8c\x01<"
    assert state in content
    longer = content.replace(b"K\x04\x85", b"K\x40\x85", 1)
    assert isinstance(read(longer).error, BrokenError)


def test_an_array_with_two_sizes_is_not_stepped_over() -> None:
    content = dumped(np.array([b"ab", b"cd"]))
    element = b"K\x02K\x01K\x00t"
    assert element in content, "the size of an element and its alignment"
    assert isinstance(read(content.replace(element, b"K\x09K\x01K\x00t")).error, BrokenError)


def test_an_array_that_denies_its_objects_is_not_stepped_over() -> None:
    content = dumped(np.array([None], dtype=object))
    flags = b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ft"
    assert flags in content
    assert isinstance(read(content.replace(flags, flags.replace(b"\x3f", b"\x00"))).error, BrokenError)


def test_an_array_in_the_middle_of_a_frame_is_not_stepped_over() -> None:
    """Where it begins then depends on the unpickler."""
    content = dumped(np.zeros(4))
    (length,) = struct.unpack("<Q", content[3:11])
    reframed = content[:3] + struct.pack("<Q", length + 5) + content[11:]
    assert read(content).is_clean
    assert isinstance(read(reframed).error, BrokenError)


def test_objects_in_objects_in_objects_are_too_much() -> None:
    array = np.array([None], dtype=object)
    inner = dumped(array)
    head = inner[: inner.rindex(b"\x80\x02")] if b"\x80\x02" in inner else inner[: inner.rindex(b"\x80\x04")]
    reading = read(head * 50)
    assert reading.error is None or isinstance(reading.error, BrokenError | LimitError)
    assert not reading.is_clean


def test_plain_pickle_reads_the_bytes_as_instructions() -> None:
    harmful = b"cos\nsystem\nU\x02id\x85R."
    array = np.frombuffer(harmful + b"." * (-len(harmful) % 8), dtype=np.uint8)
    content = dumped(array)
    padded = content.index(harmful)
    assert read(content).is_clean
    plain = read(content[: padded - 1 - content[padded - 1 - 0 : padded].count(b"\xff")] + harmful, joblib=False)
    assert plain.error is not None or plain.unsafe


@pytest.mark.parametrize("order", ["", "<", ">", "="])
@pytest.mark.parametrize("kind", "?biufcmMSUV")
def test_sizes_of_types_are_those_of_numpy(kind: str, order: str) -> None:
    """Where numpy and the table disagree, a loader reads on from another place than the scan."""
    for digits in ("", *map(str, range(34))):
        name = f"{order}{kind}{digits}"
        try:
            real = np.dtype(name).itemsize
        except TypeError:
            # Longer floats exist on other machines; whatever else numpy refuses is refused here.
            assert f"{kind}{digits}" in ("f12", "c24", "f16", "c32") or refuses(name), name
            continue
        assert refuses(name) or type_size(name) == real, name


def refuses(name: str) -> bool:
    try:
        type_size(name)
    except BrokenError:
        return True
    return False


def word(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def dtype(
    letter: str, *, fields: bytes = b"N", names: bytes = b"N", size: int = -1, flags: int = 0, sub: bytes = b"N"
) -> bytes:
    number = b"J" + struct.pack("<i", size)
    state = b"(K\x03" + word("|") + sub + names + fields + number + number + b"K" + bytes([flags]) + b"tb"
    return b"cnumpy\ndtype\n(" + word(letter) + b"\x89\x88tR" + state


OBJECTS = dtype("O8", flags=63)
FLOATS = dtype("f8")


def table(value: bytes, at: int = 0) -> bytes:
    return b"}" + word("a") + value + b"J" + struct.pack("<i", at) + b"\x86s"


ONE = word("a") + b"\x85"
TYPES: dict[str, tuple[bytes, bool]] = {
    "floats": (FLOATS, True),
    "objects": (OBJECTS, True),
    "a field": (dtype("V8", fields=table(FLOATS), names=ONE, size=8), True),
    "a field of objects": (dtype("V8", fields=table(OBJECTS), names=ONE, size=8, flags=27), True),
    "texts": (dtype("U3", size=12), True),
    "several of one": (dtype("V16", sub=FLOATS + b"K\x02\x85\x86", size=16), True),
    "objects that are said to be none": (dtype("O8", flags=0), False),
    "a field of objects that is said to be none": (dtype("V8", fields=table(OBJECTS), names=ONE, size=8), False),
    "none that are said to be objects": (dtype("V8", fields=table(FLOATS), names=ONE, size=8, flags=63), False),
    "a field behind the end": (dtype("V8", fields=table(FLOATS, 1), names=ONE, size=8), False),
    "a field before the beginning": (dtype("V8", fields=table(FLOATS, -1), names=ONE, size=8), False),
    "more than there is room for": (dtype("V8", sub=FLOATS + b"K\x02\x85\x86", size=8), False),
    "two sizes": (dtype("V8", size=16), False),
    "fields that are none": (dtype("V8", fields=word("a"), names=ONE, size=8), False),
}


@pytest.mark.parametrize("name", TYPES)
def test_a_type_that_contradicts_itself_is_doubted(name: str) -> None:
    content, clean = TYPES[name]
    reading = read(b"\x80\x04" + content + b".")
    assert not reading.unsafe
    assert reading.error is None
    assert bool(reading.ledger.doubts) is not clean


def test_fields_that_are_changed_after_the_type_was_made_are_looked_at_again() -> None:
    made = b"}q\x01" + word("a") + FLOATS + b"K\0\x86s0" + dtype("V8", fields=b"h\x01", names=ONE, size=8)
    assert not read(b"\x80\x04" + made + b".").ledger.doubts
    assert read(b"\x80\x04" + made + b"0h\x01" + word("a") + OBJECTS + b"K\0\x86s.").ledger.doubts
