"""Where a stream stands: one small file that is replaced in one step, and the files of state that it names."""

import fcntl
import hashlib
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson
from pydantic import TypeAdapter

from caponier import __version__
from caponier.app.inference.plan import ModelDetection
from caponier.app.stream.parse import NEVER
from caponier.detect.calibration.baseline import Baseline
from caponier.engines.shards import refuse_damaged
from caponier.engines.state_erasure import without
from caponier.engines.state_table import FORM
from caponier.errors import InputError
from caponier.formats.atomic_file import HALF, write_bytes

POSITION: Final = "position.json"
STATE: Final = "state"
SPARK: Final = "spark"
LOCK: Final = ".following"
_COLD: Final = "none"
_OWN: Final = re.compile(rf"(\d{{9}}-|{re.escape(HALF)}).+")
"""Names of files that looks write."""
_NOWHERE: Final = "no checkpoint can be kept there"
_ANEW: Final = "Begin anew with --rebuild"


@dataclass(frozen=True)
class StreamPosition:
    """Where a stream stands."""

    made_by: Mapping[str, Mapping[str, str]]
    """By model, what its states were made with: detectors with the version of their state, and the baseline."""
    shards: int
    form: int = FORM
    caponier: str = __version__
    step: int = 0
    batch: int = -1
    """The last micro-batch that is in it."""
    released: int = NEVER
    """Microseconds; all events before that were looked at."""
    agreed: int = NEVER
    """The latest time that two events agree on."""
    last: int = NEVER
    """The latest time of an event."""
    files: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Of states, by shard."""
    subjects: Mapping[str, int] = field(default_factory=dict)
    """By shard."""
    waiting: Sequence[str] = ()
    """Files with rows that are not due yet."""
    own: Sequence[tuple[str, str, str]] = ()
    """See `app.inference.findings.OwnFindings`."""
    events: int = 0
    findings: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Rows that could not be used, by reason."""


_POSITION: Final = TypeAdapter(StreamPosition)


class Checkpoint:
    """The folder in which a stream keeps where it stands.

    Args:
        folder: It; made if it is not there.

    Raises:
        InputError: If it cannot be made, or is something else.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.state, self.spark = self.folder / STATE, self.folder / SPARK
        try:
            known = {path.name for path in self.folder.iterdir()} if self.folder.exists() else set()
            # A folder that only holds something of such a name, as /opt does, is somebody else's, and cleared never.
            others = {name for name in known - {STATE, SPARK, POSITION, LOCK} if not name.startswith(HALF)}
            if others or (SPARK in known and STATE not in known):
                raise InputError(
                    "is not a checkpoint of a stream", where=str(folder), hint="Name another folder with --checkpoint"
                )
            self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as failed:
            raise InputError(f"{_NOWHERE}: {failed.strerror}", where=str(folder)) from failed

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep others away: two streams would delete each other's files.

        Raises:
            InputError: If another one is at work, or nothing can be kept there.
        """
        with ExitStack() as held:
            try:
                lock = held.enter_context((self.folder / LOCK).open("w"))
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                hint = "End that one, or name another folder with --checkpoint"
                raise InputError("another stream is at work here", where=str(self.folder), hint=hint) from None
            except OSError as failed:
                raise InputError(f"{_NOWHERE}: {failed.strerror}", where=str(self.folder)) from failed
            yield

    def read(self, cases: Mapping[str, ModelDetection], shards: int) -> StreamPosition:
        """Return where the stream stands, or where one begins.

        Raises:
            InputError: If its states were made with other detectors or baselines, or it is damaged.
        """
        now = made_by(cases)
        position = self._kept()
        if position is None:
            if self.spark.exists() and any(self.spark.iterdir()):
                # Nothing was looked at yet; what was read is read again.
                shutil.rmtree(self.spark)
            return StreamPosition(now, shards)
        if changes := _changes(position, now):
            raise InputError(
                f"what was remembered there was made with something else: {'; '.join(changes)}",
                where=str(self.folder),
                hint="Read the lake again from its beginning with --rebuild; findings that are known stay as they are",
            )
        if not self.spark.exists():
            raise InputError("how far the lake was read is gone", where=str(self.spark), hint=_ANEW)
        for name in sorted(_named(position)):
            try:
                refuse_damaged(self.state / name)
            except (OSError, ValueError) as damaged:
                raise InputError("is gone or damaged", where=str(self.state / name), hint=_ANEW) from damaged
        return position

    def write(self, position: StreamPosition) -> None:
        """Put a new state in place in one step, and delete the files that it does not name."""
        write_bytes(self.folder / POSITION, orjson.dumps(asdict(position)))
        self.sweep(position)

    def sweep(self, position: StreamPosition) -> None:
        """Delete what looks that were cut off have left."""
        named = _named(position)
        for path in self.state.iterdir():
            if path.name not in named and _OWN.fullmatch(path.name):
                path.unlink(missing_ok=True)

    def erase(self, name: str) -> int:
        """Take a caller out of states and of rows that wait; return how many of them named it.

        Args:
            name: Of the principal.

        Raises:
            InputError: If the checkpoint is damaged or another Caponier's, or cannot be written.
        """
        position, number, instead = self._kept() or StreamPosition({}, 0), 0, dict[str, str]()
        if position.form != FORM:
            raise InputError(f"has states of form {position.form}", where=str(self.folder), hint=_ANEW)
        for old in sorted(_named(position)):
            new = f"{position.step:09d}-{secrets.token_hex(6)}-erased{Path(old).suffix}"
            try:
                named = without(self.state / old, name, self.state / new)
            except (OSError, ValueError) as damaged:
                raise InputError("is gone or damaged", where=str(self.state / old), hint=_ANEW) from damaged
            number += named
            instead |= {old: new} if named else {}
        own = tuple(one for one in position.own if one[1] != name)
        if instead or own != tuple(position.own):
            files = {shard: [instead.get(one, one) for one in names] for shard, names in position.files.items()}
            waiting = [instead.get(one, one) for one in position.waiting]
            self.write(replace(position, files=files, waiting=waiting, own=own))
        else:
            self.sweep(position)
        return number

    def clear(self) -> None:
        """Forget everything."""
        (self.folder / POSITION).unlink(missing_ok=True)
        shutil.rmtree(self.spark, ignore_errors=True)
        self.sweep(StreamPosition({}, 0))

    def _kept(self) -> StreamPosition | None:
        file = self.folder / POSITION
        try:
            return _position(file.read_bytes()) if file.exists() else None
        except ValueError as damaged:
            raise InputError("is damaged", where=str(file), hint=_ANEW) from damaged


