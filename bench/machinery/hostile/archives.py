"""Archives that write outside of their folder, that are programs, or that two readers read in two ways."""

import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.machinery.hostile.assembly import harm, named, pickled, text

HARMLESS: Final = b"\x80\x04N."


def _tar(*entries: tuple[str, bytes, str, bytes], form: int = tarfile.PAX_FORMAT, **notes: str) -> bytes:
    """Entries are name, type, target of a link, content."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form, pax_headers=notes) as archive:
        for name, kind, target, content in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname, entry.size = kind, target, len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def _up(canary: str) -> str:
    """The way to the canary from the folder in which the archive is unpacked."""
    return f"../{Path(canary).name}"


def _tar_name(canary: str) -> bytes:
    return _tar((_up(canary), tarfile.REGTYPE, "", HARMLESS))


def _tar_absolute(canary: str) -> bytes:
    return _tar((canary, tarfile.REGTYPE, "", HARMLESS))


def _tar_folder(canary: str) -> bytes:
    return _tar((_up(canary), tarfile.DIRTYPE, "", b""))


def _tar_long_name(canary: str) -> bytes:
    name = "./" * 80 + _up(canary)
    return _tar((name, tarfile.REGTYPE, "", HARMLESS), form=tarfile.GNU_FORMAT)


def _tar_noted_name(canary: str) -> bytes:
    return _tar(("./" * 80 + _up(canary), tarfile.REGTYPE, "", HARMLESS))


def _tar_name_of_all(canary: str) -> bytes:
    return _tar(("model.bin", tarfile.REGTYPE, "", HARMLESS), path=_up(canary))


def _long_name(name: str, *, size: int | None = None) -> bytes:
    """Return a header for a name that is too long for one, and its block."""
    raw = name.encode() + b"\0"
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, len(raw) if size is None else size
    return entry.tobuf(tarfile.GNU_FORMAT) + raw.ljust(512, b"\0")


def _note(key: str, value: str, *, size: int | None = None) -> bytes:
    """Return a header for notes on the next member, and its block."""
    length = next(width for width in range(1000) if width == len(f"{width} {key}={value}\n".encode()))
    raw = f"{length} {key}={value}\n".encode()
    entry = tarfile.TarInfo("notes")
    entry.type, entry.size = tarfile.XHDTYPE, len(raw) if size is None else size
    return entry.tobuf(tarfile.USTAR_FORMAT) + raw.ljust(512, b"\0")


def _tar_name_behind(canary: str) -> bytes:
    """A name whose declared end comes before it leads out; Python reads the whole block."""
    return _long_name("./" * 80 + _up(canary), size=2) + _tar(("model.bin", tarfile.REGTYPE, "", HARMLESS))


def _tar_note_behind(canary: str) -> bytes:
    return _note("path", _up(canary), size=1) + _tar(("model.bin", tarfile.REGTYPE, "", HARMLESS))


def _tar_note_first(canary: str) -> bytes:
    """Two names of which the first one counts for Python."""
    good = _long_name("model.bin")
    return _note("path", _up(canary)) + good + _tar(("model.bin", tarfile.REGTYPE, "", HARMLESS))


def _tar_link(canary: str) -> bytes:
    return _tar(("out", tarfile.SYMTYPE, "..", b""), (f"out/{Path(canary).name}", tarfile.REGTYPE, "", HARMLESS))


def _tar_links(canary: str) -> bytes:
    """Each link seems to stay inside; together they lead out."""
    return _tar(
        ("here", tarfile.SYMTYPE, ".", b""),
        ("out", tarfile.SYMTYPE, "here/..", b""),
        (f"out/{Path(canary).name}", tarfile.REGTYPE, "", HARMLESS),
    )


def _tar_prefix(canary: str) -> bytes:
    entry = tarfile.TarInfo(f"../{'./' * 60}{Path(canary).name}")
    entry.size = len(HARMLESS)
    return entry.tobuf(tarfile.USTAR_FORMAT) + HARMLESS.ljust(512, b"\0") + bytes(1024)


def _tar_pickle(name: str) -> Callable[[str], bytes]:
    """An archive whose first name is a number with zeros behind it, for C; what follows its first line is a pickle."""

    def build(canary: str) -> bytes:
        body = b"# words\n" + named("posix", "mkdir") + b"(S" + repr(canary).encode() + b"\ntR."
        return _tar((name, tarfile.REGTYPE, "", body), form=tarfile.USTAR_FORMAT)

    return build


def zipped(*entries: tuple[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


def _zip_name(canary: str) -> bytes:
    return zipped((_up(canary), HARMLESS))


def _zip_absolute(canary: str) -> bytes:
    return zipped((canary, HARMLESS))


def _zip_program(canary: str) -> bytes:
    return zipped(("__main__.py", f"x = 1\n__import__('os').mkdir({canary!r})\n".encode()))


def _zip_64(canary: str) -> bytes:
    """The short record and the long one list different parts, in directories of their own."""
    hidden = harm(canary)
    first, second = zipped(("model.pkl", HARMLESS)), zipped(("model.pkl", b"\x8c\x00" + b"0" + hidden))
    # Locals of both, the long record's directory directly before it, then the short record's own.
    split = [blob.index(b"PK\x01\x02") for blob in (first, second)]
    locals_ = first[: split[0]] + second[: split[1]]
    directories = [first[split[0] : -22], second[split[1] : -22]]
    shifted = directories[1][:42] + struct.pack("<I", split[0]) + directories[1][46:]
    start = len(locals_) + len(directories[0])
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(shifted), start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, start + len(shifted), 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(directories[0]), len(locals_), 0)
    return locals_ + directories[0] + shifted + record + locator + end


def objects(pickled: bytes) -> bytes:
    """A numpy array of Python objects."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    header = header.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + pickled


