"""The tensors of a model file, each with the place of its bytes: read, and written anew, without loading anything.

Safetensors, the archives of torch, and the pickles of scikit-learn (joblib's included) are followed by the same readers
that judge files. What they give is names of classes, numbers, and bytes; nothing of a file is imported or run.
"""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.artifact import Limits
from caponier.detect.model_files.files import compressed, pickle_file, tensors, zip_file
from caponier.detect.model_files.files.part import Budget, TooMuchError
from caponier.detect.model_files.pickles.arrays import DTYPE, WRAPPER
from caponier.detect.model_files.pickles.values import Blob, Box, Global, Made
from caponier.errors import InputError

Floats = NDArray[np.float32]

MOST_VALUES: Final = 1 << 24
"""Numbers of the largest network that is computed here."""
_SHORTEST: Final = 2
"""Bytes of the shortest number."""
ODD: Final = (ArithmeticError, AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError)
"""What a description that lacks something, or has something else there, ends in."""
_NUMBERS: Final = {"F16": "<f2", "BF16": "bf16", "F32": "<f4", "F64": "<f8"}
_STORAGES: Final = {"HalfStorage": "<f2", "BFloat16Storage": "bf16", "FloatStorage": "<f4", "DoubleStorage": "<f8"}
_TENSOR: Final = frozenset({"_rebuild_tensor", "_rebuild_tensor_v2"})
_PARAMETER: Final = "_rebuild_parameter"


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """Numbers, and where their bytes lie.

    Args:
        values: In 32 bits, of the tensor's own shape.
        kind: `<f2`, `bf16`, `<f4` or `<f8`.
        at: Byte of the file where they begin; None if the file packs them.
        order: `C` or `F`, how the shape is laid out in the bytes.
    """

    values: Floats
    kind: str
    at: int | None
    order: str = "C"

    def turned(self) -> "StoredTensor":
        """Return a matrix the other way round; its bytes stay where they are."""
        order = "C" if self.order == "F" else "F"
        return StoredTensor(np.ascontiguousarray(self.values.T), self.kind, self.at, order)

    def encoded(self, values: Floats) -> bytes:
        """Return the bytes of other values of the same shape."""
        flat = np.asarray(values, np.float32).reshape(self.values.shape).ravel(order="F" if self.order == "F" else "C")
        if self.kind != "bf16":
            # What sixteen bits cannot hold shows when the file is read again.
            with np.errstate(over="ignore"):
                return flat.astype(self.kind).tobytes()
        bits = flat.view(np.uint32)
        rounded = (bits + np.uint32(0x7FFF) + ((bits >> 16) & 1).astype(np.uint32)) >> 16
        return rounded.astype("<u2").tobytes()


@dataclass(frozen=True, eq=False)
class Contents:
    """What a model file holds.

    Args:
        kind: `safetensors`, `torch`, or `pickle`.
        tensors: By name, in the order of the file; of a pickle none, for its arrays have no names.
        value: What a pickle makes; None of safetensors.
        archive: Whether the file is a zip archive, whose checksums go with its bytes.
    """

    kind: str
    tensors: dict[str, StoredTensor] = field(default_factory=dict)
    value: Any = None
    archive: bool = False


def read_contents(content: memoryview, where: str, limits: Limits | None = None) -> Contents:
    """Read a model file that was judged clean before.

    Raises:
        InputError: If it is of no kind that is read here, or is not what it says.
    """
    budget = Budget.of(limits or Limits(), len(content))
    head = bytes(content[:16])
    try:
        if head.startswith(zip_file.LOCAL):
            return _torch(content, budget, where)
        if tensors.is_safetensors(content):
            return Contents("safetensors", _safetensors(content, _Numbers(content)))
        how = compressed.kind(head)
        plain = content if how is None else compressed.expand(content, how, budget).content
        report = pickle_file.follow(plain, budget, budget.rules)
        if report.broken or report.pickles != 1:
            raise InputError("is not a model that can be read without loading it", where=where, hint=_HINT)
        places = _Bytes(plain, how is None)
        return Contents("pickle", value=_with_arrays(report.values[0], places, _Numbers(plain)))
    except (TooMuchError, *ODD) as wrong:
        raise InputError(f"its tensors cannot be read: {wrong}", where=where, hint=_HINT) from wrong


_HINT: Final = (
    "Read are safetensors, torch.save of a state dictionary or a Sequential (not in the old format), and networks of "
    "scikit-learn as pickle or joblib."
)


