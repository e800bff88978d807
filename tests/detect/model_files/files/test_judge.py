import io
import os
import pickle
import zipfile
import zlib
from typing import Any

import numpy as np
import pytest

from caponier.detect.artifact import Judgement, Limits, Verdict
from caponier.detect.model_files.files.judge import judge
from detect.model_files.files.building import verdict
from pace import Stopwatch

HARMFUL = b"cos\nsystem\n(S'id'\ntR."


def judged(content: bytes, limits: Limits | None = None) -> Judgement:
    return judge(memoryview(content), limits or Limits())


def zipped(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "verdict", "kind"),
    [
        (pickle.dumps([1]), Verdict.CLEAN, "pickle"),
        (HARMFUL, Verdict.UNSAFE, "pickle"),
        (b"", Verdict.UNKNOWN, "empty"),
        (b"\x00\x01\x02", Verdict.UNKNOWN, "unknown"),
        (b"GGUF" + bytes(40), Verdict.UNKNOWN, "gguf"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(40), Verdict.UNKNOWN, "7z"),
        (b'{"layers": 3}', Verdict.CLEAN, "json"),
        (b"hello there\n", Verdict.CLEAN, "text"),
        (b"csome words\nof text\n", Verdict.CLEAN, "text"),
        (zipped({"a.txt": b"hello"}), Verdict.CLEAN, "zip"),
    ],
)
def test_content_tells_the_kind(content: bytes, verdict: Verdict, kind: str) -> None:
    judgement = judged(content)
    assert (judgement.verdict, judgement.kind) == (verdict, kind)
    assert bool(judgement.reasons) == (verdict is not Verdict.CLEAN)


def test_known_danger_is_surer_than_the_merely_unlisted() -> None:
    assert judged(HARMFUL).confidence == 0.99
    assert judged(b"cmy.own\nrun\n)R.").confidence == 0.6
    assert judged(pickle.dumps(1)).confidence == 0.0


def test_the_worst_part_decides_and_names_its_place() -> None:
    judgement = judged(zipped({"good.pkl": pickle.dumps([1]), "odd.bin": b"\x00\x01", "deep/bad.pkl": HARMFUL}))
    assert judgement.verdict is Verdict.UNSAFE
    assert judgement.reasons[0].startswith("deep/bad.pkl: calls os.system")
    assert any(reason.startswith("odd.bin: ") for reason in judgement.reasons)
    assert judgement.facts["parts"] == 4


def test_a_cut_pickle_is_unknown_and_a_cut_attack_unsafe() -> None:
    whole = pickle.dumps({"weights": list(range(1000))})
    assert judged(whole[:-20]).verdict is Verdict.UNKNOWN
    assert judged(HARMFUL[:-1]).verdict is Verdict.UNSAFE


def test_what_follows_a_pickle_is_judged_too() -> None:
    assert judged(pickle.dumps([1]) * 3).verdict is Verdict.CLEAN
    assert judged(pickle.dumps([1]) + HARMFUL).verdict is Verdict.UNSAFE
    trailing = judged(pickle.dumps([1]) + b"\xff\xff\xff")
    assert (trailing.verdict, trailing.reason) == (
        Verdict.UNKNOWN,
        "3 bytes follow the last pickle, which are none",
    )


def test_files_that_are_two_things_at_once_are_judged_as_both() -> None:
    archive = zipped({"bad.pkl": HARMFUL})
    assert judged(pickle.dumps([1]) + archive).verdict is Verdict.UNSAFE
    assert judged(b"GGUFaaaaa0" + HARMFUL).verdict is Verdict.UNSAFE


def test_archives_in_archives_end_somewhere() -> None:
    content = pickle.dumps([1])
    for _ in range(12):
        content = zipped({"inner": content})
    judgement = judged(content)
    assert judgement.verdict is Verdict.UNKNOWN
    assert "nested more deeply" in judgement.reason


@pytest.mark.parametrize("layers", [1, 2])
def test_bombs_are_unknown_and_cost_little(layers: int) -> None:
    content = zipped({"zeros": bytes(64 << 20)})
    for _ in range(layers - 1):
        content = zipped({f"copy-{number}": content for number in range(50)})
    limits = Limits(expanded_bytes=8 << 20, expansion=1)
    with Stopwatch() as watch:
        judgement = judged(content, limits)
        assert judgement.verdict is Verdict.UNKNOWN
        assert "bomb" in judgement.reason
    assert watch.seconds < 3


