"""Small files that would cost hours or all memory: every one ends in a verdict, soon, and never in an error."""

import pickle
import struct
import tracemalloc
from collections.abc import Iterator

import pytest

from caponier.detect.artifact import Judgement, Limits, Verdict
from caponier.detect.model_files.files.judge import judge
from caponier.detect.model_files.pickles.values import Global
from detect.model_files.pickles.reading import read
from pace import Stopwatch

SECONDS = 4.0
"""Of processor time; without the limits each of these takes minutes to years."""


def judged(content: bytes, limits: Limits | None = None) -> Judgement:
    return judge(memoryview(content), limits or Limits())


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    with Stopwatch() as watch:
        yield
    assert watch.seconds < SECONDS


def word(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


def dtype(name: str, fields: bytes) -> bytes:
    """A type of numpy with its state: version, order, subarray, names, fields, size, alignment, flags."""
    return b"cnumpy\ndtype\n" + word(name) + b"\x85R(K\x03" + word("|") + b"NN" + fields + b"K\x08K\x01K\x00tb"


def described(kind: bytes, shape: bytes) -> bytes:
    """Joblib's description of an array."""
    subclass = word("subclass") + b"cnumpy\nndarray\n"
    state = b"}(" + subclass + word("shape") + shape + word("order") + word("C") + word("dtype") + kind + b"ub"
    return b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81" + state


def long_1(value: int) -> bytes:
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little")
    return b"\x8a" + bytes([len(raw)]) + raw


def test_types_that_share_their_parts_are_measured_once() -> None:
    """Eight types, each with a hundred fields of the next: a hundred to the eighth power fields in 8 kB."""
    kinds = dtype("V8", b"N") + b"q\x000"
    for _ in range(7):
        fields = b"}(" + b"".join(word(f"f{n}") + b"h\x00K\x00\x86" for n in range(100)) + b"u"
        kinds += dtype("V8", fields) + b"q\x000"
    content = b"\x80\x04" + kinds + described(b"h\x00", b"K\x01\x85") + bytes(8) + b"."
    assert len(content) < 20_000
    assert judged(content).kind == "joblib"


def test_a_type_that_is_its_own_field_ends() -> None:
    kind = b"cnumpy\ndtype\n" + word("V8") + b"\x85Rq\x00"
    state = b"(K\x03" + word("|") + b"NN}" + word("f") + b"h\x00K\x00\x86s" + b"K\x08K\x01K\x00tb"
    judgement = judged(b"\x80\x04" + described(kind + state, b"K\x01\x85") + bytes(8) + b".")
    assert judgement.verdict is Verdict.UNKNOWN


def test_a_large_type_that_is_described_again_and_again_is_too_much() -> None:
    fields = b"}(" + b"".join(b"\x8c\x04f%03dh\x01K\x00\x86" % n for n in range(900)) + b"u"
    first = dtype("V8", b"N") + b"q\x010" + dtype("V8", fields) + b"q\x020"
    again = described(b"h\x02", b"K\x01\x85") + bytes(8) + b"0"
    judgement = judged(b"\x80\x04" + first + again * 400 + b"N.", Limits(opcodes=60_000))
    assert judgement.verdict is Verdict.UNKNOWN
    assert "more arguments than a scan looks at" in judgement.reason


@pytest.mark.parametrize("dimensions", [65, 400, 20_000])
def test_shapes_of_many_dimensions_are_none(dimensions: int) -> None:
    """Their product has so many digits that Python would not even print it."""
    shape = b"(" + long_1((1 << 48) - 1) * dimensions + b"t"
    judgement = judged(b"\x80\x04" + described(dtype("V8", b"N"), shape) + b".")
    assert judgement.verdict is Verdict.UNKNOWN
    assert "unknown length" in judgement.reason


def test_the_largest_shape_there_is_ends_early() -> None:
    shape = b"(" + long_1((1 << 48) - 1) * 64 + b"t"
    judgement = judged(b"\x80\x04" + described(dtype("V8", b"N"), shape) + b".")
    assert judgement.verdict is Verdict.UNKNOWN
    assert "ends early" in judgement.reason


def test_an_array_of_nothing_in_many_dimensions_is_clean() -> None:
    content = b"\x80\x04" + described(dtype("f8", b"N"), b"(" + b"K\x00" * 30 + b"t") + b"."
    assert judged(content).verdict is Verdict.CLEAN


@pytest.mark.parametrize("instruction", [b"R", b"\x81", b"}\x92"])
def test_a_long_list_handed_on_from_the_memo_is_counted_each_time(instruction: bytes) -> None:
    listed = b"](" + b"N" * 200_000 + b"eq\x000"
    again = b"csome.where\nrun\nh\x00" + instruction + b"0"
    judgement = judged(b"\x80\x04" + listed + again * 10_000 + b"N.", Limits(opcodes=400_000))
    assert judgement.verdict is Verdict.UNSAFE
    assert "more arguments than a scan looks at" in judgement.reason


@pytest.mark.parametrize("separator", [b".", b"a."])
def test_a_module_of_a_million_dots_is_one_name(separator: bytes) -> None:
    judgement = judged(b"c" + separator * 1_000_000 + b"x\nrun\n)R.")
    assert judgement.verdict is Verdict.UNSAFE
    assert len(judgement.reason) < 1_000


def test_dangerous_modules_are_known_at_any_depth() -> None:
    assert judged(b"cos." + b"a." * 100_000 + b"x\nrun\n)R.").confidence == 0.99


def test_names_in_every_combination_do_not_fill_the_memory() -> None:
    """A hundred texts of 60 kB make ten thousand names of 120 kB each: 1.2 GB."""
    texts = b"".join(
        b"X" + struct.pack("<I", 60_000) + b"%06d" % n * 10_000 + b"q" + bytes([n]) + b"0" for n in range(100)
    )
    names = b"".join(b"h%ch%c\x930" % (first, second) for first in range(100) for second in range(100))
    content = b"\x80\x04" + texts + names + b"N."
    tracemalloc.start()
    judgement = judged(content, Limits(opcodes=100_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert judgement.verdict is Verdict.UNKNOWN
    assert peak < 64 << 20


def test_a_name_is_shown_short_and_kept_whole() -> None:
    long = Global("m" * 1_000, "n" * 1_000)
    assert len(str(long)) < 500
    assert long != Global("m" * 1_000, "n" * 999)


def test_storage_keys_that_repeat_themselves_are_none() -> None:
    """Fifty pairs of pairs, written out, would be a petabyte of text."""
    storage = b"\x80\x02(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04tQ."
    keys = b"\x80\x02]K\x01" + b"2\x86" * 50 + b"a."
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({}, 2)
    judgement = judged(magic + storage + keys)
    assert judgement.verdict is Verdict.UNKNOWN
    assert "list of storages" in judgement.reason


def test_numbers_of_a_million_digits_are_read_and_not_printed() -> None:
    content = b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuI0x" + b"f" * 1_000_000 + b"\ntQ."
    assert judged(content).verdict is Verdict.UNKNOWN


def test_pickles_in_a_row_share_their_limits() -> None:
    judgement = judged(b"N." * 60_000, Limits(opcodes=100_000))
    assert judgement.verdict is Verdict.UNKNOWN
    assert "more than 100,000 pickle instructions" in judgement.reason


def test_pickles_in_embedded_bytes_share_the_depth_of_archives() -> None:
    content = b"N."
    for _ in range(9):
        content = b"ctorch.storage\n_load_from_bytes\nB" + struct.pack("<I", len(content)) + content + b"\x85R."
    judgement = judged(content)
    assert judgement.verdict is Verdict.UNKNOWN
    assert "nested more deeply" in judgement.reason


def test_texts_of_the_memo_are_not_copied() -> None:
    content = b"X" + struct.pack("<I", 1 << 20) + b"x" * (1 << 20) + b"q\x000(" + b"h\x00" * 100_000 + b"l."
    tracemalloc.start()
    assert read(content).is_clean
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20
