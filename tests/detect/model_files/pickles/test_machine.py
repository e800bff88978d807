import collections
import pickle
import pickletools
import struct
from typing import Any

import pytest

from caponier.detect.artifact import Limits
from caponier.detect.model_files.pickles import machine as module
from caponier.detect.model_files.pickles.stream import BrokenError, LimitError
from caponier.detect.model_files.pickles.values import Blob, Box, Global
from detect.model_files.pickles.reading import read

SYSTEM = b"cos\nsystem\n"
ORDER = b"U\x02id"


def test_it_knows_every_instruction_of_pickle() -> None:
    known = {code for code, step in enumerate(module._STEPS) if step is not None} | {module._STOP}
    assert known == {ord(opcode.code) for opcode in pickletools.opcodes}


def plain(value: Any) -> Any:
    """Return what an unpickler would have given, as far as the machine keeps it."""
    if isinstance(value, Box):
        items = [plain(item) for item in value.items]
        if value.kind == "dict":
            return dict(zip(items[::2], items[1::2], strict=True))
        return items if value.kind == "list" else set(items)
    if isinstance(value, Blob):
        return bytes(value.view)
    return tuple(plain(item) for item in value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_come_out_as_they_went_in(protocol: int) -> None:
    shared = ["shared"]
    value = {"a": [1, -5, 70_000, 1 << 80, None, True, False], "b": ("x\n\u00e9", shared, shared), "c": {}, "d": ()}
    reading = read(pickle.dumps(value, protocol))
    assert reading.is_clean
    assert plain(reading.machine.result) == value


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_bytes_and_sets_come_out_as_they_went_in(protocol: int) -> None:
    reading = read(pickle.dumps([b"\x00\xff", b"x" * 300], protocol))
    assert plain(reading.machine.result) == [b"\x00\xff", b"x" * 300]
    assert read(pickle.dumps([{1, 2}, frozenset("a"), bytearray(b"abc")], protocol)).is_clean


def test_the_end_is_the_byte_after_the_pickle() -> None:
    content = pickle.dumps([1])
    assert read(content + b"more").end == len(content)


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        (SYSTEM + b"(" + ORDER + b"tR", [("call", "os.system")]),
        (b"(" + ORDER + b"ios\nsystem\n", [("call", "os.system")]),
        (b"(" + SYSTEM + ORDER + b"o", [("call", "os.system")]),
        (SYSTEM + ORDER + b"\x85\x81", [("new", "os.system")]),
        (SYSTEM + ORDER + b"\x85}\x92", [("new", "os.system")]),
        (b"U\x02osU\x06system\x93" + ORDER + b"\x85R", [("call", "os.system")]),
        (b"ccollections\nOrderedDict\n}b", [("build", "collections.OrderedDict itself")]),
        (b"ccollections\nOrderedDict\nU\x01aK\x01s", [("items", "collections.OrderedDict itself")]),
        (b"\x82\x05)R", [("call", "copyreg extension.5")]),
        (b"\x83\x05\x00)R", [("call", "copyreg extension.5")]),
        (b"\x84\x05\x00\x00\x00)R", [("call", "copyreg extension.5")]),
        (b"c__builtin__\neval\n" + ORDER + b"\x85R", [("call", "builtins.eval")]),
        (b"csome.where\nthing\n)\x81}b", [("new", "some.where.thing"), ("build", "some.where.thing")]),
        (b"csome.where\nthing\n)\x81K\x01a", [("new", "some.where.thing"), ("items", "some.where.thing")]),
        (b"cpoplib\nPOP3\n)\x81}b", [("new", "poplib.POP3"), ("build", "poplib.POP3")]),
    ],
)
def test_every_way_to_run_code_is_noted(instructions: bytes, expected: list[tuple[str, str]]) -> None:
    assert read(b"\x80\x02" + instructions + b".").unsafe == expected


def test_a_name_is_known_however_it_travels() -> None:
    """Through the memo, a duplicate, a list and back: the machine keeps values, not texts of the file."""
    words = b"U\x02osq\x00U\x06systemq\x01" + b"00" + b"h\x00h\x01"
    assert read(words + b"\x93" + ORDER + b"\x85R.").unsafe == [("call", "os.system")]
    duplicated = b"U\x02os" + b"U\x06system" + b"\x932" + b"0" + ORDER + b"\x85R."
    assert read(duplicated).unsafe == [("call", "os.system")]
    assert read(b"V\\u006fs\nVsys\\u0074em\n\x93" + ORDER + b"\x85R.").unsafe == [("call", "os.system")]
    assert read(b"S'\\x6f\\163'\nS'system'\n\x93" + ORDER + b"\x85R.").unsafe == [("call", "os.system")]


def test_a_name_that_is_computed_is_none_that_is_allowed() -> None:
    computed = b"csome.where\nword\n)R"
    reading = read(computed + b"U\x06system\x93" + ORDER + b"\x85R.")
    assert ("call", "?.<a name that is computed>") in reading.unsafe


def test_calling_the_result_of_a_call_is_not_allowed() -> None:
    reading = read(b"ccollections\nOrderedDict\n)R)R.")
    assert reading.unsafe == [("call", "what collections.OrderedDict gives")]


