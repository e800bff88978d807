"""Compressed content with faults: a loader hands on what it has read before it sees them, and so it is judged here.

Python's own readers check a checksum at the end of a stream, when a pickle has long been loaded.
"""

import bz2
import gzip
import io
import lzma
import struct
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.artifact import Limits, Verdict
from caponier.detect.model_files.files.compressed import expand, kind
from caponier.detect.model_files.files.part import Budget, TooMuchError
from detect.model_files.files.building import HARMFUL, SMALL, judged, verdict

LONG = HARMFUL[:-1] + b"0" + b"K\x010" * 100_000 + b"N."
WAYS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda content: lzma.compress(content, format=lzma.FORMAT_ALONE),
}
CHECKED = {"gzip": -8, "zlib": -1, "bz2": -1, "xz": -30}
"""Ways with a checksum, and a byte that belongs to it or to what is behind it."""


def damaged(content: bytes, at: int) -> bytes:
    changed = bytearray(content)
    changed[at] ^= 0xFF
    return bytes(changed)


def budget(count: int = 1 << 24) -> Budget:
    return Budget(Limits(), count, 10)


def as_python_reads(content: bytes) -> bytes:
    """Return what a loader that reads a little at a time has got before the fault."""
    got = b""
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
        try:
            while piece := stream.read(64):
                got += piece
        except (OSError, EOFError, zlib.error):
            return got
    return got


@pytest.mark.parametrize("how", ["gzip", "zlib"])
@pytest.mark.parametrize("content", [HARMFUL, LONG], ids=["short", "long"])
def test_a_wrong_checksum_hides_no_pickle(how: str, content: bytes) -> None:
    packed = damaged(WAYS[how](content), CHECKED[how])
    judgement = judged(packed)
    assert judgement.verdict is Verdict.UNSAFE
    assert any("breaks off" in reason for reason in judgement.reasons)


def test_the_attack_is_real() -> None:
    """The measure itself: Python's reader hands on what would run, and only then complains."""
    assert as_python_reads(damaged(gzip.compress(LONG), -8)).startswith(HARMFUL[:-1])


@pytest.mark.parametrize("how", ["bz2", "xz"])
def test_what_comes_before_a_fault_is_kept(how: str) -> None:
    packed = damaged(WAYS[how](LONG), CHECKED[how])
    expanded = expand(memoryview(packed), how, budget())
    assert LONG.startswith(bytes(expanded.content))
    assert expanded.doubt


def test_blocks_before_a_faulty_one_are_kept() -> None:
    content = HARMFUL + bytes(range(256)) * 8_000
    packed = bz2.compress(content, 1)
    expanded = bytes(expand(memoryview(damaged(packed, len(packed) - 40)), "bz2", budget()).content)
    assert expanded.startswith(HARMFUL)
    assert verdict(damaged(packed, len(packed) - 40)) is Verdict.UNSAFE


HEADS = {
    "a name": (8, b"model.pkl\0"),
    "a comment": (16, b"words\0"),
    "both": (24, b"model.pkl\0words\0"),
    "an extra field": (4, struct.pack("<H", 3) + b"abc"),
    "a checksum of the head": (2, b"\0\0"),
    "everything": (30, struct.pack("<H", 2) + b"ab" + b"n\0" + b"c\0" + b"\0\0"),
}


@pytest.mark.parametrize("name", HEADS)
def test_heads_of_gzip_are_stepped_over(name: str) -> None:
    flags, more = HEADS[name]
    head = b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + more
    packed = head + zlib.compress(LONG, wbits=-15) + bytes(8)
    assert as_python_reads(packed).startswith(HARMFUL[:-1])
    assert verdict(packed) is Verdict.UNSAFE


@pytest.mark.parametrize("head", [b"\x1f\x8b", b"\x1f\x8b\x08\x1e", b"\x1f\x8b\x08\x04" + bytes(6) + b"\xff\xff"])
def test_heads_that_break_off_are_no_error(head: bytes) -> None:
    assert verdict(head) is Verdict.UNKNOWN


@pytest.mark.parametrize("how", WAYS)
def test_a_second_stream_behind_a_faulty_one_is_not_clean(how: str) -> None:
    packed = damaged(WAYS[how](b"words " * 100), -1) + WAYS[how](HARMFUL)
    assert verdict(packed) is not Verdict.CLEAN


@pytest.mark.parametrize("how", ["gzip", "bz2", "xz"])
def test_a_harmful_stream_behind_a_harmless_one_is_found(how: str) -> None:
    assert verdict(WAYS[how](b"\x80\x04N") + WAYS[how](b"0" + HARMFUL)) is Verdict.UNSAFE


def test_bombs_with_a_wrong_checksum_are_bombs() -> None:
    packed = damaged(gzip.compress(bytes(1 << 22)), -8)
    with pytest.raises(TooMuchError):
        expand(memoryview(packed), "gzip", budget(1 << 20))


def test_what_was_expanded_twice_is_paid_once() -> None:
    purse = budget()
    before = purse.bytes_left
    expanded = expand(memoryview(damaged(gzip.compress(LONG), -8)), "gzip", purse)
    assert bytes(expanded.content) == LONG
    assert before - purse.bytes_left == len(LONG)


@pytest.mark.parametrize("dictionary", [1 << 12, 1 << 16, 3 << 12, 1 << 23])
def test_lzma_is_known_whatever_its_dictionary(dictionary: int) -> None:
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": dictionary}]
    packed = lzma.compress(HARMFUL, format=lzma.FORMAT_ALONE, filters=filters)
    assert kind(packed[:16]) == "lzma"
    assert verdict(packed) is Verdict.UNSAFE


def test_a_small_dictionary_is_known_as_well() -> None:
    """Its third byte is not 0: joblib takes the first two for lzma."""
    packed = bytearray(lzma.compress(HARMFUL, format=lzma.FORMAT_ALONE))
    packed[1:5] = struct.pack("<I", 0x1800)
    changed = bytes(packed)
    assert lzma.decompress(changed) == HARMFUL
    assert changed[:3] != b"\x5d\x00\x00"
    assert verdict(changed) is Verdict.UNSAFE


def test_other_files_that_begin_like_compressed_ones_are_read_on() -> None:
    assert verdict(b"x\x9c is how this text begins") is not Verdict.UNSAFE
    assert verdict(b"]\x00" + bytes(20)) is Verdict.UNKNOWN


@given(st.sampled_from(["gzip", "zlib", "bz2", "xz", "lzma"]), st.binary(max_size=600), st.data())
@settings(max_examples=200, deadline=None)
def test_no_damage_makes_it_fail_or_invents_content(how: str, content: bytes, data: st.DataObject) -> None:
    packed = bytearray(WAYS[how](content))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    expanded = expand(memoryview(bytes(packed)), how, budget())
    assert bytes(expanded.content) == content or expanded.doubt or how in ("lzma", "gzip")
    judged(bytes(packed), SMALL)


@given(st.binary(max_size=300), st.integers(1, 255), st.integers(1, 8))
@settings(max_examples=150, deadline=None)
def test_no_change_of_a_gzip_trailer_changes_what_is_judged(tail: bytes, flip: int, at: int) -> None:
    content = HARMFUL + tail
    packed = bytearray(gzip.compress(content))
    packed[-at] ^= flip
    assert bytes(expand(memoryview(bytes(packed)), "gzip", budget()).content) == content
    assert verdict(bytes(packed)) is Verdict.UNSAFE