def test_a_bomb_that_lies_about_its_size_is_stopped_as_well() -> None:
    content = bytearray(zipped({"zeros": bytes(64 << 20)}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.find(signature)
        content[at + offset : at + offset + 4] = b"\x10\x00\x00\x00"
    judgement = judged(bytes(content), Limits(expanded_bytes=1 << 20, expansion=1))
    assert judgement.verdict is Verdict.UNKNOWN
    assert "bomb" in judgement.reason


def test_too_many_parts_are_unknown() -> None:
    judgement = judged(zipped({f"{number}": b"1" for number in range(50)}), Limits(members=20))
    assert judgement.verdict is Verdict.UNKNOWN
    assert "more than 20 parts" in judgement.reason


def torch_archive(pickled: bytes, **parts: bytes) -> bytes:
    own = {"m/data.pkl": pickled, "m/version": b"3\n", "m/byteorder": b"little"}
    return zipped(own | {f"m/data/{name}": content for name, content in parts.items()}, zipfile.ZIP_STORED)


STORAGE = b"\x80\x02(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04tQ."


def test_storages_of_a_torch_archive_are_numbers_only_where_the_pickle_says_so() -> None:
    assert judged(torch_archive(STORAGE, **{"0": bytes(16)})).verdict is Verdict.CLEAN
    assert judged(torch_archive(STORAGE)).verdict is Verdict.UNKNOWN
    assert judged(torch_archive(STORAGE, **{"0": bytes(12)})).verdict is Verdict.UNKNOWN
    assert judged(torch_archive(STORAGE, **{"0": bytes(16), "1": HARMFUL})).verdict is Verdict.UNSAFE


def legacy(tail: bytes, keys: bytes = b"]U\x010a.") -> bytes:
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    return magic + pickle.dumps(1001, 2) + pickle.dumps({}, 2) + STORAGE + b"\x80\x02" + keys + tail


def test_the_old_format_of_torch_ends_with_its_storages() -> None:
    whole = legacy((4).to_bytes(8, "little") + bytes(16))
    judgement = judged(whole)
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, "torch (old format)")
    assert judged(whole[:-1]).verdict is Verdict.UNKNOWN
    assert judged(whole + b"x").verdict is Verdict.UNKNOWN
    assert judged(legacy((5).to_bytes(8, "little") + bytes(16))).verdict is Verdict.UNKNOWN
    assert judged(legacy(b"", keys=b"].")).verdict is Verdict.UNKNOWN


def test_objects_in_an_array_are_a_pickle() -> None:
    def saved(value: Any) -> bytes:
        stream = io.BytesIO()
        np.save(stream, value, allow_pickle=True)
        return stream.getvalue()

    class Harmful:
        def __reduce__(self) -> Any:
            return os.system, ("id",)

    assert judged(saved(np.array([1, None], dtype=object))).verdict is Verdict.CLEAN
    assert judged(saved(np.array([Harmful()], dtype=object))).verdict is Verdict.UNSAFE


def test_small_files_take_milliseconds() -> None:
    content = pickle.dumps([np.arange(100), {"a": list(range(200))}])
    judged(content)
    with Stopwatch() as watch:
        for _ in range(100):
            judged(content)
    assert watch.seconds < 1


def test_a_big_torch_archive_takes_less_than_a_second() -> None:
    count = 25_000_000
    storage = b"\x80\x02(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuJ" + count.to_bytes(4, "little") + b"tQ."
    content = torch_archive(storage, **{"0": bytes(4 * count)})
    with Stopwatch() as watch:
        assert judged(content).verdict is Verdict.CLEAN
    assert watch.seconds < 1.0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("V{{ ''.__class__.__mro__ }}\n2.", Verdict.UNSAFE),
        ("V: !!python/object/apply:os.system [id]\n2.", Verdict.UNSAFE),
        ("V=__import__('os').system('id')\n2.", Verdict.UNKNOWN),
        ("V=(1)\n2.", Verdict.CLEAN),
        ("Vwords\n2.", Verdict.CLEAN),
    ],
)
def test_a_pickle_that_is_a_text_is_judged_as_both(words: str, expected: Verdict) -> None:
    """`V` is a text for a pickle, `2` a copy of it, and the dot its end."""
    assert verdict(words.encode()) is expected


def test_text_that_can_be_expanded_is_judged_as_text_as_well() -> None:
    words = b"x^ZPsK20FK: !!python/object/apply:os.system [id]"
    assert zlib.decompressobj().decompress(words[:20]), "it begins like a stream of zlib"
    assert verdict(words) is Verdict.UNSAFE