class _Numbers:
    """Decodes numbers, those of one place once: a few bytes may describe any number of tensors that lie there.

    Args:
        content: Of the whole file; together there may be as many numbers as it has room for.
    """

    def __init__(self, content: memoryview) -> None:
        self._left = len(content) // _SHORTEST
        self._known: dict[tuple[int, str, tuple[int, ...]], Floats] = {}

    def decoded(self, content: memoryview, at: int, kind: str, shape: tuple[int, ...]) -> Floats:
        """Return the numbers that begin at a byte of some content, in 32 bits; whoever gets them must not change them.

        Raises:
            ValueError: If there are too many, or fewer.
        """
        count = prod(shape)
        if min(shape, default=0) < 0:
            raise ValueError("a side of a tensor is less than nothing")
        if count > MOST_VALUES:
            raise ValueError(f"a tensor of {count:,} numbers is larger than what is computed here ({MOST_VALUES:,})")
        if not count:
            return np.zeros(shape, np.float32)
        key = (_address(content) + at, kind, shape)
        if key not in self._known:
            self._left -= count
            if self._left < 0:
                raise ValueError("its tensors lie in each other, and hold more numbers than the file")
            self._known[key] = _as_floats(content[at : at + count * _width(kind)], kind).reshape(shape)
        return self._known[key]


def _as_floats(raw: memoryview, kind: str) -> Floats:
    if kind == "bf16":
        return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore"):
        return np.frombuffer(raw, kind).astype(np.float32)


def rewritten(content: memoryview, contents: Contents, new: Sequence[tuple[StoredTensor, Floats]]) -> bytes:
    """Return the same file with other values in some of its tensors, and everything else byte by byte as it was.

    Raises:
        InputError: If the file packs its numbers, so that others may take another length.
    """
    changed = bytearray(content)
    for tensor, values in new:
        if tensor.at is None:
            raise InputError("packs its numbers, and so cannot be written anew", hint="Save it without compression.")
        data = tensor.encoded(values)
        changed[tensor.at : tensor.at + len(data)] = data
    if contents.archive:
        try:
            _sum_anew(changed)
        except (zipfile.BadZipFile, struct.error, *ODD) as odd:
            raise InputError("its archive is put together in an odd way, and cannot be written anew") from odd
    return bytes(changed)


def _sum_anew(archive: bytearray) -> None:
    """Write the checksums of a zip archive anew: at each part, behind it, and in the directory."""
    with zipfile.ZipFile(io.BytesIO(archive)) as known:
        at, parts = known.start_dir, known.infolist()
    for part in parts:
        name, extra, comment = struct.unpack("<HHH", archive[at + 28 : at + 34])
        local = part.header_offset
        start = local + 30 + sum(struct.unpack("<HH", archive[local + 26 : local + 30]))
        end = start + part.compress_size
        if part.compress_type == zipfile.ZIP_STORED:
            old, new = struct.pack("<I", part.CRC), struct.pack("<I", zlib.crc32(archive[start:end]))
            archive[at + 16 : at + 20] = new
            # Which of the two has it depends on whether the writer knew it beforehand.
            if archive[local + 14 : local + 18] == old:
                archive[local + 14 : local + 18] = new
            if archive[end : end + 8] == b"PK\x07\x08" + old:
                archive[end + 4 : end + 8] = new
        at += 46 + name + extra + comment


def named(value: Any) -> dict[str, StoredTensor]:
    """Return the tensors of the dictionary, at any depth, that holds most of them under names."""
    best: dict[str, StoredTensor] = {}
    waiting, seen = [value], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen or not isinstance(one, Box | Made):
            continue
        seen.add(id(one))
        pairs = entries(one)
        here = {name: held for name, held in pairs.items() if isinstance(held, StoredTensor)}
        best = here if len(here) > len(best) else best
        waiting += [held for held in pairs.values() if isinstance(held, Box | Made)]
    return best


def entries(value: Any) -> dict[str, Any]:
    """Return the entries of a dictionary, or the attributes of an object, whose names are texts."""
    if isinstance(value, Box):
        return value.entries() if value.kind == "dict" else {}
    if not isinstance(value, Made):
        return {}
    pairs = zip(value.items[::2], value.items[1::2], strict=False)
    found = {key: held for key, held in pairs if isinstance(key, str)}
    state = value.state[0] if isinstance(value.state, tuple) and value.state else value.state
    return (state.entries() if isinstance(state, Box) else {}) | found


def _safetensors(content: memoryview, numbers: _Numbers) -> dict[str, StoredTensor]:
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(bytes(content[8:start]))
    found = {}
    for name, tensor in header.items():
        if name == "__metadata__" or tensor["dtype"] not in _NUMBERS:
            continue
        at, kind = start + tensor["data_offsets"][0], _NUMBERS[tensor["dtype"]]
        found[name] = StoredTensor(numbers.decoded(content, at, kind, tuple(tensor["shape"])), kind, at)
    # Sorted by place: names come in the order of the alphabet, in which layer 10 comes before layer 2.
    return dict(sorted(found.items(), key=lambda pair: _natural(pair[0])))


def _natural(name: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in name.split(".")]


