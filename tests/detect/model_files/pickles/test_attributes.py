"""Attributes come before methods: an object's own state may stand in for what an unpickler calls next.

Measured against Python's own unpickler, with the real containers and with functions that only note that they ran.
"""

import collections
import io
import pickle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.detect.artifact import Limits, Verdict
from caponier.detect.model_files.files.judge import judge
from detect.model_files.pickles.reading import read

LOAD = b"ctorch.storage\n_load_from_bytes\n"
"""The function that loads another pickle: it may be called, with bytes that are looked at."""
CONTAINERS = {"OrderedDict", "deque", "defaultdict", "Counter"}


def word(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


def made(name: str = "OrderedDict") -> bytes:
    return b"ccollections\n%s\n)R" % name.encode()


def with_attribute(name: str, value: bytes = LOAD) -> bytes:
    return b"}" + word(name) + value + b"sb"


HIJACKS = {
    "state": made() + with_attribute("__setstate__") + b"C\x03abcb.",
    "append": made() + with_attribute("append") + b"C\x03abca.",
    "extend": made() + with_attribute("extend") + b"(C\x03abce.",
    "add": made() + with_attribute("add") + b"(C\x03abc\x90.",
    "from the memo": made() + b"q\x07" + with_attribute("append") + b"0h\x07C\x03abca.",
    "in slots": made() + b"N}" + word("append") + LOAD + b"s\x86b" + b"C\x03abca.",
    "by a class": made() + with_attribute("__setstate__", b"c__builtin__\nlist\n") + b"C\x03abcb.",
    "by an unlisted function": made() + with_attribute("append", b"cmy.own\nrun\n") + b"C\x03abca.",
    "of an estimator": b"csklearn.svm._classes\nSVC\n)\x81" + with_attribute("__setstate__") + b"C\x03abcb.",
}


class Witness(pickle._Unpickler):  # type: ignore[misc, name-defined]
    """Python's own unpickler: containers are real, every other global is a function that notes its call."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))
        self.ran: list[str] = []

    def find_class(self, module: str, name: str) -> Any:
        if module == "collections" and name in CONTAINERS:
            return getattr(collections, name)
        if module in ("builtins", "__builtin__") and name in ("list", "dict"):
            return {"list": list, "dict": dict}[name]

        def note(*_: Any) -> None:
            self.ran.append(f"{module}.{name}")

        return note


def ran(content: bytes) -> list[str]:
    """Return the functions that the first pickle would have called, up to where it breaks."""
    witness = Witness(content)
    try:
        witness.load()
    except Exception:  # noqa: BLE001 - a broken stream may raise anything in the real unpickler
        return witness.ran
    return witness.ran


@pytest.mark.parametrize("name", HIJACKS)
def test_what_an_attribute_stands_in_for_is_never_clean(name: str) -> None:
    content = b"\x80\x04" + HIJACKS[name]
    assert judge(memoryview(content), read(b"N.").ledger.limits).verdict is Verdict.UNSAFE


@pytest.mark.parametrize("name", ["state", "append", "extend", "add", "from the memo"])
def test_the_attack_is_real(name: str) -> None:
    """The measure itself: Python's unpickler does call what the state has put there."""
    assert ran(b"\x80\x04" + HIJACKS[name]) == ["torch.storage._load_from_bytes"]


@pytest.mark.parametrize("protocol", range(6))
def test_what_picklers_write_is_filled_first_and_has_its_state_set_once(protocol: int) -> None:
    class_with_state = collections.OrderedDict(a=1, b=[2])
    class_with_state.mode = "x"  # type: ignore[attr-defined]
    assert read(pickle.dumps([class_with_state, class_with_state], protocol)).is_clean


def test_a_container_that_holds_itself_is_clean() -> None:
    loop: collections.deque[Any] = collections.deque([1])
    loop.append(loop)
    for protocol in range(2, 6):
        assert read(pickle.dumps(loop, protocol)).is_clean


@pytest.mark.parametrize("place", ["items", "state", "list in items", "tuple in state"])
def test_functions_do_not_travel_into_objects(place: str) -> None:
    hidden = {"list in items": b"]" + LOAD + b"a", "tuple in state": LOAD + b"\x85"}.get(place, LOAD)
    into = {"items": word("k") + hidden + b"s", "state": b"}" + word("k") + hidden + b"sb"}
    content = b"\x80\x04" + made() + into[place.rpartition(" ")[2]] + b"."
    where = "collections.OrderedDict" if place == "items" else "a container"
    assert ("call", f"torch.storage._load_from_bytes by way of {where}") in read(content).unsafe


def test_a_function_alone_is_no_use_of_it_and_one_in_a_list_may_become_one() -> None:
    """What holds the list may be an object that calls what is in it, whenever it was put there."""
    assert read(LOAD + b".").is_clean
    assert read(b"]" + LOAD + b"a.").unsafe


def test_what_torch_hands_on_to_has_its_attributes_by_then() -> None:
    """`_rebuild_from_type_v2` sets the state that it is given, so nothing may be added afterwards."""
    rebuilt = b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch\nSize\nctorch.nn.parameter\nParameter\n]\x85}tR"
    assert read(b"\x80\x04" + rebuilt + b".").is_clean
    refused = read(b"\x80\x04" + rebuilt + b"}b.")
    assert ("build", "torch.nn.parameter.Parameter after its state was set") in refused.unsafe


