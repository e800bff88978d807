"""Numpy, safetensors, ONNX, Keras, tar, text: one format's reader each."""

import io
import json
import struct
import tarfile
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from caponier.detect.artifact import Limits
from caponier.detect.model_files.files import keras, numpy_file, onnx, tar_file, tensors, text
from caponier.detect.model_files.files.part import Budget, TooMuchError
from detect.model_files.files.building import fresh


def npy(value: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, value, allow_pickle=True)
    return stream.getvalue()


NUMBERS = [
    *[np.arange(5), np.zeros((2, 3)), np.zeros((0, 3)), np.array(1.0), np.array(["a"]), np.array(["2020"], "M8[D]")],
    *[np.zeros(2, [("a", "f4", (2,))]), np.zeros(2, [("a", "f4"), ("b", [("c", "i8")])])],
]


@pytest.mark.parametrize("value", NUMBERS)
def test_arrays_of_numbers_are_clean(value: Any) -> None:
    part, objects = numpy_file.read(memoryview(npy(value)), fresh())
    assert (part.unknown, part.unsafe, objects) == ([], [], None)


def test_arrays_that_are_too_short_or_too_long_are_not() -> None:
    content = npy(np.arange(5))
    assert "ends early: 8 bytes" in numpy_file.read(memoryview(content[:-8]), fresh())[0].unknown[0]
    assert "3 bytes follow" in numpy_file.read(memoryview(content + b"abc"), fresh())[0].unknown[0]


@pytest.mark.parametrize("header", ["", "{", "[1]", "{'descr': 'f8'}", "{'descr': 'f8,O', 'shape': (1,)}", "(" * 5000])
def test_headers_that_are_none_are_unknown(header: str) -> None:
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
    part, objects = numpy_file.read(memoryview(content), fresh())
    assert part.unknown == ["has a header that cannot be read"]
    assert objects is None
    assert numpy_file.read(memoryview(b"\x93NUMPY"), fresh())[0].unknown


def test_objects_anywhere_in_a_type_are_a_pickle() -> None:
    content = npy(np.array([(1, None)], [("a", "i4"), ("b", "O")]))
    part, objects = numpy_file.read(memoryview(content), fresh())
    assert part.kind == "numpy (objects)"
    assert objects is not None
    assert bytes(objects[:1]) == b"\x80"


def test_safetensors_are_clean_where_every_byte_has_its_tensor() -> None:
    content = save({"a": np.eye(3, dtype=np.float32), "b": np.arange(2)}, metadata={"k": "v"})
    assert tensors.is_safetensors(memoryview(content))
    assert tensors.read_safetensors(memoryview(content), fresh()).unknown == []
    assert tensors.read_safetensors(memoryview(content + b"x"), fresh()).unknown
    assert tensors.read_safetensors(memoryview(content[:-1]), fresh()).unknown
    assert tensors.read_safetensors(memoryview(content), Budget.of(Limits(text_bytes=10), 1)).unknown


@pytest.mark.parametrize(
    "header",
    [
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}},
        {"a": {"dtype": "OBJ", "shape": [2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "U8", "shape": [4], "data_offsets": [4, 8]}},
        {"a": 3},
    ],
)
def test_safetensors_with_a_wrong_header_are_unknown(header: dict[str, Any]) -> None:
    raw = json.dumps(header).encode()
    content = struct.pack("<Q", len(raw)) + raw + bytes(8)
    assert tensors.read_safetensors(memoryview(content), fresh()).unknown


def field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def onnx_model(graph: bytes) -> bytes:
    return field(1, 8) + field(2, b"maker") + field(7, graph) + field(8, field(2, 17))


def test_onnx_models_of_known_operators_are_clean() -> None:
    part = onnx.read(
        memoryview(onnx_model(field(1, field(4, b"Relu")) + field(5, field(8, b"w")))), Budget.of(Limits(), 1)
    )
    assert part is not None
    assert (part.kind, part.unknown, part.unsafe) == ("onnx", [], [])


def test_onnx_models_with_foreign_operators_are_open() -> None:
    branch = field(5, field(6, field(1, field(7, b"evil.ops"))))
    for graph in (field(1, field(7, b"evil.ops")), field(1, branch)):
        part = onnx.read(memoryview(onnx_model(graph)), Budget.of(Limits(), 1))
        assert part is not None
        assert part.unknown == ["needs operators from outside ONNX: evil.ops"]


@pytest.mark.parametrize(
    ("place", "unsafe"), [(b"weights.bin", False), (b"../../etc/passwd", True), (b"/etc/passwd", True)]
)
def test_weights_of_onnx_models_lie_beside_them(place: bytes, unsafe: bool) -> None:
    external = field(13, field(1, b"location") + field(2, place))
    part = onnx.read(memoryview(onnx_model(field(5, external))), Budget.of(Limits(), 1))
    assert part is not None
    assert (bool(part.unsafe), part.unknown) == (unsafe, [])


@pytest.mark.parametrize("content", [b"", b"\x08", b"\x08\x01hello", b"hello", b"\x08\x01\x12\xff"])
def test_other_content_is_no_onnx(content: bytes) -> None:
    assert onnx.read(memoryview(content), Budget.of(Limits(), 1)) is None


def test_onnx_models_nested_without_end_are_open() -> None:
    graph = field(1, field(4, b"Relu"))
    for _ in range(60):
        graph = field(1, field(5, field(6, graph)))
    part = onnx.read(memoryview(onnx_model(graph)), Budget.of(Limits(), 1))
    assert part is None or part.unknown


DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}, "registered_name": None}


@pytest.mark.parametrize(
    ("layer", "unsafe", "unknown"),
    [
        (DENSE, 0, 0),
        ({"class_name": "Lambda", "config": {}}, 1, 0),
        (DENSE | {"config": {"activation": {"module": "os", "class_name": "function", "config": "system"}}}, 1, 0),
        (DENSE | {"module": "kerasish"}, 1, 0),
        ({"class_name": "Mine", "config": {}, "registered_name": "mine>Mine"}, 0, 1),
    ],
)
def test_keras_layers_that_carry_code_are_unsafe(layer: dict[str, Any], unsafe: int, unknown: int) -> None:
    part = keras.read_config({"class_name": "Sequential", "config": {"layers": [DENSE, layer]}})
    assert (len(part.unsafe), len(part.unknown)) == (unsafe, unknown)


def test_hdf5_that_cannot_be_walked_is_searched_and_unknown() -> None:
    empty = keras.HDF5 + bytes(100)
    assert keras.read_hdf5(memoryview(empty), fresh()).unknown
    far = keras.HDF5 + bytes((4 << 20) - 20) + b'{"class_name": "Lambda"}'
    part = keras.read_hdf5(memoryview(far), fresh())
    assert part.unsafe == ["has a layer that carries code: Lambda"]
    assert keras.read_hdf5(memoryview(empty + b'"module": "os"'), fresh()).unsafe


def tape(**parts: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return stream.getvalue()


def test_tar_files_are_walked_and_links_are_places_only() -> None:
    content = memoryview(tape(a=b"first", b=bytes(2000)))
    assert tar_file.is_tar(content)
    members = list(tar_file.members(content, Budget.of(Limits(), 1)))
    assert [(member.name, bytes(member.content), member.doubt) for member in members] == [
        ("a", b"first", None),
        ("b", bytes(2000), None),
        ("link", b"", None),
    ]
    assert members[-1].empty
    assert "outside of its folder" in (members[-1].harm or "")
    assert not tar_file.is_tar(memoryview(bytes(1024)))


def test_tar_files_that_are_cut_or_damaged_are_told() -> None:
    content = tape(a=bytes(3000))
    cut = list(tar_file.members(memoryview(content[:1500]), Budget.of(Limits(), 1)))
    assert cut[0].doubt == "ends early"
    damaged = bytearray(tape(a=b"x", b=b"y"))
    damaged[1024 + 5] ^= 1
    assert "broken header" in (list(tar_file.members(memoryview(damaged), Budget.of(Limits(), 1)))[1].doubt or "")
    with pytest.raises(TooMuchError):
        list(tar_file.members(memoryview(tape(a=b"x", b=b"y")), Budget(Limits(), 1, 1)))


@pytest.mark.parametrize(
    ("words", "unsafe", "unknown"),
    [
        ("just words", 0, 0),
        ("a: 1\n", 0, 0),
        ("a: !!python/tuple [1, 2]", 0, 0),
        ("a: !!python/object/apply:os.system ['id']", 1, 0),
        ("a: !<tag:yaml.org,2002:python/object/new:os.popen> []", 1, 0),
        ("%TAG !p! tag:yaml.org,2002:python/\n--- !p!object/apply:os.system ['id']", 0, 1),
        ("!!python/name:os.system", 1, 0),
        ("import os\n", 0, 1),
        ('"""Doc."""\n\n# note\nfrom a import b\n', 0, 1),
        ("#!/bin/sh\nls\n", 0, 1),
        ("# Title\n\nimport it as you like\n", 0, 0),
        ("# Title\n\nWords.\n\n```python\nimport os\n```\n", 0, 0),
        ('{"auto_map": {"AutoModel": "model.Net"}}', 0, 1),
        ('{"class_name": "Lambda", "config": {}}', 1, 0),
        ('{"a": ' * 100_000, 0, 1),
    ],
)
def test_texts_that_make_objects_or_run_are_told(words: str, unsafe: int, unknown: int) -> None:
    part = text.read(words, Budget.of(Limits(), 1))
    assert (len(part.unsafe), len(part.unknown)) == (unsafe, unknown), part


def test_text_is_what_decodes() -> None:
    assert text.decode(memoryview("\ufeffé".encode()), 100) == "é"
    assert text.decode(memoryview(b"\xff"), 100) is None
    assert text.decode(memoryview(b"a\0b"), 100) is None
    assert text.decode(memoryview(b"a" * 101), 100) is None


def function(domain: bytes, name: bytes, *nodes: bytes) -> bytes:
    return field(25, field(1, name) + field(10, domain) + b"".join(field(7, node) for node in nodes))


@pytest.mark.parametrize(
    ("functions", "unknown"),
    [
        (function(b"mine", b"Norm", field(4, b"Relu")), 0),
        (function(b"mine", b"Other", field(4, b"Relu")), 1),
        (function(b"yours", b"Norm", field(4, b"Relu")), 1),
        (function(b"mine", b"Norm", field(4, b"Relu") + field(7, b"theirs")), 1),
        (function(b"mine", b"PythonOp"), 1),
        (b"", 1),
    ],
)
def test_operators_that_a_model_defines_itself_need_nobody(functions: bytes, unknown: int) -> None:
    node = field(4, b"Norm") + field(7, b"mine")
    part = onnx.read(memoryview(onnx_model(field(1, node)) + functions), Budget.of(Limits(), 1))
    assert part is not None
    assert len(part.unknown) == unknown or b"PythonOp" in functions
