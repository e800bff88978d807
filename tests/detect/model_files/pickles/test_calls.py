import pickle
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import verdict
from detect.model_files.pickles.reading import read


class Reduced:
    """Pickles as whatever call it is told."""

    def __init__(self, *reduced: Any) -> None:
        self.reduced = reduced

    def __reduce__(self) -> Any:
        return self.reduced


def call(module: str, name: str, *args: bytes) -> bytes:
    return b"c%s\n%s\n(%stR" % (module.encode(), name.encode(), b"".join(args))


def text(value: str) -> bytes:
    return b"V" + value.encode() + b"\n"


RECONSTRUCT = ("numpy._core.multiarray", "_reconstruct")


def test_arrays_are_made_of_array_classes_only() -> None:
    assert read(pickle.dumps(np.arange(3))).is_clean
    shape = b"K\x00\x85" + b"C\x01b"
    assert read(call(*RECONSTRUCT, b"cnumpy\nndarray\n", shape) + b".").is_clean
    foreign = read(call(*RECONSTRUCT, b"csome.where\nThing\n", shape) + b".")
    assert foreign.foreign == [("new", "some.where.Thing")]
    assert read(call(*RECONSTRUCT, b"csome.where\nthing\n", shape) + b".").unsafe == [("new", "some.where.thing")]
    assert read(call(*RECONSTRUCT, text("ndarray"), shape) + b".").unsafe


def test_arrays_are_never_made_over_memory_of_the_attackers_choice() -> None:
    crafted = b"cnumpy\nndarray\n(K\x01\x85U\x02O8C\x08AAAAAAAAt\x81."
    assert read(crafted).unsafe == [("new", "numpy.ndarray with arguments")]


def test_the_state_of_a_made_object_belongs_to_its_class() -> None:
    built = b"ccopy_reg\n_reconstructor\n(c%sc__builtin__\nobject\nNtR}b."
    assert read(built % b"sklearn.linear_model._base\nLinearRegression\n").is_clean
    assert ("build", "some.where.Thing") in read(built % b"some.where\nThing\n").foreign
    assert ("build", "code.InteractiveConsole") in read(built % b"code\nInteractiveConsole\n").unsafe
    base = b"ccopy_reg\n_reconstructor\n(c__builtin__\nobject\ncsome.where\nThing\nNtR."
    assert read(base).unsafe == [("call", "some.where.Thing")]


def test_a_codec_is_chosen_from_a_short_list() -> None:
    assert read(call("_codecs", "encode", text("a"), text("latin1")) + b".").is_clean
    assert read(call("_codecs", "encode", text("a"), text("evil")) + b".").unsafe
    assert read(call("_codecs", "encode", text("a")) + b".").unsafe


@pytest.mark.parametrize("codec", ["rot13", "a\\u0000b", "idna", "zlib_codec", "a.b", ""])
def test_a_codec_that_is_not_listed_is_never_looked_up(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.__import__", None)
    made = (
        call("_codecs", "encode", text("bf"), text(codec)) + b"0" + call("_codecs", "encode", text("bf"), text(codec))
    )
    assert read(made + b".").unsafe


def test_what_an_unlisted_codec_gives_may_be_a_name() -> None:
    turned = b"\x80\x04" + call("_codecs", "encode", text("bf"), text("rot13")) + b"\x8c\x06system\x93)R."
    assert any("computed" in str(use) for use in read(turned).unsafe)


@pytest.mark.parametrize("name", ["f8", "<i4", "|S10", "O8", "U5", "M8[ns]", "V16", "?"])
def test_types_of_numpy_have_plain_names(name: str) -> None:
    assert read(call("numpy", "dtype", text(name), b"I00\nI01\n") + b".").is_clean


@pytest.mark.parametrize("name", ["f8,(__import__)i4", "O, (2)f8", "x", "", "f8\u00e9"])
def test_types_with_other_names_are_not_allowed(name: str) -> None:
    assert read(call("numpy", "dtype", text(name)) + b".").unsafe


def test_functions_do_not_travel_as_arguments() -> None:
    handed = call("collections", "defaultdict", b"ctorch.storage\n_load_from_bytes\n") + b"."
    assert read(handed).unsafe == [("call", "torch.storage._load_from_bytes by way of collections.defaultdict")]
    deep = call("collections", "deque", b"(ctorch.storage\n_load_from_bytes\nK\x01tK\x02\x86") + b"."
    assert read(deep).unsafe
    created = b"ccollections\ndeque\n(ctorch.storage\n_load_from_bytes\nt\x81."
    assert read(created).unsafe


def test_generators_of_numpy_are_made_by_their_own_factory_only() -> None:
    factory = b"cnumpy.random._pickle\n__bit_generator_ctor\n"
    name = "__generator_ctor"
    assert read(call("numpy.random._pickle", name, text("PCG64"), factory) + b".").is_clean
    foreign = call("numpy.random._pickle", name, text("PCG64"), b"csome.where\nrun\n") + b"."
    assert read(foreign).unsafe == [("call", "some.where.run")]
    by_class = call("numpy.random._pickle", "__bit_generator_ctor", b"csome.where\nThing\n") + b"."
    assert ("new", "some.where.Thing") in read(by_class).foreign
    assert [role for role, _ in read(by_class).unsafe] == ["call", "call"]
    for generator in (np.random.default_rng(0), np.random.RandomState(0), np.random.PCG64(3)):
        assert read(pickle.dumps(generator)).is_clean


def test_torch_hands_arguments_on_to_allowed_functions_only() -> None:
    rebuilt = "torch._tensor", "_rebuild_from_type_v2"
    tensor = b"ctorch\nTensor\n"
    assert read(call(*rebuilt, b"cos\nsystem\n", tensor, b"U\x02id\x85", b"N") + b".").unsafe[0] == (
        "call",
        "os.system",
    )
    assert read(call(*rebuilt, b"ctorch\nSize\n", tensor, b"]\x85", b"N") + b".").is_clean
    assert read(call(*rebuilt, b"ctorch\nSize\n", b"csome.where\nTensor\n", b"]\x85", b"N") + b".").unsafe
    assert read(call(*rebuilt, b"ctorch\nSize\n", tensor, b"N", b"N") + b".").unsafe


def test_bytes_that_are_loaded_are_kept_to_look_at() -> None:
    reading = read(call("torch.storage", "_load_from_bytes", b"C\x03abc") + b".")
    assert [bytes(view) for view in reading.ledger.embedded] == [b"abc"]
    computed = call("torch.storage", "_load_from_bytes", call("builtins", "list")) + b"."
    assert read(computed).unsafe


def test_distributions_of_scipy_stay_open() -> None:
    reading = read(b"cscipy.stats._distn_infrastructure\nrv_frozen\n)\x81}b.")
    assert reading.unsafe == []
    assert reading.ledger.doubts


def test_a_reduced_call_is_seen_through_every_protocol() -> None:
    for protocol in range(6):
        reading = read(pickle.dumps([Reduced(eval, ("1",))], protocol))
        assert reading.unsafe == [("call", "builtins.eval")]


def test_a_namespace_is_made_of_nothing_and_then_filled() -> None:
    # From Python 3.13 on it takes a dictionary, whose keys would be attributes that nobody has looked at.
    assert verdict(pickle.dumps(SimpleNamespace(a=1))) is Verdict.CLEAN
    assert verdict(b"\x80\x02ctypes\nSimpleNamespace\n}\x85R.") is not Verdict.CLEAN
