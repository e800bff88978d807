"""What the parts of log files give: matched events, counts, and who worked from where; of one or several processes.

Reading and matching know nothing of what stands in other files, so files can be shared out. What they give is taken in
the order of the files, so that nothing can tell how many processes there were.
"""

import gc
import multiprocessing
import pickle
import tempfile
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Final

from caponier.detect.assets.inside import Inside
from caponier.detect.assets.scope import Scope
from caponier.detect.habits.past import Fact, Past
from caponier.detect.sigma.hits import Matched
from caponier.detect.sigma.sigma import EventMatcher, Sigma
from caponier.errors import CaponierError
from caponier.records.inside import InsideSettings
from caponier.records.inventory import System
from caponier.telemetry.clock import LATENESS
from caponier.telemetry.log_files import LogFile
from caponier.telemetry.rejections import Rejection
from caponier.telemetry.security_logs.events import LogEvents, read_log
from caponier.telemetry.security_logs.identity import address_of
from caponier.telemetry.security_logs.sources import LogSource
from caponier.telemetry.streams import COMPRESSIONS, STDIN

SHARE: Final = 8 * 2**20
"""Bytes of files that are read by one process in one go, at least: small files are read many at a time."""
WORTH: Final = 32 * 2**20
"""Bytes for which further processes pay: each takes about a second to begin."""
_PACKED: Final = 8
"""Times that logs are larger than they are packed, about."""
_RARELY: Final = (50_000, 20, 50)
"""Objects, and collections of younger ones, before Python looks for cycles among them."""
_AHEAD: Final = 3
"""Shares for each process that wait for those before them."""


@dataclass
class LogPart:
    """What some events of one file gave."""

    file: str
    events: int = 0
    sources: Counter[LogSource] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    shortened: int = 0
    continued: int = 0
    doubted: int = 0
    bytes_read: int = 0
    matched: list[Matched] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    facts: list[tuple[Fact, list[int]]] = field(default_factory=list)
    """Of all files of a share, at the end of its last one."""
    placed: bool = False
    """Whether an event says from where somebody did it."""


@dataclass(frozen=True)
class LogReading:
    """How logs are read and matched."""

    sigma: Sigma
    systems: tuple[System, ...] = ()
    salt: bytes = b""
    inside: InsideSettings = field(default_factory=InsideSettings)
    origin: LogSource | None = None
    host: str | None = None
    lateness: float = LATENESS
    batch_rows: int | None = None

    def parts(self, files: Sequence[LogFile], past: Past) -> Iterator[LogPart]:
        """Yield what files give, in their order.

        Args:
            files: To read.
            past: Learns who worked from where.

        Raises:
            InputError: If a file that was named cannot be read.
        """
        inside = Inside(self.inside)
        with rarely_collected(), self.sigma.matcher(Scope(self.systems), self.salt, inside) as matcher:
            for file in files:
                for read in read_log(
                    file, origin=self.origin, asked=self.sigma.categories, host=self.host, lateness=self.lateness
                ):
                    past.learn(read.events, inside)
                    yield self._part(read, matcher)

    def _part(self, read: LogEvents, matcher: EventMatcher) -> LogPart:
        events, step = read.events, self.batch_rows or max(1, len(read.events))
        return LogPart(
            read.file,
            len(events),
            Counter(map(attrgetter("origin"), events)),
            read.formats,
            read.shortened,
            read.continued,
            read.doubted,
            read.bytes_read,
            [one for start in range(0, len(events), step) for one in matcher.match(events[start : start + step])],
            read.rejections,
            placed=any(address_of(event.fields) for event in events),
        )

    def parts_of_workers(self, files: Sequence[LogFile], past: Past, workers: int) -> Iterator[LogPart]:
        """Yield the same as `parts`, made in several processes."""
        waiting = deque(shares(files))
        begun: deque[Future[Path]] = deque()
        context = multiprocessing.get_context("spawn")
        with (
            tempfile.TemporaryDirectory(prefix="caponier-") as folder,
            ProcessPoolExecutor(workers, context, _begin, (self,)) as pool,
        ):
            try:
                while waiting or begun:
                    while waiting and len(begun) < _AHEAD * workers:
                        begun.append(pool.submit(_work, Path(folder), waiting.popleft()))
                    yield from _taken(begun.popleft().result(), past)
            except BrokenProcessPool:
                raise CaponierError(
                    "a process that read the logs was ended from outside; nothing was kept",
                    hint="Memory may have run out. Read them with one process: --workers 1",
                ) from None
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Look for cycles more rarely: events are many small objects without any, and looking took a fifth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(*_RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def shares(files: Sequence[LogFile]) -> list[list[LogFile]]:
    """Share files out, in their order: small ones many at a time."""
    found: list[list[LogFile]] = []
    room = 0
    for file in files:
        if room <= 0:
            found.append([])
            room = SHARE
        found[-1].append(file)
        room -= size_of(file)
    return found


def size_of(file: LogFile) -> int:
    """Return about how many bytes a log has when it is unpacked; 0 where nobody can tell."""
    try:
        size = file.path.stat().st_size
    except OSError:
        return 0
    return size * (_PACKED if file.path.suffix.lower() in COMPRESSIONS else 1)


def worth_workers(files: Sequence[LogFile], workers: int) -> bool:
    """Tell whether there is enough to read for several processes, and nothing that only this one can read."""
    if workers < 2 or len(files) < 2 or any(file.path == STDIN for file in files):
        return False
    return sum(map(size_of, files)) >= WORTH and len(shares(files)) > 1


_HERE: list[LogReading] = []
"""What a process of the pool was told once, and not with each share."""


def _begin(reading: LogReading) -> None:
    _HERE[:] = [reading]


def _work(folder: Path, files: Sequence[LogFile]) -> Path:
    """Read some files, and leave what they give on disk: however much matches, memory stays flat."""
    past = Past()
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as out:
        last: LogPart | None = None
        for part in _HERE[0].parts(files, past):
            if last:
                pickle.dump(last, out)
            last = part
        if last:
            pickle.dump(replace(last, facts=past.facts()), out)
    return Path(out.name)


def _taken(path: Path, past: Past) -> Iterator[LogPart]:
    """Read what a process of ours has left, and remove it."""
    with path.open("rb") as made:
        size = path.stat().st_size
        while made.tell() < size:
            part: LogPart = pickle.load(made)  # noqa: S301 - ours, in a folder that nobody else may write to
            for fact, days in part.facts:
                for day in days:
                    past.add(fact, day)
            yield part
    path.unlink()
