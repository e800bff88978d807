"""Pickles that run code although every name in them is on the allow list, a class of tricks each."""

import pickle
import struct
from collections.abc import Callable
from typing import Final

from bench.machinery.hostile.archives import zipped
from bench.machinery.hostile.assembly import (
    LOAD,
    array,
    call,
    data,
    get,
    harm,
    named,
    new,
    pickled,
    put,
    row,
    state,
    table,
    text,
)

_DTYPE: Final = ("numpy", "dtype")
_WRAPPER: Final = ("joblib.numpy_pickle", "NumpyArrayWrapper")
_BUNCH: Final = ("sklearn.utils._bunch", "Bunch")
_SPLITTER: Final = ("sklearn.model_selection._split", "KFold")
_SEQUENCE: Final = ("torch.nn.modules.container", "Sequential")
_HOOKS: Final = ("_backward_hooks", "_backward_pre_hooks", "_forward_hooks", "_forward_pre_hooks")


def _dtype(name: str) -> bytes:
    return call(_DTYPE, text(name), b"\x89", b"\x88")


def _description(dtype: bytes, length: int) -> bytes:
    """What joblib writes before a raw array."""
    return table(
        subclass=named("numpy", "ndarray"),
        shape=row(b"M" + struct.pack("<H", length)),
        order=text("C"),
        dtype=dtype,
        allow_mmap=b"\x89",
        numpy_array_alignment_bytes=b"N",
    )


def _raw(dtype: bytes, length: int, after: bytes) -> bytes:
    return pickled(new(_WRAPPER), state(_description(dtype, length)), after)


def _generator(name: str) -> Callable[[str], bytes]:
    return lambda canary: pickled(call(("numpy.random._pickle", name), data(harm(canary)), named(*LOAD)))


def _codec(canary: str) -> bytes:
    """Two letters are four bytes in the one codec and two in the other, and so the rest is text or instructions."""
    hidden = "C\x04\xe9\xe90" + harm(canary).decode()
    return pickled(call(LOAD, call(("_codecs", "encode"), text(hidden), text("utf-8"))))


def _long_codec(canary: str) -> bytes:
    hidden = "V" + "a" * 70_000 + "\n0" + harm(canary).decode()
    return pickled(call(LOAD, call(("_codecs", "encode"), text(hidden), text("latin1"))))


def _changed(canary: str) -> bytes:
    """Bytes that are a harmless pickle when they are looked at, and another one when they are loaded."""
    hidden = harm(canary)
    before = array(b"C" + bytes([len(hidden)]) + hidden + b".")
    return pickled(before, put(1), b"K\x00K\x4esK\x01K\x30s0", named(*LOAD), b"(", get(1), b"tR")


def _extended(canary: str) -> bytes:
    hidden = harm(canary)
    numbers = b"".join(b"K" + bytes([byte]) for byte in hidden[1:])
    return pickled(array(hidden[:1]), put(1), b"(" + numbers + b"e0", named(*LOAD), b"(", get(1), b"tR")


def _sequence(kept: bytes) -> bytes:
    hooks = dict.fromkeys(_HOOKS, b"}")
    return new(_SEQUENCE) + state(table(**hooks, _modules=kept, _parameters=b"}", _buffers=b"}", training=b"\x88"))


def _filled_later(canary: str) -> bytes:
    """A layer is called in the place of `append`, and calls what was put into it after its state was set."""
    arm = get(2) + text("0") + named(*LOAD) + b"s0"
    bunch = new(_BUNCH) + text("append") + _sequence(b"}" + put(2)) + b"s" + put(3) + b"0"
    return pickled(bunch, arm, get(3), data(harm(canary)), b"a")


def _made_with_items(canary: str) -> bytes:
    layer = _sequence(b"}" + text("0") + named(*LOAD) + b"s")
    bunch = call(("copyreg", "_reconstructor"), named(*_BUNCH), named("builtins", "dict"), table(append=layer))
    return pickled(bunch, data(harm(canary)), b"a")


def _swallowed(canary: str, taken: int) -> bytes:
    """Instructions that one reading steps over as bytes, and another one carries out."""
    hidden = harm(canary)[:-1]
    return b"B" + len(hidden).to_bytes(4, "little") + hidden + b"0N"[: 2 * (taken > 0)]


def _switched(key: bytes) -> Callable[[str], bytes]:
    def build(canary: str) -> bytes:
        slots = b"}" + key + named(*_WRAPPER) + b"s"
        both = _description(_dtype("u1"), 5) + slots + b"\x86"
        return pickled(new(_SPLITTER), state(both), _swallowed(canary, 0))

    return build


def _switched_by_pairs(canary: str) -> bytes:
    """Slots in a dictionary that is made of pairs, which are lists."""
    pair = b"](" + text("__class__") + named(*_WRAPPER) + b"e"
    slots = call(("collections", "OrderedDict"), b"]" + pair + b"a")
    both = _description(_dtype("u1"), 5) + slots + b"\x86"
    return pickled(new(_SPLITTER), state(both), _swallowed(canary, 0))


def _made_with_pairs(canary: str) -> bytes:
    layer = _sequence(b"}" + put(2)) + put(3)
    pairs = b"](](" + text("append") + layer + b"ee"
    bunch = call(("copyreg", "_reconstructor"), named(*_BUNCH), named("builtins", "dict"), pairs)
    return pickled(bunch, put(4), b"0", get(2), text("0"), named(*LOAD), b"s0", get(4), data(harm(canary)), b"a")


