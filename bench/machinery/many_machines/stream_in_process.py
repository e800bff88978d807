"""A stream without Spark: the same looks, one after the other in this process."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq

from caponier.app.stream.checkpoint import Checkpoint
from caponier.app.stream.parse import Parsed
from caponier.app.stream.stream import EventStream
from caponier.engines.lake_offsets import LINES, latest, nothing_read, pieces, slices
from caponier.engines.shards import LookTask, ShardPlan, ShardResult, look
from caponier.records.inventory import Workspace

ORDER = ("shard", "part", "subject", "time", "source", "seq")


class InProcess:
    """What `app.stream.run.OnSpark` does on a cluster; rows come in batches of a few."""

    def __init__(self, rows: int = 1_000) -> None:
        self.rows = rows

    def parsed(self, frame: list[dict[str, Any]], parse: Callable[[Any], Parsed]) -> list[Parsed]:
        return [parse(iter([row])) for row in frame]

    def looked(self, plan: ShardPlan, step: LookTask, files: Sequence[str]) -> list[ShardResult | str]:
        if not files:
            return []
        table = pq.read_table([plan.folder / name for name in files], schema=plan.schema)
        table = table.sort_by([(name, "ascending") for name in ORDER])
        return list(look(plan, step, table.to_batches(max_chunksize=self.rows)))


class Follower:
    """Follows a lake as Spark does: offsets in a file, micro-batches with numbers, again where one was cut off."""

    def __init__(self, home: Workspace, folder: Path, *, rows: int = 1_000, shards: int = 2, **options: Any) -> None:
        self.folder, self.engine = folder, InProcess(rows)
        self.checkpoint = Checkpoint(folder)
        self.stream = EventStream(home, self.checkpoint, shards=shards, **options)
        self.checkpoint.spark.mkdir(exist_ok=True)
        self._file = self.checkpoint.spark / "offsets.json"

    @property
    def offsets(self) -> list[dict[str, Any]]:
        return orjson.loads(self._file.read_bytes()) if self._file.exists() else [nothing_read()]

    def look(self) -> None:
        """Note what there is, and take it."""
        offsets = self.offsets
        if len(offsets) - 1 <= self.stream.position.batch + 1 or len(offsets) == 1:
            offsets.append(latest(self.stream.lake, offsets[-1]))
            self._file.write_bytes(orjson.dumps(offsets))
        self.again(len(offsets) - 2)

    def again(self, batch: int) -> None:
        """Take a micro-batch that was noted."""
        start, end = self.offsets[batch : batch + 2]
        self.stream.take(self.engine, list(self._rows(start, end)), batch)

    def _rows(self, start: Any, end: Any) -> Iterator[dict[str, Any]]:
        lake = self.stream.lake
        for part in slices(start, end):
            row = {"source": part.source, "path": part.path, "again": part.again}
            if Path(part.path).suffix not in LINES:
                yield {**row, "line": 0, "data": None}
                continue
            for line, data in pieces(lake, part, 100_000):
                yield {**row, "line": line, "data": data}

    def drain(self) -> None:
        self.look()
        self.stream.flush(self.engine, at_once=True)
