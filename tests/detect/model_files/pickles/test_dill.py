"""What dill writes instead of pickle: arrays through a function of its own, and types by name."""

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import verdict

LOAD = b"\x8c\x0adill._dill\x8c\x0a_load_type\x93"
CREATE = b"\x8c\x0adill._dill\x8c\x0d_create_array\x93"
ARRAY = b"\x8c\x15numpy._core.multiarray\x8c\x0c_reconstruct\x93".replace(b"\x15", b"\x16")
NDARRAY = b"\x8c\x05numpy\x8c\x07ndarray\x93"
MADE = b"(" + NDARRAY + b"K\x00\x85C\x01bt"
TYPE = b"\x8c\x05numpy\x8c\x05dtype\x93(\x8c\x02f8\x89\x88tR(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
STATE = b"(K\x01K\x01\x85" + TYPE + b"\x89C\x08" + bytes(8) + b"t"


def array(function: bytes = ARRAY, made: bytes = MADE, more: bytes = b"N") -> bytes:
    return b"\x80\x04" + CREATE + b"(" + function + made + STATE + more + b"tR."


def test_arrays_and_types_of_dill_are_clean() -> None:
    assert verdict(array()) is Verdict.CLEAN
    for name in (b"slice", b"bytearray"):
        made = LOAD + b"\x8c" + bytes([len(name)]) + name + b"\x85R"
        assert verdict(b"\x80\x04" + made + b"(K\x01t" + b"R.") is Verdict.CLEAN


@pytest.mark.parametrize(
    "content",
    [
        array(b"\x8c\x02os\x8c\x06system\x93", b"\x8c\x02id\x85"),
        array(made=b"(\x8c\x02os\x8c\x06system\x93K\x00\x85C\x01bt"),
        array(more=b"}\x8c\x09__class__\x8c\x01xs"),
        b"\x80\x04" + LOAD + b"\x8c\x08CodeType\x85R.",
        b"\x80\x04" + LOAD + b"\x8c\x0cFunctionType\x85R)R.",
        b"\x80\x04\x8c\x0adill._dill\x8c\x10_create_function\x93)R.",
        b"\x80\x04\x8c\x0adill._dill\x8c\x0e_import_module\x93\x8c\x02os\x85R.",
    ],
)
def test_anything_else_of_dill_is_unsafe(content: bytes) -> None:
    assert verdict(content) is Verdict.UNSAFE
