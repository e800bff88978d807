"""XGBoost's old binary form: clean where it is read to its last byte, and bounded whatever it announces."""

import struct

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import HARMFUL, judged, verdict

NOTE = struct.Struct("<Q")


def text(words: bytes) -> bytes:
    return NOTE.pack(len(words)) + words


def learner(notes: int = 1, metrics: int = 1) -> bytes:
    return struct.pack("<fIiii", 0.5, 3, 0, notes, metrics) + bytes(116)


def tree(nodes: int, vector: int = 0) -> bytes:
    return struct.pack("<6i", 1, nodes, 0, 2, 3, vector) + bytes(124) + bytes(36 * nodes)


def forest(*trees: bytes, count: int | None = None) -> bytes:
    number = len(trees) if count is None else count
    return struct.pack("<i", number) + bytes(156) + b"".join(trees) + bytes(4 * len(trees))


def notes(*pairs: tuple[bytes, bytes]) -> bytes:
    return NOTE.pack(len(pairs)) + b"".join(text(key) + text(value) for key, value in pairs)


END = notes((b"best_iteration", b"3")) + NOTE.pack(1) + text(b"rmse")
HEAD = b"binf" + learner() + text(b"reg:linear")
WHOLE = HEAD + text(b"gbtree") + forest(tree(3), tree(1, 1)) + END
DART = HEAD + text(b"dart") + forest(tree(3)) + NOTE.pack(1) + bytes(4) + END
LINEAR = HEAD + text(b"gblinear") + bytes(136) + NOTE.pack(4) + bytes(16) + END
POISSON = b"binf" + learner(0, 0) + text(b"count:poisson") + text(b"gbtree") + forest(tree(1))


@pytest.mark.parametrize("content", [WHOLE, DART, LINEAR, POISSON, POISSON + text(b"0.7")])
def test_a_booster_is_clean(content: bytes) -> None:
    judgement = judged(content)
    assert (judgement.verdict, judgement.kind, judgement.reasons) == (Verdict.CLEAN, "xgboost", ())


@pytest.mark.parametrize("content", [WHOLE, DART, LINEAR])
def test_what_is_cut_or_goes_on_is_not(content: bytes) -> None:
    for cut in (*range(5, 60, 9), len(content) // 2, len(content) - 1):
        assert verdict(content[:cut]) is Verdict.UNKNOWN
    assert verdict(content + b"\0") is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "content",
    [
        HEAD + text(b"gbtree") + forest(tree(3), count=2_000_000_000) + END,
        HEAD + text(b"gbtree") + forest(tree(3), count=-1) + END,
        HEAD + text(b"gbtree") + forest(struct.pack("<6i", 1, 1 << 30, 0, 2, 3, 0) + bytes(124)) + END,
        HEAD + text(b"gbtree") + forest(struct.pack("<6i", 1, -1, 0, 2, 3, 0) + bytes(124)) + END,
        HEAD + text(b"gbtree") + forest(tree(3, 7)) + END,
        HEAD + text(b"gbtree") + forest(tree(3)) + NOTE.pack((1 << 64) - 1),
        HEAD + text(b"other") + forest(tree(3)) + END,
        b"binf" + learner() + NOTE.pack(1 << 63) + b"reg:linear",
        HEAD + text(b"gblinear") + bytes(136) + NOTE.pack(1 << 62) + END,
    ],
)
def test_sizes_of_anybody_s_choice_are_no_booster(content: bytes) -> None:
    assert verdict(content) is Verdict.UNKNOWN


def test_a_pickle_in_a_note_is_found() -> None:
    carried = HEAD + text(b"gbtree") + forest(tree(3)) + notes((b"scikit_learn", HARMFUL)) + NOTE.pack(0)
    assert verdict(carried) is Verdict.UNSAFE


@pytest.mark.parametrize("content", [WHOLE, DART, LINEAR, POISSON])
def test_an_older_booster_without_a_sign_is_read_as_well(content: bytes) -> None:
    older = content[4:]
    judgement = judged(older)
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, "xgboost")
    for other in (older + HARMFUL, older[:-1], older[:136] + b"\x0a\0\0\0\0\0\0\1" + older[144:]):
        assert verdict(other) is not Verdict.CLEAN
