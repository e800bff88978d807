"""Files of numbers alone: clean if they are numbers such as models have, and nothing that could be run."""

import numpy as np
import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import HARMFUL, judged, verdict

WEIGHTS = np.random.default_rng(3).normal(0, 0.2, 5_000).astype("<f4").tobytes()
SPARSE = np.where(np.arange(4_000) % 3, 0, np.linspace(-300, 70_000, 4_000)).astype("<f4").tobytes()


@pytest.mark.parametrize("content", [WEIGHTS, SPARSE, WEIGHTS[:64]])
def test_numbers_of_a_model_are_clean(content: bytes) -> None:
    judgement = judged(content)
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, "numbers")


LINE = b"\nrm -rf ~ ; true\n"
NOT_CLEAN = {
    "cut": WEIGHTS[:-1],
    "short": WEIGHTS[:60],
    "zeros": bytes(4_000),
    "noise": np.random.default_rng(3).bytes(4_000),
    "no number": WEIGHTS + b"\0\0\xc0\x7f",
    "endless number": WEIGHTS + b"\0\0\x80\x7f",
    "huge numbers": (np.frombuffer(WEIGHTS, "<f4") * 1e9).astype("<f4").tobytes(),
    "tiny numbers": (np.frombuffer(WEIGHTS, "<f4") * 1e-20).astype("<f4").tobytes(),
    "numbers of eight bytes": np.frombuffer(WEIGHTS, "<f4").astype("<f8").tobytes(),
    "bytes of a picture": np.arange(4_000, dtype="u1").tobytes(),
    "instructions": bytes.fromhex("554889e54883ec10c745fc00000000e8") * 200,
    "instructions behind": WEIGHTS + bytes.fromhex("554889e54883ec10c745fc00000000e8") * 200,
    "line of a shell": WEIGHTS[:400] + LINE + bytes(-len(LINE) % 4) + WEIGHTS,
    "line of a shell at the start": LINE[1:] + bytes(-len(LINE[1:]) % 4) + WEIGHTS,
    "line of a shell at the end": WEIGHTS + bytes(-len(LINE) % 4) + LINE[:-1] + b"e",
    "line over a border": WEIGHTS * 209 + LINE.ljust(20, b"\n") + WEIGHTS,
    "pickle": HARMFUL.ljust(24, b"\0") + WEIGHTS,
    "pickle behind zeros": WEIGHTS + HARMFUL.ljust(24, b"\0"),
    "digits": b"0123" * 100,
}


@pytest.mark.parametrize("content", NOT_CLEAN.values(), ids=NOT_CLEAN)
def test_anything_else_is_not(content: bytes) -> None:
    judgement = judged(content)
    assert judgement.kind != "numbers" or judgement.verdict is not Verdict.CLEAN


def test_what_begins_as_another_format_is_judged_as_that() -> None:
    assert verdict(HARMFUL + WEIGHTS[: -len(HARMFUL)]) is Verdict.UNSAFE
    assert verdict(b"\x7fELF" + WEIGHTS[4:]) is Verdict.UNKNOWN
