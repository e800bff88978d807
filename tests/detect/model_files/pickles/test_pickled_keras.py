"""Pickled models of Keras hold an archive that Keras loads: the archive is judged, and nothing else may stand there."""

import json
from typing import Any

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import HARMFUL, judged, zipped
from detect.model_files.pickles.reading import read

DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}, "registered_name": None}
LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {}, "registered_name": None}


def short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


def data(content: bytes) -> bytes:
    return b"B" + len(content).to_bytes(4, "little") + content


def archive(layer: dict[str, Any]) -> bytes:
    config = {"module": "keras", "class_name": "Sequential", "config": {"layers": [layer]}, "registered_name": None}
    return zipped({"config.json": json.dumps(config).encode(), "metadata.json": b'{"keras_version": "3.15"}'})


def in_memory(content: bytes, attributes: bytes = b"N", kind: str = "BytesIO") -> bytes:
    return short("_io") + short(kind) + b"\x93)\x81" + data(content) + b"K\x00" + attributes + b"\x87b"


def pickled(held: bytes, home: str = "keras.src.models.sequential", method: str = "_unpickle_model") -> bytes:
    taken = short("builtins") + short("getattr") + b"\x93" + short(home) + short("Sequential") + b"\x93" + short(method)
    return b"\x80\x04" + taken + b"\x86R" + held + b"\x85R."


def test_a_model_that_computes_is_clean() -> None:
    judgement = judged(pickled(in_memory(archive(DENSE))))
    assert (judgement.verdict, judgement.reason) == (Verdict.CLEAN, "")


def test_the_archive_is_judged_as_one() -> None:
    judgement = judged(pickled(in_memory(archive(LAMBDA))))
    assert judgement.verdict is Verdict.UNSAFE
    assert "carries code: Lambda" in judgement.reason


REFUSED = {
    "attributes": pickled(in_memory(archive(DENSE), attributes=b"}" + short("read") + b"K\x01s")),
    "no attributes": pickled(in_memory(archive(DENSE), attributes=b"}")),
    "a file": pickled(in_memory(archive(DENSE), kind="FileIO")),
    "another library": pickled(in_memory(archive(DENSE)), home="elsewhere.models"),
    "another method": pickled(in_memory(archive(DENSE)), method="from_config"),
    "a pickle": pickled(in_memory(HARMFUL)),
    "nothing": pickled(b"N"),
    "a path": pickled(short("/tmp/x")),
    "a name": b"\x80\x04" + short("keras.src.models.sequential") + short("Sequential") + b"\x93.",
    "a call": b"\x80\x04" + short("keras.src.models.sequential") + short("Sequential") + b"\x93)R.",
    "filled twice": b"\x80\x04" + in_memory(b"PK") + b"}b.",
}


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_else_is_clean(name: str) -> None:
    assert judged(REFUSED[name]).verdict is not Verdict.CLEAN


def test_bytes_in_memory_hold_bytes_and_nothing_that_was_changed() -> None:
    changed = short("_io") + short("BytesIO") + b"\x93)\x81\x96" + (2).to_bytes(8, "little") + b"PK"
    pickle = pickled(changed + b"(K\x01eK\x00N\x87b")
    assert not read(pickle).is_clean


def test_older_versions_call_a_function_with_the_archive() -> None:
    call = short("keras.src.saving.pickle_utils") + short("deserialize_model_from_bytecode") + b"\x93"
    assert judged(b"\x80\x04" + call + data(archive(DENSE)) + b"\x85R.").verdict is Verdict.CLEAN
    assert judged(b"\x80\x04" + call + data(archive(LAMBDA)) + b"\x85R.").verdict is Verdict.UNSAFE
