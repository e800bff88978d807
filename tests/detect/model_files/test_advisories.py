"""What public advisories of other scanners tell, as files of our own: none of them may be called clean.

Those that this Python can carry out fire their canary first, in a process that is thrown away.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from bench.machinery.hostile.advisories import build
from bench.machinery.hostile.archives import objects, zipped
from bench.machinery.hostile.assembly import call, get, harm, named, pickled, put, row, text
from bench.machinery.hostile.oracle import Case, fired

from caponier.detect.artifact import Verdict
from caponier.formats.strict_yaml import YamlDialect, read_value
from detect.model_files.files.building import field, judged, tar_entry, tarred

CASES = Path(__file__).parents[2] / "cases" / "advisories.yaml"
ROWS: list[dict[str, Any]] = read_value(CASES.read_text(), str(CASES), YamlDialect())
NAMES = [f"{told['ids'][0]} {number}" for number, told in enumerate(ROWS)]
HARM = harm("/tmp/nowhere")


def _keras(node: dict[str, Any]) -> bytes:
    config = {"module": "keras", "class_name": "Sequential", "config": {"layers": [node]}}
    parts = ("config.json", json.dumps(config).encode()), ("metadata.json", b"{}"), ("model.weights.h5", b"x")
    return zipped(*parts)


def _onnx(location: str) -> bytes:
    pair = field(13, field(1, b"location") + field(2, location.encode()))
    return field(1, 8) + field(7, field(5, pair)) + field(8, field(2, 17))


def _flagged(archive: bytes, flag: int) -> bytes:
    at = archive.index(b"PK\x01\x02") + 8
    return archive[: at - 2] + archive[at - 2 : at] + flag.to_bytes(2, "little") + archive[at + 2 :]


def _torch(data: bytes, name: str = "data.pkl") -> bytes:
    return zipped((f"archive/{name}", data), ("archive/version", b"3\n"))


SET_ON_TENSOR = pickled(named("torch", "Tensor") + b")\x81", text("x"), b"K\x01s", protocol=2)
FORMATS: dict[str, bytes] = {
    "CVE-2019-6446 objects of numpy": objects(HARM),
    "CVE-2020-13092 joblib": b"\x80\x03" + HARM,
    "CVE-2024-3660 a layer of code": _keras({"module": "keras.layers", "class_name": "Lambda", "config": {}}),
    "CVE-2025-9905 a layer of code in HDF5": b"\x89HDF\r\n\x1a\n" + bytes(64) + b'{"class_name": "Lambda"}',
    "CVE-2025-1550 a foreign module": _keras({"module": "os", "class_name": "function", "config": "system"}),
    "CVE-2025-8747 a function with arguments": _keras(
        {"module": "keras.utils", "class_name": "get_file", "config": {"fname": "x", "origin": "http://x"}}
    ),
    "CVE-2025-9906 lifts the restriction": _keras(
        {"module": "keras.config", "class_name": "enable_unsafe_deserialization", "config": {}}
    ),
    "CVE-2025-12060 unpacks what it fetched": _keras(
        {"module": "keras.utils.file_utils", "class_name": "get_file", "config": {"extract": True}}
    ),
    "CVE-2025-49655 a module of torch": _keras(
        {"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {"module": "x"}}
    ),
    "CVE-2024-34359 a chat template": json.dumps(
        {"chat_template": "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}"}
    ).encode(),
    "CVE-2025-23304 a target": b"model:\n  _target_: subprocess.run\n",
    "CVE-2025-54413 skops, a method": zipped(
        ("schema.json", b'{"__loader__": "MethodNode", "__module__": "builtins", "__class__": "method", "content": {}}')
    ),
    "CVE-2025-54412 skops, an operator": zipped(
        ("schema.json", b'{"__loader__": "OperatorFuncNode", "__module__": "operator", "__class__": "methodcaller"}')
    ),
    "CVE-2022-25882 weights elsewhere": _onnx("../../etc/passwd"),
    "CVE-2024-27318 weights elsewhere, nested": _onnx("a/../../../etc/passwd"),
    "CVE-2023-48299 an archive of TorchServe": zipped(("../../x.py", b"x = 1")),
    "CVE-2024-27322 R": b"RDX3\nA\n3\n262913\n197888\n",
    "CVE-2025-68664 LangChain": b'{"lc": 1, "type": "secret", "id": ["X"]}',
    "CVE-2025-1889 another ending": _torch(HARM, "config.p"),
    "CVE-2025-1944 two names": _torch(HARM).replace(b"archive/data.pkl", b"archive/data.pk_", 1),
    "CVE-2025-1945 a flag": _flagged(_torch(HARM), 0x21),
    "CVE-2025-10155 a bare pickle": HARM,
    "CVE-2025-10156 a wrong checksum": _torch(b"\x80\x02" + HARM).replace(b"\x80\x02c", b"\x80\x03c", 1),
    "CVE-2025-32434 a tar file of torch": tarred(
        tar_entry("pickle", HARM), tar_entry("storages"), tar_entry("tensors")
    ),
    "CVE-2026-24747 an item of a tensor": _torch(SET_ON_TENSOR),
    "CVE-2026-24747 a storage that is not there": _torch(
        pickled(b"(", text("storage"), named("torch", "FloatStorage"), text("7"), text("cpu"), b"K\x01tQ", protocol=2)
    ),
    "GHSA-9gvj-pp9x-gcfr old texts": b"S'posix'\nS'mkdir'\n\x93S'/tmp/nowhere'\n\x85R.",
    "picklescan 14 two memos": pickled(
        text("posix") + put(0) + b"0" + text("mkdir") + put(1) + b"0",
        text("torch._utils") + b"\x940" + text("_rebuild_tensor_v2") + b"\x940",
        get(0) + get(1) + b"\x93" + row(text("/tmp/nowhere")) + b"R",
    ),
    "picklescan 22 a memo out of order": b"Vposix\np2\n0Vmkdir\np3\n0Vtorch\np0\n0g2\ng3\n\x93(V/tmp/nowhere\ntR.",
    "picklescan, an instance": b"(V/tmp/nowhere\niposix\nmkdir\n.",
    "picklescan, a memo that is not there": pickled(harm("/tmp/nowhere")[:-1], b"0h\x03h\x00\x93K\x42"),
    "picklescan, a name that is a number": pickled(harm("/tmp/nowhere")[:-1], b"0K\x2a", text("os"), b"\x93"),
    "picklescan, bytes behind the end": HARM + b"\n\n\t\t",
    "picklescan, the number of torch is computed": b"\x80\x04"
    + call(("builtins", "eval"), text("0x1950A86A20F9469CFC6C"))
    + b"."
    + HARM,
    "picklescan, a module is changed": pickled(named("torch", "_utils"), b"}", text("x"), b"K\x01sb"),
    "fickling, an object that is dropped": pickled(b"(", named("smtplib", "SMTP"), text("127.0.0.1"), b"o0N"),
    "7z": b"7z\xbc\xaf\x27\x1c" + bytes(64),
}


@pytest.mark.parametrize("name", FORMATS)
def test_the_file_of_an_advisory_is_not_clean(name: str) -> None:
    assert judged(FORMATS[name]).verdict is not Verdict.CLEAN


@pytest.mark.parametrize("stacked", [False, True], ids=["named", "stacked"])
@pytest.mark.parametrize("told", ROWS, ids=NAMES)
def test_the_call_of_an_advisory_is_unsafe(told: dict[str, Any], stacked: bool) -> None:
    judgement = judged(build(told["call"], "/tmp/nowhere", stacked=stacked))
    assert judgement.verdict is Verdict.UNSAFE, judgement


@pytest.mark.slow
def test_the_calls_are_what_they_are_said_to_be(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    cases = {}
    for name, told in zip(NAMES, ROWS, strict=True):
        if not told.get("fires"):
            continue
        for stacked in (False, True):
            # A dotted name can only come from the stack.
            if stacked or "." not in str(told["call"][1]):
                case = Case(tmp_path / f"{len(cases)}.pkl", "pickle", tmp_path / f"canary{len(cases)}")
                case.path.write_bytes(build(told["call"], str(case.canary), stacked=stacked))
                cases[f"{name} {stacked}"] = case
    truth = fired(cases, tmp_path)
    assert [name for name, has_fired in truth.items() if not has_fired] == []
    assert len(truth) >= 50