def _named(position: StreamPosition) -> set[str]:
    return {*position.waiting, *(name for names in position.files.values() for name in names)}


def _position(kept: bytes) -> StreamPosition:
    """Return a position as it was kept.

    Raises:
        ValueError: If it is none, or one that no stream writes.
    """
    said = orjson.loads(kept)
    if isinstance(said, dict) and type(form := said.get("form")) is int and form != FORM:
        # Whatever else is in it, it was another Caponier's.
        return StreamPosition({}, 1, form=form)
    if not isinstance(said, dict) or said.keys() != StreamPosition.__dataclass_fields__.keys():
        raise ValueError("of another shape")
    position = _POSITION.validate_json(kept, strict=True)
    numbers = {*position.files, *position.subjects}
    if position.shards < 1 or not numbers <= {str(shard) for shard in range(position.shards)}:
        raise ValueError("of no shards")
    if not all(_OWN.fullmatch(name) and "/" not in name for name in _named(position)):
        raise ValueError("with files of another kind")
    if any(datetime.fromisoformat(since).tzinfo is None for _, _, since in position.own):
        raise ValueError("with times of no zone")
    return position


def made_by(cases: Mapping[str, ModelDetection]) -> dict[str, dict[str, str]]:
    """Return what the states of each model are made with."""
    return {
        model: {
            "a baseline": _digest(case),
            "its scale": hashlib.sha256(case.plan.encoder.knots.tobytes()).hexdigest()[:16],
            **{line.name: str(line.detector.state_version) for line in case.plan.lines},
        }
        for model, case in sorted(cases.items())
    }


def _digest(case: ModelDetection) -> str:
    if case.section is None:
        return _COLD
    return hashlib.sha256(Baseline((case.section,)).to_bytes()).hexdigest()[:16]


def _changes(position: StreamPosition, now: Mapping[str, Mapping[str, str]]) -> list[str]:
    if position.form != FORM:
        return [f"states of form {position.form}, and this Caponier ({__version__}) reads form {FORM}"]
    before = position.made_by
    said = [f"{model} was not watched" for model in now if model not in before]
    said += [f"{model} is not watched any more" for model in before if model not in now]
    for model in sorted(now.keys() & before.keys()):
        old, new = before[model], now[model]
        said += [
            f"{model}: {what} {_was(old.get(what))} and is {_was(new.get(what), now=True)}"
            for what in sorted(old.keys() | new.keys())
            if old.get(what) != new.get(what)
        ]
    return said


def _was(version: str | None, *, now: bool = False) -> str:
    if version is None:
        return "not there" if now else "was not there"
    return version if now else f"was {version}"
