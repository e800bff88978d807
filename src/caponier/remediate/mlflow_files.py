"""The files of one version on an MLflow server: fetched, and known by one digest. Nothing of them is ever loaded."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol
from urllib.parse import unquote, urlsplit

from caponier.errors import InputError
from caponier.remediate.mlflow_server import MlflowServer

PROXIED: Final = "mlflow-artifacts"
"""Scheme of files that the server itself hands out."""
MOST_FILES, DEEPEST = 10_000, 16
LOT: Final = 2**20


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class VersionFiles:
    """What was fetched."""

    digest: str
    """Of the list of files that `sha256sum` writes, sorted by name: one digest for the whole version."""
    files: int
    size: int
    """Bytes."""


def fetch(server: MlflowServer, uri: str, into: Path | None) -> VersionFiles | None:
    """Read all files of a version, and keep a copy if asked.

    Args:
        server: Who hands them out.
        uri: Where they lie, as the server says.
        into: A folder for the copy, or None if the digest is enough.

    Returns:
        None if they lie in a store that only its own client can read.

    Raises:
        InputError: If they cannot be read, a name would lead out of the folder, or there are none.
    """
    parts = urlsplit(uri)
    if parts.scheme == PROXIED:
        return _digest(_proxied(server, parts.path.strip("/")), into, uri)
    local = Path(unquote(parts.path)) if parts.scheme in ("", "file") and parts.netloc in ("", "localhost") else None
    return _digest(_local(local), into, uri) if local and local.is_dir() else None


def _digest(found: Iterator[tuple[str, _Stream]], into: Path | None, uri: str) -> VersionFiles:
    lines: list[str] = []
    size = 0
    for name, stream in found:
        copy = _copy(into, name)
        try:
            digest, length = _read(stream, copy)
        finally:
            if copy:
                copy.close()
        lines.append(f"{digest}  {name}\n")
        size += length
    if not lines:
        raise InputError("the version has no files", where=uri)
    lines.sort(key=lambda line: line[66:])
    return VersionFiles(hashlib.sha256("".join(lines).encode()).hexdigest(), len(lines), size)


def _read(stream: _Stream, copy: BinaryIO | None) -> tuple[str, int]:
    digest, length = hashlib.sha256(), 0
    while lot := stream.read(LOT):
        digest.update(lot)
        length += len(lot)
        if copy:
            _write(copy, lot)
    return digest.hexdigest(), length


def _write(copy: BinaryIO, lot: bytes) -> None:
    try:
        copy.write(lot)
    except OSError as full:
        raise InputError(f"a copy of the version cannot be written: {full.strerror}", where=copy.name) from full


def _copy(into: Path | None, name: str) -> BinaryIO | None:
    if into is None:
        return None
    path = into / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("xb")


def _proxied(server: MlflowServer, root: str) -> Iterator[tuple[str, _Stream]]:
    waiting, seen = [""], 0
    while waiting:
        folder = waiting.pop()
        for listed, is_folder in server.listed(f"{root}/{folder}".rstrip("/")):
            # Servers list names relative to the folder that was asked for.
            name = f"{folder}/{_one_step(listed, server.address)}".lstrip("/")
            seen += 1
            if seen > MOST_FILES or name.count("/") >= DEEPEST:
                raise InputError(f"more than {MOST_FILES:,} files, or folders too deep", where=server.address)
            if is_folder:
                waiting.append(name)
                continue
            with server.opened(f"{root}/{name}") as reply:
                yield name, reply


def _one_step(listed: str, where: str) -> str:
    """Return the last step of a name.

    Raises:
        InputError: If it is none that stays in its folder.
    """
    name = listed.rstrip("/").rsplit("/", 1)[-1]
    if name in ("", ".", "..") or "\\" in name or not name.isprintable():
        raise InputError(f"the server lists a file of the name {listed!r}", where=where)
    return name


def _local(root: Path) -> Iterator[tuple[str, _Stream]]:
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            raise InputError("a version must not hold links", where=str(path))
        if path.is_file():
            with path.open("rb") as stream:
                yield path.relative_to(root).as_posix(), stream
