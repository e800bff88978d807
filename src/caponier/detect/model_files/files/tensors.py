"""Safetensors, which holds tensors and nothing that runs, checked whole."""

import json
import struct
from typing import Any, Final

from caponier.detect.model_files.files.part import ArchiveMember, Budget, PartReport
from caponier.detect.model_files.files.pickle_file import carries
from caponier.detect.model_files.files.text import once
from caponier.detect.model_files.pickles.carried import pickled

_NOTES: Final = "__metadata__"
_LONGEST: Final = 100 << 20
_MOST_BITS: Final = 1 << 70
_LONGEST_SIDE: Final = 1 << 63
"""A signed size: nothing longer can be loaded, not even beside a side of 0."""
_BITS: Final = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64,
    "C64": 64,
}  # fmt: skip


def is_safetensors(content: memoryview) -> bool:
    """Return whether content begins like safetensors: a length, and a JSON object of that length."""
    if len(content) < 10:
        return False
    (length,) = struct.unpack("<Q", content[:8])
    return 2 <= length <= min(_LONGEST, len(content) - 8) and content[8] == ord("{")


def read_safetensors(content: memoryview, budget: Budget) -> PartReport:
    """Check that the tensors of the header cover the rest of the file, without gap or overlap."""
    part = PartReport("safetensors")
    (length,) = struct.unpack("<Q", content[:8])
    if length > budget.limits.text_bytes:
        part.unknown.append("has a header that is longer than a scan reads")
        return part
    try:
        twice: list[str] = []
        header = json.loads(bytes(content[8 : 8 + length]), object_pairs_hook=lambda pairs: once(pairs, twice))
        spans = sorted(_span(tensor) for name, tensor in header.items() if name != _NOTES)
    except (ValueError, KeyError, TypeError, RecursionError):
        part.unknown.append("has a header that cannot be read")
        return part
    if twice:
        part.unknown.append(f"has a key twice in its header: {twice[0][:100]!r}")
    if (notes := header.get(_NOTES)) is not None:
        if not isinstance(notes, dict) or not all(isinstance(note, str) for note in notes.values()):
            part.unknown.append("has notes that are no texts")
        # Whoever reads the tensors gets the notes with them, and some are configurations.
        part.members = iter([ArchiveMember(_NOTES, memoryview(json.dumps(notes).encode()))])
    at = 0
    for start, end in spans:
        if start != at:
            part.unknown.append("has tensors that overlap, or leave gaps")
            return part
        at = end
    if 8 + length + at != len(content):
        part.unknown.append("is longer or shorter than its tensors")
    bodies = (content[8 + length + start : 8 + length + end] for start, end in spans)
    carries([inner for body in bodies if (inner := pickled(body)) is not None], budget, part)
    return part


def _span(tensor: Any) -> tuple[int, int]:
    start, end = tensor["data_offsets"]
    bits = _BITS[tensor["dtype"]]
    for length in tensor["shape"]:
        if not isinstance(length, int) or not 0 <= length < _LONGEST_SIDE:
            raise ValueError("a length is none")
        bits *= length
        if bits > _MOST_BITS:
            raise ValueError("a tensor is too large")
    if not (isinstance(start, int) and isinstance(end, int)) or start < 0 or (end - start) * 8 != bits:
        raise ValueError("a tensor has another size than its shape")
    return start, end
