"""No small file keeps a scan busy: limits hold for a file and not for each part of it."""

import bz2
import gc
import gzip
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import judged, zipped
from pace import Stopwatch
from program import printed

pytestmark = pytest.mark.slow
SECONDS = 12
MEGABYTES = 500


def packed(count: int, content: bytes) -> bytes:
    return zipped({str(number): content for number in range(count)}, zipfile.ZIP_DEFLATED)


def pickled(body: bytes) -> bytes:
    return b"\x80\x04" + body + b"."


def overlapping() -> bytes:
    """Five thousand parts that are all the same bytes."""
    coder = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = coder.compress(pickled(b"N0" * 500_000 + b"N")) + coder.flush()
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0, 0, len(raw), 1_000_004, 1, 0) + b"a" + raw
    row = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 0, 0, len(raw), 1_000_004, 4, *[0] * 6)
    rows = b"".join(row + b"%04d" % number for number in range(5000))
    return local + rows + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 5000, 5000, len(rows), len(local), 0)


R_HEAD = b"X\n" + struct.pack(">4i", 3, 262_657, 197_888, 5) + b"UTF-8"
R_TEXT = R_HEAD + struct.pack(">2i", 16, 1)
R_CALLS = R_HEAD + struct.pack(">i", 6) * 140 + struct.pack(">3i", 1, 0x40009, 3) + b"log"
R_CALLS += struct.pack(">i", 254) * 140
BUSY: dict[str, Callable[[], bytes]] = {
    "many small pickles": lambda: packed(5_000, pickled(b"(N0" * 20 + b"N")),
    "many large pickles": lambda: packed(300, pickled(b"N0" * 50_000 + b"N")),
    "lists": lambda: gzip.compress(pickled(b"]" + b"]a" * 1_490_000)),
    "bytes": lambda: gzip.compress(pickled(b"]" + b"C\0a" * 990_000)),
    "objects": lambda: gzip.compress(pickled(b"ccollections\nOrderedDict\nq\0]" + b"h\0)\x81a" * 700_000)),
    "zeros in gzip": lambda: gzip.compress(bytes(266_000_000), 1)[:1_000_000],
    "zeros in xz": lambda: lzma.compress(bytes(200_000_000), preset=0),
    "streams in a row": lambda: bz2.compress(b"") * 70_000,
    "lists in json": lambda: gzip.compress(b"[" + b"[]," * 5_500_000 + b"[]]", 1),
    "exclamation marks": lambda: gzip.compress(b"!" * 16_000_000, 1),
    "targets in texts": lambda: packed(60, b"_target_: a.b(\n" * 60_000),
    "names": lambda: packed(4_500, b"".join(b"a: b%d.c.d.e\n" % number for number in range(60))),
    "programs": lambda: packed(300, b"f'" + b"{x}" * 10_000 + b"'()"),
    "protocol buffers": lambda: packed(60, b"\x08\x07" + b"\x12\x00" * 400_000),
    "layers without a name": lambda: b"\x0a\0" * 490_000 + b"\x12\0\x1a\0",
    "descriptions of a core ml model": lambda: b"\x0a\0" * 240_000 + b"\x12\0" * 240_000,
    "brackets in a text of R": lambda: R_TEXT + struct.pack(">2i", 0x40009, 990_000) + b"log(a)" * 165_000,
    "calls of R in each other": lambda: R_CALLS * 650,
    "parts that no directory lists": lambda: (b"PK\3\4" + bytes(22) + b"\1\0\0\0a") * 30_000 + zipped({"a": b"N."}),
    "parts that overlap": overlapping,
    "bytes that are loaded often": lambda: pickled(
        b"ctorch.storage\n_load_from_bytes\nq\0"
        + (b"(h\0(B" + struct.pack("<I", 400_000) + pickled(b"N0" * 199_998 + b"N") + b"q\1tR0")
        + b"h\0(h\1tR0" * 20_000
        + b"N"
    ),
    "states of many objects": lambda: pickled(
        b"}q\1(" + b"".join(b"K%cN" % number for number in range(200)) + b"u0csklearn.svm._classes\nSVC\nq\0"
        + b"h\0)\x81h\1b0" * 70_000 + b"N"
    ),
    "states made of long lists": lambda: pickled(
        b"ccollections\nOrderedDict\n(](" + b"N" * 200_000 + b"etRq\1" + b"0csklearn.svm._classes\nSVC\nq\0"
        + b"h\0)\x81h\1b0" * 70_000 + b"N"
    ),
    "types of numpy": lambda: pickled(
        b"cnumpy\ndtype\nq\0(\x8c\2f8\x89\x88tR(K\3\x8c\1<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tbq\1K\0\x86q\2"
        + b"0}q\3(" + b"".join(b"M" + struct.pack("<H", number) + b"h\2" for number in range(60_000)) + b"u0"
        + b"h\0(\x8c\2V8\x89\x88tR(K\3\x8c\1|Nh\2h\3K\x08K\x08K\0tb0" * 20_000 + b"N"
    ),
    "layers": lambda: gzip.compress(b"\x89HDF\r\n\x1a\n" + b'"class_name": "module": "os"' * 2_000_000, 1),
    "templates": lambda: packed(120, b"{{ x[a ~ b]|foo }}" * 5_000),
    "a template": lambda: json.dumps({"chat_template": "{{ x[a ~ b]|foo }}" * 50_000}).encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", BUSY)
def test_no_small_file_takes_long(name: str) -> None:
    content = BUSY[name]()
    assert len(content) < 1_100_000
    with Stopwatch() as watch:
        judged(content)
    assert watch.seconds < SECONDS


@pytest.mark.parametrize("name", ["lists", "bytes", "objects", "zeros in xz", "lists in json", "layers"])
def test_no_small_file_takes_much_memory(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("busy") / "file"
    path.write_bytes(BUSY[name]())
    code = (
        "import sys; from pathlib import Path; from caponier.app.scan.artifact import scan_artifact;"
        "from program import peak; scan_artifact([Path(sys.argv[1])]); print(int(peak()))"
    )
    assert int(printed(code, path)) < MEGABYTES


def test_the_search_for_garbage_goes_on_after_a_scan() -> None:
    judged(pickled(b"]" * 5))
    assert gc.isenabled()
    gc.disable()
    try:
        judged(pickled(b"]" * 5))
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_limits_are_shared_by_all_pickles_of_a_file() -> None:
    judgement = judged(packed(100, pickled(b"N0" * 50_000 + b"N")))
    assert judgement.verdict is Verdict.UNKNOWN
    assert "pickle instructions" in judgement.reason
