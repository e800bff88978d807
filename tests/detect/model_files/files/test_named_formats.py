"""Formats that are told and not read, and graphs of TensorFlow: unknown with what it is, and never clean."""

import gzip
import zlib

import pytest

from caponier.detect.artifact import Limits, Verdict
from caponier.detect.model_files.files import tensorflow
from caponier.detect.model_files.files.named_formats import named_format
from caponier.detect.model_files.files.part import Budget
from caponier.detect.model_files.files.reaching_operators import REACHING, SAVING
from caponier.formats.strict_yaml import shipped_yaml
from detect.model_files.files.building import field, judged, verdict, zipped

TAIL = bytes(range(1, 100))
STARTS = {
    "7z": b"7z\xbc\xaf\x27\x1c",
    "rar": b"Rar!\x1a\x07\x01\x00",
    "elf": b"\x7fELF",
    "mach-o": b"\xcf\xfa\xed\xfe",
    "webassembly": b"\0asm\1\0\0\0",
    "java class": b"\xca\xfe\xba\xbe",
    "java objects": b"\xac\xed\0\x05",
    "r objects": b"X\n\0\0\0\3",
    "onnx runtime": b"\x18\0\0\0ORTM",
    "parquet": b"PAR1",
    "arrow": b"ARROW1\0\0",
    "windows program": b"MZ\x90\0",
    "python bytecode": b"\xa7\r\r\n" + bytes(12) + b"\xe3",
    "fasttext": b"\xba\x16\x4f\x2f\x0c\0\0\0",
    "picture": b"\x89PNG\r\n\x1a\n",
    "lua": b"\x1bLuaS",
}


@pytest.mark.parametrize("kind", STARTS)
def test_a_format_is_told_by_its_first_bytes(kind: str) -> None:
    judgement = judged(STARTS[kind] + TAIL)
    assert (judgement.verdict, judgement.kind) == (Verdict.UNKNOWN, kind)
    assert "known here" not in judgement.reason
    inside = judged(zipped({"a": STARTS[kind] + TAIL}))
    assert inside.verdict is Verdict.UNKNOWN
    assert inside.reasons[0].startswith("a: ")


def test_what_is_packed_is_told_as_well() -> None:
    judgement = judged(gzip.compress(STARTS["r objects"] + TAIL))
    assert judgement.kind == "r objects (gzip)"
    assert judged(TAIL + bytes.fromhex("57fb808b247547db")).kind in ("tensorflow checkpoint", "unknown")


@pytest.mark.parametrize(
    "start", [b"DIRC\0\0\0\x02", b"PACK\0\0\0\x02", b"\xfftOc\0\0\0\x02", b"blob 12\0", b"tree 30\0", b"commit 9\0"]
)
def test_what_git_keeps_says_what_to_do(start: bytes) -> None:
    for content in (start + TAIL, zlib.compress(start + TAIL)):
        judgement = judged(content)
        assert judgement.verdict is Verdict.UNKNOWN
        assert "check them out" in judgement.reason


@pytest.mark.parametrize("content", [b"", b"MZ", b"PAR", b"\xa7\r\r\n", b"plain words", bytes(100)])
def test_what_is_none_is_not_told(content: bytes) -> None:
    assert named_format(memoryview(content)) is None


def node(operator: bytes, name: bytes = b"n") -> bytes:
    return field(1, name) + field(2, operator)


def graph(*operators: bytes) -> bytes:
    return b"".join(field(1, node(operator)) for operator in operators)


def saved(inner: bytes) -> bytes:
    return field(1, 1) + field(2, field(1, field(4, b"serve")) + field(2, inner))


def library(operator: bytes) -> bytes:
    return field(2, field(1, field(1, field(1, b"f")) + field(3, node(operator))))