def test_a_parameter_with_a_state_takes_no_other_one() -> None:
    parameter = b"ctorch._utils\n_rebuild_parameter_with_state\n(NNN}tR"
    assert read(b"\x80\x04" + parameter + b".").is_clean
    refused = read(b"\x80\x04" + parameter + b"}b.")
    assert ("build", "torch._utils._rebuild_parameter_with_state after its state was set") in refused.unsafe


WRAPPER = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81"


@pytest.mark.parametrize("method", ["read", "read_array", "read_mmap", "safely_get_numpy_array_alignment_bytes"])
def test_a_description_of_an_array_brings_no_methods(method: str) -> None:
    """Joblib calls `read` of what it has just given a state."""
    reading = read(b"\x80\x04" + WRAPPER + with_attribute(method, b"cmy.own\nrun\n") + b".")
    assert ("build", "joblib.numpy_pickle.NumpyArrayWrapper with methods of its own") in reading.unsafe


def test_a_description_of_an_array_has_no_slots() -> None:
    reading = read(b"\x80\x04" + WRAPPER + b"N}" + word("read") + LOAD + b"s\x86b.")
    assert ("build", "joblib.numpy_pickle.NumpyArrayWrapper with methods of its own") in reading.unsafe


PIECES = [
    *[made(name) for name in sorted(CONTAINERS)],
    *[with_attribute(name) for name in ("append", "extend", "add", "__setstate__", "harmless")],
    *[with_attribute("append", b"cmy.own\nrun\n"), with_attribute("__setstate__", b"cmy.own\nrun\n")],
    *[b"]", b"}", b"(", b"N", b"K\x01", b"C\x03abc", word("k"), LOAD, b"cmy.own\nrun\n"],
    *[b"a", b"e", b"s", b"u", b"b", b"\x90", b"0", b"2", b"\x85", b"\x86", b"R", b"q\x01", b"h\x01", b"\x94"],
]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join))
@settings(max_examples=700, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_stream_is_clean_that_calls_a_function_by_way_of_an_object(body: bytes) -> None:
    content = b"\x80\x04" + made() + body + b"."
    called = ran(content)
    reading = read(content)
    if "my.own.run" in called:
        assert reading.unsafe, content
    # Called by name with bytes in sight it is allowed, and the bytes are looked at; by any other way it is not.
    if called.count("torch.storage._load_from_bytes") > len(reading.ledger.embedded):
        assert reading.unsafe, content


MIXIN = b"cpandas._libs.interval\n__pyx_unpickle_IntervalMixin\n(cpandas.arrays\nIntervalArray\nK\x01NtR"


@pytest.mark.parametrize("size", [b"\x85", b"N\x86", b"NN\x87"])
def test_attributes_in_a_state_of_any_length_are_looked_at(size: bytes) -> None:
    """Classes of Cython take their attributes out of a tuple."""
    for name, clean in (("_left", True), ("__setstate__", False), ("__class__", False)):
        content = b"\x80\x04" + MIXIN + b"}" + word(name) + b"Ns" + size + b"b."
        assert (judge(memoryview(content), Limits()).verdict is Verdict.CLEAN) is clean


def scalar(kind: bytes) -> bytes:
    dtype = b"cnumpy\ndtype\n(" + word(kind.decode()) + b"\x89\x88tR"
    return b"cnumpy._core.multiarray\nscalar\n(" + dtype + b"C\x04\0\0\0\0tR"


@pytest.mark.parametrize(
    ("kind", "clean"), [(b"i4", True), (b"f8", True), (b"U1", False), (b"S4", False), (b"V4", False)]
)
def test_numbers_of_numpy_name_no_attributes(kind: bytes, clean: bool) -> None:
    keys = b"}" + scalar(kind) + scalar(kind) + b"\x86" + b"K\x01s"
    made = b"ccopyreg\n_reconstructor\n(cscipy.sparse._dok\ndok_matrix\ncbuiltins\ndict\n" + keys + b"tR"
    assert (judge(memoryview(b"\x80\x04" + made + b"."), Limits()).verdict is Verdict.CLEAN) is clean