def _zip_storage(canary: str) -> bytes:
    """Raw numbers for torch, and an array of objects for numpy, which opens any zip archive."""
    array = objects(harm(canary))
    key = b"(" + text("storage") + named("torch", "ByteStorage") + text("0") + text("cpu")
    data = pickled(key, b"M" + struct.pack("<H", len(array)), b"tQ", protocol=2)
    return zipped(("a/data.pkl", data), ("a/data/0", array))


ARCHIVES: Final[dict[str, tuple[str, Callable[[str], bytes]]]] = {
    "tar: a name": ("tar", _tar_name),
    "tar: an absolute name": ("tar", _tar_absolute),
    "tar: a folder": ("tar", _tar_folder),
    "tar: a long name": ("tar", _tar_long_name),
    "tar: a name in notes": ("tar", _tar_noted_name),
    "tar: a name for all": ("tar", _tar_name_of_all),
    "tar: a name behind its end": ("tar", _tar_name_behind),
    "tar: a note behind its end": ("tar", _tar_note_behind),
    "tar: two names": ("tar", _tar_note_first),
    "tar: a whole number of a pickle": ("pickle", _tar_pickle("I5")),
    "tar: a number of a pickle that is nothing": ("pickle", _tar_pickle("I")),
    "tar: a long number of a pickle": ("pickle", _tar_pickle("L5")),
    "tar: a broken number of a pickle": ("pickle", _tar_pickle("F5.")),
    "tar: a place of a pickle": ("pickle", _tar_pickle("Np5")),
    "tar: a link": ("tar", _tar_link),
    "tar: links by way of links": ("tar", _tar_links),
    "tar: a name in two fields": ("tar", _tar_prefix),
    "zip: a name": ("zip", _zip_name),
    "zip: an absolute name": ("zip", _zip_absolute),
    "zip: a program": ("program", _zip_program),
    "zip: a storage that is an array": ("numpy", _zip_storage),
    "zip: two directories": ("zipped pickle", _zip_64),
}