def _torch(content: memoryview, budget: Budget, where: str) -> Contents:
    found, _ = zip_file.entries(content, budget)
    notes = [entry for entry in found if entry.name.rpartition("/")[2] == "data.pkl"]
    if len(notes) != 1:
        raise InputError("is an archive of another kind than torch's", where=where, hint=_HINT)
    storages = {
        entry.name.rpartition("/")[2]: entry
        for entry in found
        if entry.method == 0 and entry.name.rpartition("/")[0].rpartition("/")[2] == "data"
    }
    report = pickle_file.follow(
        zip_file.content_of(content, notes[0], budget).content, budget, budget.rules, joblib=False
    )
    if report.broken or not report.values:
        raise InputError("its description cannot be read", where=where, hint=_HINT)
    value = _with_tensors(report.values[0], content, storages)
    return Contents("torch", named(value), value, archive=True)


class _Bytes:
    """Tells where a view lies in a file."""

    def __init__(self, content: memoryview, direct: bool) -> None:
        self.start = _address(content) if direct and len(content) else None
        self.size = len(content)

    def at(self, view: memoryview) -> int | None:
        """Return the byte where a view begins, if it is a part of the file and no copy."""
        if self.start is None or not len(view):
            return None
        at = _address(view) - self.start
        return at if at >= 0 and at + len(view) <= self.size else None


def _address(view: memoryview) -> int:
    return int(np.frombuffer(view, np.uint8).__array_interface__["data"][0])


def _replaced(value: Any, of: Any) -> Any:
    """Return a value in which `of` has put stored tensors in place of what describes them; each part once."""
    done: dict[int, Any] = {}
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if id(one) in done:
            continue
        done[id(one)] = found = of(one)
        if found is one:
            waiting += _parts(one)
    for one in list(done.values()):
        if isinstance(one, Box):
            one.items[:] = [done.get(id(held), held) for held in one.items]
        elif isinstance(one, Made):
            one.items[:] = [done.get(id(held), held) for held in one.items]
            one.state = done.get(id(one.state), one.state)
    return done[id(value)]


def _parts(one: Any) -> list[Any]:
    if isinstance(one, Box):
        return list(one.items)
    if isinstance(one, Made):
        return [*one.items, one.state]
    return list(one) if isinstance(one, tuple) else []


def _with_tensors(value: Any, content: memoryview, storages: dict[str, zip_file.ZipEntry]) -> Any:
    numbers = _Numbers(content)

    def of(one: Any) -> Any:
        if not isinstance(one, Made) or not one.args or one.origin.module != "torch._utils":
            return one
        if one.origin.name == _PARAMETER:
            return of(one.args[0])
        if one.origin.name not in _TENSOR:
            return one
        storage, offset, shape, strides = one.args[:4]
        kind = _STORAGES.get(storage.args[0]) if isinstance(storage, Made) and storage.args else None
        entry = storages.get(storage.args[1]) if kind else None
        if kind is None or entry is None or tuple(strides) != _row_major(shape):
            return one
        at = entry.start + offset * _width(kind)
        if offset < 0 or at + prod(shape) * _width(kind) > entry.start + entry.packed:
            raise ValueError("a tensor is larger than its storage")
        return StoredTensor(numbers.decoded(content, at, kind, tuple(shape)), kind, at)

    return _replaced(value, of)


def _with_arrays(value: Any, places: _Bytes, numbers: _Numbers) -> Any:
    def of(one: Any) -> Any:
        described = _array(one)
        if described is None:
            return one
        view, dtype, shape, order = described
        kind = _dtype(dtype)
        if kind is None or len(view) != prod(shape) * _width(kind):
            return one
        flat = numbers.decoded(view, 0, kind, (prod(shape),))
        return StoredTensor(np.ascontiguousarray(flat.reshape(shape, order=order)), kind, places.at(view), order)

    return _replaced(value, of)


def _array(one: Any) -> tuple[memoryview, Any, tuple[int, ...], Any] | None:
    """Return bytes, type, shape and order of an array as numpy, or joblib, describes it."""
    if not isinstance(one, Made):
        return None
    if len(one.args) == 2 and isinstance(one.args[1], Made) and one.args[1].origin == WRAPPER:
        noted = entries(one.args[1])
        return one.args[0].view, noted["dtype"], noted["shape"], noted.get("order", "C")
    if one.origin == Global("numpy", "ndarray") and isinstance(one.state, tuple) and len(one.state) == 5:
        _, shape, dtype, fortran, data = one.state
        return (data.view, dtype, shape, "F" if fortran else "C") if isinstance(data, Blob) else None
    if one.origin.name == "_frombuffer" and len(one.args) == 4 and isinstance(one.args[0], Blob):
        return one.args[0].view, one.args[1], one.args[2], one.args[3]
    return None


def _dtype(described: Any) -> str | None:
    if not isinstance(described, Made) or described.origin != DTYPE or not described.args:
        return None
    order = described.state[1] if isinstance(described.state, tuple) and len(described.state) > 1 else "<"
    return {"f2": "<f2", "f4": "<f4", "f8": "<f8"}.get(str(described.args[0])) if order in "<=|" else None


def _width(kind: str) -> int:
    return 2 if kind == "bf16" else np.dtype(kind).itemsize


def _row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(prod(shape[at + 1 :]) for at in range(len(shape)))