@pytest.mark.parametrize("wrap", [saved, bytes], ids=["saved model", "frozen graph"])
def test_a_graph_is_judged_by_its_operators(wrap: type[bytes]) -> None:
    plain = judged(wrap(graph(b"Placeholder", b"MatMul", b"SaveV2", b"MergeV2Checkpoints")))
    assert (plain.verdict, plain.kind) == (Verdict.UNKNOWN, "tensorflow graph")
    assert "where it says itself (MergeV2Checkpoints, SaveV2)" in plain.reason
    assert judged(wrap(graph(b"Placeholder", b"MatMul"))).verdict is Verdict.CLEAN
    for harmful in (b"PyFunc", b"WriteFile", b"EagerPyFunc"):
        judgement = judged(wrap(graph(b"Placeholder", harmful)))
        assert judgement.verdict is Verdict.UNSAFE
        assert harmful.decode() in judgement.reason
        assert verdict(wrap(graph(b"Placeholder") + library(harmful))) is Verdict.UNSAFE


@pytest.mark.parametrize("content", [field(1, 1), field(1, b"words"), saved(b"")[:9], b"\x0a\x03\x0a\x01n" * 3, b""])
def test_other_buffers_are_no_graph(content: bytes) -> None:
    assert tensorflow.read(memoryview(content), Budget.of(Limits(), 1)) is None


def test_a_field_that_is_there_twice_counts_as_its_reader_counts_it() -> None:
    twice = field(1, node(b"MatMul") + field(2, b"PyFunc"))
    assert verdict(saved(twice + graph(b"Placeholder"))) is Verdict.UNSAFE


@pytest.mark.parametrize(
    ("words", "clean"),
    [
        ("torch==2.1\nnumpy>=1.20\n", True),
        ("--index-url https://a.example/simple\ntorch\n", False),
        ("torch\n--extra-index-url=http://a.example\n", False),
        ("-e git+https://a.example/x.git#egg=x\n", False),
        ("x @ https://a.example/x.whl\n", False),
        ("dependencies:\n- pip:\n  - git+https://a.example/x\n", False),
        ("# Model\nSee https://a.example/x.whl or mail me @ https://b.example\n", True),
        ("We ran pip with --index-url https://a.example in the end\n", True),
    ],
)
def test_requirements_that_fetch_from_elsewhere_are_unknown(words: str, clean: bool) -> None:
    assert (verdict(words.encode()) is Verdict.CLEAN) is clean


@pytest.mark.parametrize(("code", "clean"), [("null", True), ("code", False), ("'lib/x'", False), ("~", True)])
def test_a_folder_of_code_beside_an_mlflow_model_is_unknown(code: str, clean: bool) -> None:
    words = f"flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    code: {code}\n    model_path: a\n"
    assert (verdict(words.encode()) is Verdict.CLEAN) is clean
    assert verdict(f"code: {code}\n".encode()) is Verdict.CLEAN


@pytest.mark.parametrize(("function", "clean"), [("log10", True), ("x-mean", True), ("com.evil.Run", False)])
def test_pmml_calls_no_class_of_java(function: str, clean: bool) -> None:
    words = f'<?xml version="1.0"?>\n<PMML version="4.4"><Apply function="{function}"/></PMML>\n'
    assert (verdict(words.encode()) is Verdict.CLEAN) is clean


def test_fields_of_a_graph_may_stand_in_any_order() -> None:
    """Whoever reads a protocol buffer takes them as they come; TensorFlow itself writes the version first."""
    inner = field(4, field(1, 22)) + graph(b"Const", b"PyFunc")
    for content in (field(2, field(2, inner)), field(2, field(2, inner)) + field(1, 1), inner, library(b"WriteFile")):
        assert verdict(content) is Verdict.UNSAFE


def test_no_operator_that_only_computes_reaches_beyond_a_graph() -> None:
    computes = shipped_yaml("caponier.detect.model_files.files", "tensorflow_operators.yaml")["computes"]
    assert not REACHING & set(computes)
    assert not REACHING & SAVING
    assert {"PyFunc", "ReadFile", "WriteFile"} <= REACHING
