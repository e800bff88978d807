"""The states of the subjects of one shard, in files.

Each look adds a file with what it changed, and now and then all of them become one again. Nothing is ever written over,
so that a look that was cut off leaves no trace.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from caponier.engines.judge import JudgedSubject
from caponier.engines.resumable import RingEvents, SubjectMemory
from caponier.engines.subjects import SubjectState
from caponier.formats.atomic_file import replacing

FORM: Final = 2
"""Of the files; another one cannot be read."""
MOST_FILES: Final = 8
"""Of a shard, before they become one."""
_TOGETHER: Final = 256
_CODEC: Final = "zstd"
_SCHEMA: Final = pa.schema(
    [
        ("key", pa.string()),
        ("last_time", pa.int64()),
        ("last_key", pa.uint64()),
        ("ages", pa.list_(pa.int64())),
        ("size", pa.int64()),
        ("states", pa.binary()),
        ("standing", pa.binary()),
        ("places", pa.binary()),
        ("times", pa.binary()),
        ("ids", pa.list_(pa.string())),
        ("senders", pa.list_(pa.string())),
    ]
)


@dataclass
class StateTable:
    """What is kept of the subjects of one shard.

    Args:
        folder: Of the files.
        files: Their names, the oldest first.
    """

    folder: Path
    files: Sequence[str]
    _tables: list[pa.Table] = field(init=False)
    _where: dict[str, tuple[int, int]] = field(init=False)
    """By key: which table, and which row of it."""

    def __post_init__(self) -> None:
        """Map the files into memory: of a subject that is not asked for no more than its name is read."""
        self._tables = [opened(self.folder / name).read_all() for name in self.files]
        self._where = {}
        for number, table in enumerate(self._tables):
            self._where |= {key: (number, row) for row, key in enumerate(table.column("key").to_pylist())}

    def __len__(self) -> int:
        return len(self._where)

    def __contains__(self, key: str) -> bool:
        return key in self._where

    def recall(self, key: str) -> SubjectMemory | None:
        """Return what is kept of a subject; None if nothing is."""
        where = self._where.get(key)
        return None if where is None else _held(self._row(*where))

    def changed(self, name: str, changes: "Changes", *, since: int, most: int) -> tuple[str, ...]:
        """Write what a look changed, and return the names of the files that hold everything now.

        Args:
            name: Of the file to write.
            changes: It.
            since: Microseconds; subjects that were silent since before that are forgotten, where files become one.
            most: Subjects that are kept then: those who sent much, and last.
        """
        if not changes.rows:
            return tuple(self.files)
        if len(self.files) + 1 < MOST_FILES:
            _write(self.folder / name, iter(changes.rows.values()))
            return (*self.files, name)
        _write(self.folder / name, self._surviving(changes, since, most))
        return (name,)

    def _surviving(self, changes: "Changes", since: int, most: int) -> Iterator[dict[str, Any]]:
        weighed: list[tuple[int, int, str, tuple[int, int] | None]] = []
        weighed += [(*_weight(row), key, None) for key, row in changes.rows.items()]
        for key, where in self._where.items():
            row = self._light(*where) if key not in changes.rows else None
            if row is not None and row["last_time"] >= since:
                weighed.append((*_weight(row), key, where))
        weighed.sort(key=lambda one: one[:2], reverse=True)
        for _, _, key, kept in weighed[:most]:
            yield changes.rows[key] if kept is None else self._row(*kept)

    def _row(self, number: int, row: int) -> dict[str, Any]:
        found: dict[str, Any] = self._tables[number].slice(row, 1).to_pylist()[0]
        return found

    def _light(self, number: int, row: int) -> dict[str, Any]:
        found: dict[str, Any] = self._tables[number].select(["last_time", "ages"]).slice(row, 1).to_pylist()[0]
        return found


@dataclass
class Changes:
    """What a look changed, by key; held packed."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def keep(self, key: str, held: SubjectMemory) -> None:
        """Take what is to be kept of a subject."""
        self.rows[key] = _packed(key, held)

    @property
    def size(self) -> int:
        """Bytes of it, about."""
        return sum(len(row["states"]) + len(row["places"]) + sum(map(len, row["ids"])) for row in self.rows.values())


def opened(path: Path) -> pa.ipc.RecordBatchFileReader:
    """Return a file of states, mapped into memory.

    Raises:
        OSError: If it is not there.
        ValueError: If it is cut off, or something else.
    """
    reader = pa.ipc.open_file(pa.memory_map(str(path)))
    if not reader.schema.equals(_SCHEMA):
        raise ValueError("no file of states")
    return reader


def write_table(path: Path, table: pa.Table) -> None:
    """Write states that were read from another file."""
    with replacing(path) as beside, pa.OSFile(str(beside), "wb") as sink, pa.ipc.new_file(sink, _SCHEMA) as writer:
        writer.write_table(table, max_chunksize=_TOGETHER)


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with replacing(path) as beside, pa.OSFile(str(beside), "wb") as sink, pa.ipc.new_file(sink, _SCHEMA) as writer:
        waiting: list[dict[str, Any]] = []
        for row in rows:
            waiting.append(row)
            if len(waiting) == _TOGETHER:
                writer.write_batch(pa.RecordBatch.from_pylist(waiting, _SCHEMA))
                waiting.clear()
        if waiting:
            writer.write_batch(pa.RecordBatch.from_pylist(waiting, _SCHEMA))


def _weight(row: dict[str, Any]) -> tuple[int, int]:
    """Return what a subject is worth: whoever makes up names must not push out somebody of whom more is known."""
    return min(int(row["ages"][1]), 200), int(row["last_time"])


def _packed(key: str, held: SubjectMemory) -> dict[str, Any]:
    carried, standing, ring = held.carried, held.standing, held.ring
    states = carried.states.tobytes()
    return {
        "key": key,
        "last_time": carried.last_time,
        "last_key": carried.last_key,
        "ages": carried.ages,
        "size": len(states),
        # Most of the state of somebody who asked little is empty.
        "states": pa.compress(states, codec=_CODEC, asbytes=True),
        "standing": None if standing is None else np.stack(_parts(standing)).tobytes(),
        "places": ring.places.astype(np.int64).tobytes(),
        "times": ring.times.astype(np.int64).tobytes(),
        "ids": ring.ids,
        "senders": ring.senders,
    }


def _parts(standing: JudgedSubject) -> list[NDArray[np.int64]]:
    return [standing.rarity, standing.value, standing.age, standing.told]


def _held(row: dict[str, Any]) -> SubjectMemory:
    states = pa.decompress(row["states"], row["size"], codec=_CODEC, asbytes=True)
    carried = SubjectState(row["last_time"], row["last_key"], row["ages"], np.frombuffer(states, np.uint8))
    standing = None
    if row["standing"] is not None:
        standing = JudgedSubject(*np.frombuffer(row["standing"], np.int64).reshape(4, -1).copy())
    places = np.frombuffer(row["places"], np.int64).reshape(-1, 2)
    return SubjectMemory(
        carried, standing, RingEvents(places, np.frombuffer(row["times"], np.int64), row["ids"], row["senders"])
    )
