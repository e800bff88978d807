"""TFLite and CatBoost in flat buffers, and MessagePack as Flax writes it."""

import struct

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import HARMFUL, judged, verdict


def tflite(name: bytes = b"", code: int = 9) -> bytes:
    """A model with one operator: a table of the root, a list, and the operator's table before its directory."""
    # Root's table at 16, its directory at 8; the list at 28, and the operator at 36.
    head = struct.pack("<I4sHHHHiII", 16, b"TFL3", 8, 12, 0, 4, 8, 8, 0)
    listed = struct.pack("<II", 1, 4)
    directory = struct.pack("<HHHHHH", 12, 12, 0, 4 if name else 0, 0, 8)
    text = struct.pack("<I", len(name)) + name + b"\0"
    return head + listed + struct.pack("<iIi", -12, 20, code) + directory + text + bytes(8)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (tflite(), Verdict.CLEAN),
        (tflite(b"TFLite_Mine"), Verdict.UNKNOWN),
        (tflite(code=32), Verdict.UNKNOWN),
        (tflite(code=51), Verdict.UNKNOWN),
        (tflite()[:20], Verdict.UNKNOWN),
        (b"\xff\xff\xff\x7fTFL3" + bytes(9), Verdict.UNKNOWN),
    ],
)
def test_tflite_is_judged_by_its_operators(content: bytes, expected: Verdict) -> None:
    judgement = judged(content)
    assert (judgement.verdict, judgement.kind) == (expected, "tflite")


def test_trees_of_catboost_are_clean_where_their_size_is_true() -> None:
    core = struct.pack("<IHHi", 8, 4, 4, 4) + bytes(12)
    whole = b"CBM1" + len(core).to_bytes(4, "little") + core
    assert (judged(whole + b"parts").verdict, judged(whole).kind) == (Verdict.CLEAN, "catboost")
    assert verdict(whole[:-1]) is Verdict.UNKNOWN
    assert verdict(b"CBM1" + b"\xff" * 60) is Verdict.UNKNOWN


ARRAY = b"\x93\x91\x04\xa7float32\xc4\x10" + bytes(16)
PARAMETERS = b"\x82\xa4bias\xc7" + bytes([len(ARRAY), 1]) + ARRAY + b"\xa4more\x94\xc3\xc0\xcb" + bytes(8) + b"\xd0\x05"


def test_parameters_of_flax_are_clean_to_their_last_byte() -> None:
    judgement = judged(PARAMETERS)
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, "msgpack")
    assert verdict(b"\xde\x00\x02" + PARAMETERS[1:]) is Verdict.CLEAN
    for other in (PARAMETERS[:-1], PARAMETERS + b"\xc1", PARAMETERS.replace(b"\xc3\xc0", b"\xc3\xc1")):
        assert verdict(other) is Verdict.UNKNOWN
    assert verdict(b"\xdf\xff\xff\xff\xff\xc0\xc0") is Verdict.UNKNOWN


def test_a_map_of_nothing_is_one_and_half_a_protocol_with_more_behind_it_is_not() -> None:
    """As spaCy writes it for a vocabulary without vectors; all readers of pickles stop at its end."""
    assert judged(b"\x80").kind == "msgpack"
    assert [verdict(b"\x80" + more) for more in (b"", b"\x81", b"\x04")] == [
        Verdict.CLEAN,
        Verdict.UNKNOWN,
        Verdict.UNKNOWN,
    ]


def test_a_kind_of_somebody_elses_and_a_pickle_in_bytes_are_told() -> None:
    assert "kind that its loader has to know: 42" in judged(b"\x81\xa1a\xd4\x2a\x00").reason
    held = b"\x81\xa1a\xc4" + bytes([len(HARMFUL)]) + HARMFUL
    assert verdict(held) is Verdict.UNSAFE


@pytest.mark.parametrize("kind", [b"\xa4kind\xa1O", b"\xc4\x04kind\xc4\x01O", b"\xd9\x04kind\xd9\x01O"])
def test_objects_of_msgpack_numpy_are_read_with_pickle_however_that_begins(kind: bytes) -> None:
    inside = b"N0" + HARMFUL
    held = b"\x83\xc4\x02nd\xc3" + kind + b"\xc4\x04data\xc4" + bytes([len(inside)]) + inside
    judgement = judged(held)
    assert judgement.verdict is Verdict.UNKNOWN
    assert "msgpack-numpy reads with pickle" in judgement.reason
    assert verdict(held.replace(kind, kind[:-1] + b"V")) is Verdict.CLEAN