@pytest.mark.parametrize(
    "content",
    [
        *[b"", b"K", b"0.", b"R.", b"(", b"t.", b"h\x01.", b"X\xff\xff\xff\xffabc.", b"Ix\n.", b"\x00"],
        *[b"b.", b"Kab", b"S'a\n.", b"cos\n", b"K\x01K\x01\x93.", b"K\x01)R.", b"\x8c\xff"],
        *[b"Fx\n.", b"p-1\n."],
    ],
)
def test_what_no_unpickler_reads_is_broken(content: bytes) -> None:
    assert isinstance(read(content).error, BrokenError)


def test_what_ran_before_the_break_counts() -> None:
    reading = read(SYSTEM + ORDER + b"\x85R" + b"\xff")
    assert isinstance(reading.error, BrokenError)
    assert reading.unsafe == [("call", "os.system")]


def test_too_many_instructions_are_too_much() -> None:
    assert isinstance(read(b"N0" * 600 + b"N.", Limits(opcodes=1000)).error, LimitError)


@pytest.mark.parametrize("content", [b"N" * 600, b"(" * 600, b"N" + b"".join(b"q%c" % n for n in range(99)) * 9])
def test_too_many_values_are_too_much(content: bytes) -> None:
    assert isinstance(read(content + b".", Limits(stack=90)).error, LimitError)


def test_a_long_line_is_too_much() -> None:
    assert isinstance(read(b"V" + b"a" * 100_000 + b"\n.", Limits(text_bytes=10_000)).error, LimitError)


def test_values_that_grow_by_reference_stay_small() -> None:
    """Thirty lists, each ten times in the next one, would be a billion billion values."""
    step = b"(" + b"".join(b"h%c" % 0 for _ in range(10)) + b"lq\x00"
    assert read(b"]q\x00" + step * 30 + b".").is_clean
    nested = b"]q\x00" + step * 30 + b"0ccollections\nOrderedDict\nh\x00\x85R."
    assert read(nested).is_clean


def test_buffers_outside_the_file_are_a_doubt() -> None:
    reading = read(b"\x97\x98.")
    assert reading.ledger.doubts == ["needs buffers that are not in the file"]


def test_objects_outside_the_file_are_a_doubt() -> None:
    assert read(b"Pkey\n.").ledger.doubts
    assert read(b"K\x01Q.").ledger.doubts


def test_a_storage_of_torch_is_remembered() -> None:
    key = b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x06tQ."
    assert read(key).ledger.storages == {"0": ("FloatStorage", 6)}


def test_names_of_python_2_are_translated_below_protocol_3_only() -> None:
    assert read(b"\x80\x02c__builtin__\nset\n]\x85R.").is_clean
    assert read(b"\x80\x03c__builtin__\nset\n]\x85R.").unsafe == [("call", "__builtin__.set")]


def test_an_allowed_name_alone_is_clean_and_an_unlisted_one_is_open() -> None:
    assert read(b"cnumpy\nfloat64\n.").is_clean
    reading = read(b"csome.where\nThing\n.")
    assert not reading.is_clean
    assert reading.ledger.unsafe == []
    assert reading.ledger.globals == {"some.where.Thing"}


def test_subclasses_of_containers_may_be_filled() -> None:
    values = [collections.OrderedDict(a=1), collections.defaultdict(list, {1: [2]}), collections.deque([1, 2])]
    for protocol in range(6):
        assert read(pickle.dumps([*values, collections.Counter("aab")], protocol)).is_clean


def test_numbers_too_long_for_python_do_not_stop_it() -> None:
    assert read(b"I" + b"9" * 5000 + b"\n0" + SYSTEM + ORDER + b"\x85R.").unsafe == [("call", "os.system")]


def test_a_frame_that_ends_elsewhere_changes_nothing() -> None:
    frame = b"\x80\x04\x95" + struct.pack("<Q", 3)
    assert read(frame + SYSTEM + ORDER + b"\x85R.").unsafe == [("call", "os.system")]


def test_the_value_of_a_global_is_its_name() -> None:
    assert read(b"cnumpy\nfloat64\n.").machine.result == Global("numpy", "float64")


def test_the_last_line_may_lack_its_newline() -> None:
    assert read(b"(" + ORDER + b"ios\nsystemX").unsafe == [("call", "os.system")]


def test_a_module_is_imported_even_where_the_name_is_missing() -> None:
    for content in (b"cantigravityX", b"cantigravity\n", b"cantigravity\n\n."):
        reading = read(content)
        assert isinstance(reading.error, BrokenError)
        assert [use.what for use in reading.ledger.unsafe] == ["antigravity."]


@pytest.mark.parametrize(
    "harmless",
    [
        *[b"K\x01Nb", b"K\x01}b", b"N(u", b"N(e", b"N(\x90", b"]K\x00K\x00s", b"\x96" + bytes(8) + b"(K\x01e"],
        *[b"I0x10\n", b"I010\n", b"L0x10L\n", b"I1_0\n"],
    ],
)
def test_what_some_unpicklers_let_pass_hides_nothing(harmless: bytes) -> None:
    assert read(b"\x80\x05" + harmless + SYSTEM + ORDER + b"\x85R.").unsafe == [("call", "os.system")]


@pytest.mark.parametrize("start", [b"I5\0x\n0", b"I\0x\n0", b"L5\0x\n0", b"F5\0x\n0", b"Np5\0x\n0", b"Np5\n0g5\0x\n0"])
def test_a_zero_ends_a_number_as_it_does_in_c(start: bytes) -> None:
    """Python's fast unpickler goes on there, and the other one stops."""
    pickle.loads(start + b"N.")
    reading = read(start + b"cos\nsystem\n)R.")
    assert reading.error is None
    assert reading.unsafe == [("call", "os.system")]
