import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable

import joblib
import numpy as np
import pyarrow
import pytest
import zstandard

from caponier.detect.artifact import Limits, Verdict
from caponier.detect.model_files.files.compressed import expand, kind
from caponier.detect.model_files.files.part import Budget, TooMuchError
from detect.model_files.files.building import HARMFUL, SMALL, judged, tar_entry, tarred, verdict

WAYS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda content: lzma.compress(content, format=lzma.FORMAT_ALONE),
    "zstandard": zstandard.ZstdCompressor().compress,
}
CONTENT = bytes(range(256)) * 5_000


def budget(count: int = 1 << 30) -> Budget:
    return Budget(Limits(), count, 10)


@pytest.mark.parametrize("how", WAYS)
def test_what_went_in_comes_out(how: str) -> None:
    packed = WAYS[how](CONTENT)
    assert kind(packed[:16]) == how
    expanded = expand(memoryview(packed), how, budget())
    assert bytes(expanded.content) == CONTENT
    assert expanded.doubt is None


@pytest.mark.parametrize("how", WAYS)
def test_more_than_the_budget_is_too_much(how: str) -> None:
    with pytest.raises(TooMuchError):
        expand(memoryview(WAYS[how](CONTENT)), how, budget(1 << 18))


@pytest.mark.parametrize("how", WAYS)
def test_what_is_cut_gives_its_beginning_and_a_doubt(how: str) -> None:
    packed = WAYS[how](CONTENT)
    expanded = expand(memoryview(packed[: len(packed) - 3]), how, budget())
    assert CONTENT.startswith(bytes(expanded.content))
    assert expanded.doubt


@pytest.mark.parametrize("how", ["gzip", "bz2", "xz"])
def test_streams_that_follow_each_other_are_all_read(how: str) -> None:
    packed = WAYS[how](b"first ") + WAYS[how](b"second")
    assert bytes(expand(memoryview(packed), how, budget()).content) == b"first second"


def test_zeros_behind_a_stream_are_padding_and_other_things_are_not() -> None:
    packed = gzip.compress(b"content")
    assert expand(memoryview(packed + bytes(20)), "gzip", budget()).doubt is None
    assert expand(memoryview(packed + b"more"), "gzip", budget()).doubt


@pytest.mark.parametrize("head", [b"", b"\x80\x04", b"PK\x03\x04", b"x", b"hello"])
def test_other_content_is_not_compressed(head: bytes) -> None:
    assert kind(head) is None


def test_joblib_files_in_lz4_are_judged_by_what_is_in_them() -> None:
    clean, codec = io.BytesIO(), pyarrow.Codec("lz4")
    joblib.dump({"a": np.arange(1_000.0), "b": [1, 2]}, clean)
    content = codec.compress(clean.getvalue()).to_pybytes()
    judgement = judged(content)
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, "joblib (lz4)"), judgement.reason
    harmful = codec.compress(HARMFUL).to_pybytes()
    assert verdict(harmful) is Verdict.UNSAFE
    assert verdict(content[:-9]) is not Verdict.CLEAN
    assert verdict(content + b"rest") is not Verdict.CLEAN
    assert verdict(content + harmful) is not Verdict.CLEAN
    assert verdict(codec.compress(bytes(30 << 20)).to_pybytes(), SMALL) is Verdict.UNKNOWN


def begun(front: bytes, content: bytes = b"words") -> bytes:
    """An archive whose first member is named so: readers end a name at its first zero, whatever stands behind that."""
    entry = bytearray(tar_entry("x", content))
    entry[: len(front)], entry[148:156] = front, b" " * 8
    entry[148:156] = b"%06o\0 " % sum(entry[:512])
    return tarred(bytes(entry))


@pytest.mark.parametrize("settings", [{"lc": 4, "pb": 2}, {"lc": 0, "pb": 0}, {"lc": 3, "dict_size": 3 << 12}])
@pytest.mark.parametrize("sized", [False, True])
def test_the_old_form_of_lzma_is_read_whatever_its_settings(settings: dict[str, int], sized: bool) -> None:
    """It has no sign of its own, and Python reads it wherever a name ends in `.xz`."""
    filters = [{"id": lzma.FILTER_LZMA1, "lp": 0, **settings}]
    packed = lzma.compress(HARMFUL, format=lzma.FORMAT_ALONE, filters=filters)
    if sized:
        packed = packed[:5] + len(HARMFUL).to_bytes(8, "little") + packed[13:]
    assert kind(packed[:16]) == "lzma"
    assert verdict(packed) is Verdict.UNSAFE
    both = begun(packed)
    with lzma.open(io.BytesIO(both)) as stream:
        assert stream.read(len(HARMFUL)) == HARMFUL
    assert verdict(both) is Verdict.UNSAFE
    assert verdict(begun(b"m.bin")) is Verdict.CLEAN


@pytest.mark.parametrize("first", [0x50, 0x5D, 0x5F])
def test_frames_of_zstandard_may_come_behind_one_that_is_passed_over(first: int) -> None:
    frame = zstandard.compress(HARMFUL)
    content = bytes(300) + frame
    passed = bytes([first]) + b"\x2a\x4d\x18"
    both = begun(passed + (512 + 300 - 8).to_bytes(4, "little"), content)
    for whole in (passed + (3).to_bytes(4, "little") + b"abc" + frame, both):
        assert io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(whole)).read(len(HARMFUL)) == HARMFUL
        assert verdict(whole) is not Verdict.CLEAN
