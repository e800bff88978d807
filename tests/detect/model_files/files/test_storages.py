"""Raw numbers in archives of torch: chance must not make them unknown, and nothing may hide there."""

import random
import struct

import pytest
from bench.machinery.hostile.archives import objects
from bench.machinery.hostile.assembly import LOAD, call, data, harm, named, pickled, text

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import judged, zipped

HARM = harm("/tmp/nowhere")


def archive(storage: bytes) -> bytes:
    key = b"(" + text("storage") + named("torch", "ByteStorage") + text("0") + text("cpu")
    pickle = pickled(key, b"J" + struct.pack("<i", len(storage)), b"tQ", protocol=2)
    return zipped({"a/data.pkl": pickle, "a/data/0": storage, "a/version": b"3\n"})


@pytest.mark.parametrize(
    "storage",
    [
        HARM,
        b"\x80\x04" + HARM,
        pickled(call(LOAD, data(HARM))),
        objects(HARM),
        objects(pickled(call(LOAD, data(HARM)))),
        b"N" * 300_000,
        b"\x80\x04" + b"N0" * 200_000 + HARM,
    ],
    ids=["old", "new", "in bytes", "array", "array with bytes", "very long", "behind much"],
)
def test_a_storage_that_runs_something_is_not_clean(storage: bytes) -> None:
    judgement = judged(archive(storage))
    assert judgement.verdict is not Verdict.CLEAN
    assert any("data/0" in reason for reason in judgement.reasons)


@pytest.mark.parametrize("seed", range(5))
def test_numbers_are_numbers(seed: int) -> None:
    chance = random.Random(seed)
    storages = [
        chance.randbytes(4_096),
        struct.pack("<1024f", *(chance.gauss(0, 1) for _ in range(1_024))),
        struct.pack("<512q", *(chance.randrange(50_000) for _ in range(512))),
        bytes(4_096),
        bytes([chance.randrange(256)]) * 64,
        # The first two bytes of a pickle, by chance.
        b"\x80\x04" + chance.randbytes(4_094),
        b"\x1f\x8b" + chance.randbytes(4_094),
        b"x\x9c" + chance.randbytes(4_094),
    ]
    assert [judged(archive(storage)).reasons for storage in storages] == [()] * len(storages)


def test_small_texts_in_storages_are_numbers() -> None:
    """Letters as numbers: no loader of any format runs them."""
    for storage in (b"import os\n", b"cat", b"{}", b"V\n", b"class,width\n1,2\n"):
        assert judged(archive(storage)).verdict is Verdict.CLEAN
