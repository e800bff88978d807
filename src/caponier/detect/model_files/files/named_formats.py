"""Formats that are told by their first bytes and are not read: what each is, and why it cannot be called clean."""

import re
from typing import Final, NamedTuple


class NamedFormat(NamedTuple):
    """A format, and what is known of it."""

    kind: str
    reason: str


_ARCHIVE: Final = "is an archive of a kind that is not read here: unpack it, and scan what was in it"
_PROGRAM: Final = "is a program of the machine: it is run, not loaded"
_BYTECODE: Final = "is code that was compiled: it is run, not loaded"
_NUMBERS: Final = "holds numbers and a graph of its own, and is not read here"
_DATA: Final = "holds data, and is not read here: export the model from the library that wrote it"
_BEFORE_GGUF: Final = "is what was before GGUF, and is not read here: convert it"
_OF_GIT: Final = "is what Git keeps of files and of their earlier versions: check them out, and scan those"
_PICTURE: Final = "is a picture, and no model"
_STARTS: Final[tuple[tuple[bytes, NamedFormat], ...]] = (
    (b"7z\xbc\xaf\x27\x1c", NamedFormat("7z", _ARCHIVE)),
    (b"Rar!\x1a\x07", NamedFormat("rar", _ARCHIVE)),
    (b"!<arch>\n", NamedFormat("ar", _ARCHIVE)),
    (b"MSCF\0\0\0\0", NamedFormat("cab", _ARCHIVE)),
    (b"070701", NamedFormat("cpio", _ARCHIVE)),
    (b"hsqs", NamedFormat("squashfs", _ARCHIVE)),
    (b"\x7fELF", NamedFormat("elf", _PROGRAM)),
    (b"\xfe\xed\xfa\xce", NamedFormat("mach-o", _PROGRAM)),
    (b"\xfe\xed\xfa\xcf", NamedFormat("mach-o", _PROGRAM)),
    (b"\xcf\xfa\xed\xfe", NamedFormat("mach-o", _PROGRAM)),
    (b"\xce\xfa\xed\xfe", NamedFormat("mach-o", _PROGRAM)),
    (b"\0asm", NamedFormat("webassembly", _BYTECODE)),
    (b"\xca\xfe\xba\xbe", NamedFormat("java class", _BYTECODE)),
    (b"\x1bLua", NamedFormat("lua", _BYTECODE)),
    (b"BC\xc0\xde", NamedFormat("llvm", _BYTECODE)),
    (b"\xac\xed\0\x05", NamedFormat("java objects", "has Java make objects of any class while it is read")),
    (b"MATLAB 5.0 MAT-file", NamedFormat("matlab", _DATA)),
    (b"SQLite format 3\0", NamedFormat("sqlite", _DATA)),
    (b"PAR1", NamedFormat("parquet", _DATA)),
    (b"ARROW1\0\0", NamedFormat("arrow", _DATA)),
    (b"Obj\x01", NamedFormat("avro", _DATA)),
    (b"ZF0x", NamedFormat("joblib", "is of a version of joblib that is not read here: load and write it again")),
    (b"ggml", NamedFormat("ggml", _BEFORE_GGUF)),
    (b"lmgg", NamedFormat("ggml", _BEFORE_GGUF)),
    (b"tjgg", NamedFormat("ggml", _BEFORE_GGUF)),
    (b"DIRC\0\0\0", NamedFormat("git", _OF_GIT)),
    (b"PACK\0\0\0", NamedFormat("git", _OF_GIT)),
    (b"\xfftOc\0\0\0", NamedFormat("git", _OF_GIT)),
    (b"%PDF-", NamedFormat("pdf", "is a document, and no model")),
    (b"\x89PNG\r\n\x1a\n", NamedFormat("picture", _PICTURE)),
    (b"\xff\xd8\xff", NamedFormat("picture", _PICTURE)),
    (b"GIF8", NamedFormat("picture", _PICTURE)),
)
_FLAT: Final = {
    b"ORTM": NamedFormat("onnx runtime", f"{_NUMBERS}: the ONNX file that it was made of is"),
    b"CNTK": NamedFormat("flatbuffer", _NUMBERS),
}
"""What flatbuffers are told by, behind the place of their root."""
_PYTHON_TIME, _PYTHON_CODE = slice(2, 4), b"\r\n"
_GIT_OBJECT: Final = re.compile(rb"(?:blob|commit|tag|tree) \d{1,20}\0")
_WINDOWS: Final = re.compile(rb"MZ.{58}", re.DOTALL)
_LONGEST: Final = 64


def named_format(content: memoryview) -> NamedFormat | None:
    """Return what content is, if its first or last bytes say so."""
    head = bytes(content[:_LONGEST])
    for start, named in _STARTS:
        if head.startswith(start):
            return named
    if (flat := _FLAT.get(head[4:8])) is not None:
        return flat
    if head[_PYTHON_TIME] == _PYTHON_CODE and len(content) > 16 and head[16] & 0x7F == 0x63:
        return NamedFormat("python bytecode", _BYTECODE)
    if _GIT_OBJECT.match(head):
        return NamedFormat("git", _OF_GIT)
    if _WINDOWS.match(head):
        return NamedFormat("windows program", _PROGRAM)
    return None