def _computed(name: str) -> bytes:
    raw = name.encode("utf-32-le")
    kind = call(_DTYPE, text(f"U{len(name)}"), b"\x89", b"\x88")
    parts = row(b"K\x03", text("<"), b"N", b"N", b"N", b"K" + bytes([len(raw)]), b"K\x04", b"K\x08")
    return call(("numpy._core.multiarray", "scalar"), kind + state(parts), data(raw))


def _size(name: str, real: int, other: int) -> Callable[[str], bytes]:
    """An array whose type is shorter than a table may say: what follows is read from another place."""

    def build(canary: str) -> bytes:
        hidden = harm(canary)[:-1]
        covered = b"B" + len(hidden).to_bytes(4, "little")
        gap = other - real - 2
        return _raw(_dtype(name), 1, bytes(real) + b"C" + bytes([gap + 5]) + bytes(gap) + covered + hidden)

    return build


def _plainly(canary: str) -> bytes:
    """Raw numbers for joblib, and for pickle a call of the function that loads bytes."""
    hidden = call(LOAD, data(harm(canary))) + b"."
    return _raw(_dtype("u1"), len(hidden), hidden)


def _unpacked(canary: str) -> bytes:
    keys = b"}(" + data(harm(canary)) + b"N" + named(*LOAD) + b"Nu"
    return pickled(named("numpy.random._pickle", "__generator_ctor"), keys, b"R")


def _unpacked_object(canary: str) -> bytes:
    listed = call(("builtins", "list"), row(data(harm(canary)), named(*LOAD)))
    return pickled(named("numpy.random._pickle", "__generator_ctor"), listed, b"R")


def _like_text(canary: str) -> bytes:
    """Nothing but letters, with an end that is no pickle: by then it has run."""
    escaped = harm(canary).decode().replace("\\", "\\u005c").replace("\n", "\\u000a")
    return f"ctorch.storage\n_load_from_bytes\n(c_codecs\nencode\n(V{escaped}\nVlatin1\ntRtR\nThe end.\n".encode()


def _short_frame(canary: str) -> bytes:
    """Bytes that go on behind the end of their frame: Python's reader of files takes some of them for instructions."""
    hidden = harm(canary)[:-1] + b"("
    long_text = b"V" + b"a" * ((1 << 17) - 17) + b"\n0("
    frame = b"\x95" + (2).to_bytes(8, "little") + b"B" + (0x107).to_bytes(4, "little") + bytes(2)
    return b"\x80\x05N" + long_text + frame + hidden.ljust(0x105, b"N") + b"1."


def _given_back(canary: str) -> bytes:
    """Texts that a function hands back, in a file that is text for whoever stops there."""
    first, second = (b"ctorch.jit._pickle\nrestore_type_tag\n(V" + name + b"\nVx\ntR" for name in (b"posix", b"mkdir"))
    escaped = canary.encode("raw_unicode_escape")
    return first + second + b"q\xc2\x8f00h\xc2\x93(V" + escaped + b"\ntR."


def _in_an_array(canary: str, *, legacy: bool) -> bytes:
    """Instructions in what joblib takes for an array; torch reads them, and plain pickle stops before they harm."""
    outside = b"(" + text("storage") + named("torch", "FloatStorage") + text("0") + text("cpu") + b"K\x01"
    hidden = outside + (b"NtQ0" if legacy else b"tQ0") + call(("posix", "mkdir"), text(canary)) + b"0"
    return _raw(_dtype("u1"), len(hidden), hidden + b"0N")


def _in_an_array_of_old(canary: str) -> bytes:
    first = (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}})
    heads = b"".join(pickle.dumps(value, 2) for value in first)
    return heads + _in_an_array(canary, legacy=True) + pickle.dumps([], 2)


def _in_an_array_of_an_archive(canary: str) -> bytes:
    data = _in_an_array(canary, legacy=False)
    return zipped(("a/data.pkl", data), ("a/version", b"3\n"), ("a/data/0", b"abcd"))


PICKLES: Final[dict[str, tuple[str, Callable[[str], bytes]]]] = {
    "generator calls an argument": ("pickle", _generator("__generator_ctor")),
    "random state calls an argument": ("pickle", _generator("__randomstate_ctor")),
    "instructions in an array of an old file of torch": ("torch", _in_an_array_of_old),
    "instructions in an array of an archive of torch": ("torch", _in_an_array_of_an_archive),
    "text in a codec": ("pickle", _codec),
    "long text in a codec": ("pickle", _long_codec),
    "bytes changed after they were seen": ("pickle", _changed),
    "bytes extended after they were seen": ("pickle", _extended),
    "container filled after it was seen": ("pickle", _filled_later),
    "attributes among the items": ("pickle", _made_with_items),
    "class switched in slots": ("joblib", _switched(text("__class__"))),
    "class switched by pairs": ("joblib", _switched_by_pairs),
    "attributes among pairs": ("pickle", _made_with_pairs),
    "class switched by a computed name": ("joblib", _switched(_computed("__class__"))),
    "numpy's short float": ("joblib", _size("f", 4, 8)),
    "numpy's character": ("joblib", _size("c", 1, 16)),
    "joblib's array for pickle": ("pickle", _plainly),
    "arguments in a dictionary": ("python pickle", _unpacked),
    "arguments in an object": ("python pickle", _unpacked_object),
    "an instruction that leaves its frame": ("pickle", _short_frame),
    "names that a function hands back": ("pickle", _given_back),
    "text that breaks off": ("pickle", _like_text),
}
"""By name: the loader, and what makes the file for a path at which a folder appears once it has run."""
