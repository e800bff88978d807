"""Pickles: one or several in a row, joblib's with raw arrays, and torch's old format with raw storages."""

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from caponier.detect.model_files.files.part import ArchiveMember, Budget, PartReport
from caponier.detect.model_files.pickles.ledger import Ledger, Use
from caponier.detect.model_files.pickles.machine import Machine
from caponier.detect.model_files.pickles.rules import AllowLevel, GlobalRole, Rules
from caponier.detect.model_files.pickles.stream import BrokenError, LimitError
from caponier.detect.model_files.pickles.values import Box

_MAGIC: Final = 0x1950A86A20F9469CFC6C
"""The number that torch's old format begins with."""
_LEGACY_PICKLES: Final = 5
_MOST_REASONS: Final = 5
_MOST_BY_CHANCE: Final = 100_000
"""Instructions in a row that numbers may look like."""
_SCRIPT: Final = "__torch__."
"""Where TorchScript keeps the classes of a program; Python has no such module."""
ELEMENT_BYTES: Final = {
    "BFloat16Storage": 2,
    "BoolStorage": 1,
    "ByteStorage": 1,
    "CharStorage": 1,
    "ComplexDoubleStorage": 16,
    "ComplexFloatStorage": 8,
    "DoubleStorage": 8,
    "FloatStorage": 4,
    "HalfStorage": 2,
    "IntStorage": 4,
    "LongStorage": 8,
    "ShortStorage": 2,
    "QInt32Storage": 4,
    "QInt8Storage": 1,
    "QUInt8Storage": 1,
    "UntypedStorage": 1,
}

_WORDS: Final = {
    GlobalRole.NAME: "names",
    GlobalRole.CALL: "calls",
    GlobalRole.NEW: "creates",
    GlobalRole.BUILD: "sets the state of",
    GlobalRole.ITEMS: "adds to",
}


@dataclass
class PickleReport:
    """What came of reading pickles in a row."""

    ledger: Ledger
    pickles: int = 0
    end: int = 0
    """The byte after the last complete pickle."""
    broken: str | None = None
    """Why the row did not end with a complete pickle."""
    exceeded: bool = False
    arrays: bool = False
    values: list[Any] = field(default_factory=list)

    @property
    def is_legacy_torch(self) -> bool:
        """Whether these are the pickles of torch's old format."""
        return bool(self.values) and self.values[0] == _MAGIC


def follow(
    content: memoryview,
    budget: Budget,
    rules: Rules,
    *,
    joblib: bool = True,
    bare: bool = False,
    own: str | None = None,
) -> PickleReport:
    """Follow all pickles in a row from the first byte on; for the words see `Machine` and `Ledger`."""
    report = PickleReport(Ledger(budget.limits, budget.expense, own))
    size = len(content)
    while report.end < size and not (report.is_legacy_torch and report.pickles == _LEGACY_PICKLES):
        machine = Machine(content, report.end, rules, report.ledger, joblib=joblib, bare=bare)
        try:
            report.end = machine.run()
        except BrokenError as broken:
            report.broken = str(broken)
        except LimitError as limit:
            report.broken, report.exceeded = str(limit), True
        report.arrays |= machine.arrays > 0
        if report.broken:
            break
        report.pickles += 1
        report.values.append(machine.result)
    return report


def read(content: memoryview, budget: Budget, *, certain: bool) -> PartReport | None:
    """Read pickles.

    Args:
        content: The bytes.
        budget: What is left of the file's limits.
        certain: Whether this must be a pickle; otherwise content that does not act like one is none.

    Returns:
        The report, or None if this is no pickle.
    """
    report = follow(content, budget, budget.rules)
    if not certain and not _acts_like_one(content, report):
        return None
    return _part(content, budget, report, None)


def would_run(content: memoryview, budget: Budget) -> bool:
    """Return whether content is a pickle that runs, or loads, what is not on the allow list. Chance makes none such."""
    most = min(budget.limits.opcodes, budget.expense.opcodes + _MOST_BY_CHANCE)
    short = replace(budget, limits=replace(budget.limits, opcodes=most))
    reports = (follow(content, short, budget.rules, joblib=joblib) for joblib in (True, False))
    return any(
        report.exceeded or report.ledger.invoked or report.ledger.unsafe or report.ledger.embedded for report in reports
    )


def read_torch(
    content: memoryview, budget: Budget, storages: Collection[str], *, script: bool = False
) -> tuple[PartReport, dict[str, tuple[str, int]]]:
    """Read the pickle of a torch archive.

    Args:
        content: The bytes.
        budget: What is left of the file's limits.
        storages: Keys of the storages that lie beside it.
        script: Whether it belongs to a TorchScript program, whose own classes only TorchScript can make.

    Returns:
        The report, and the storages that it refers to: the type's name and the number of elements.
    """
    report = follow(content, budget, budget.rules, joblib=False, own=_SCRIPT if script else None)
    return _part(content, budget, report, storages), report.ledger.storages


def carries(views: Collection[memoryview], budget: Budget, part: PartReport, depth: int = 0) -> None:
    """Say what pickles would run that lie in values: nothing loads them with the file."""
    for view in views:
        most = min(budget.limits.opcodes, budget.expense.opcodes + _MOST_BY_CHANCE)
        report = follow(view, replace(budget, limits=replace(budget.limits, opcodes=most)), budget.rules)
        worst = report.ledger.unsafe[:1]
        if worst and worst[0].standing is AllowLevel.DANGEROUS:
            part.unsafe.append(f"carries a pickle as a value that {_sentences(worst)[0]}")
        elif worst or report.ledger.foreign or report.exceeded or report.ledger.embedded:
            part.unknown.append("carries a pickle as a value that runs what is not on the allow list")
        elif depth >= budget.limits.depth and report.ledger.carried:
            part.unknown.append("carries pickles in pickles, more deeply than a scan looks")
        else:
            carries(report.ledger.carried, budget, part, depth + 1)
        if len(part.unsafe) + len(part.unknown) >= _MOST_REASONS:
            return


def _part(content: memoryview, budget: Budget, report: PickleReport, storages: Collection[str] | None) -> PartReport:
    uses = list(report.ledger.uses.values())
    part = PartReport(
        _kind(report, storages), globals=report.ledger.globals, stops=_stops(report), passed=report.ledger.passed
    )
    loaded = report.ledger.embedded
    if report.arrays:
        # Loaded with plain pickle, the arrays' bytes would be instructions, and the memo would hold other things.
        plain = follow(content, budget, budget.rules, joblib=False, bare=True)
        # Torch goes on where plain pickle stops, at an object outside of the file: what it then does counts as well.
        torch = follow(content, budget, budget.rules, joblib=False)
        dangerous = [use for use in torch.ledger.uses.values() if use.standing is AllowLevel.DANGEROUS]
        uses += dangerous
        others = [use for use in torch.ledger.unsafe if use not in dangerous]
        foreign = [use for use in torch.ledger.foreign if (use.what, use.role) not in report.ledger.uses]
        part.unknown += _otherwise(plain, set(report.ledger.doubts), others, foreign)
        loaded += torch.ledger.embedded
    part.members = _embedded(loaded)
    carries(report.ledger.carried, budget, part)
    _note_uses(part, uses)
    part.unknown += report.ledger.doubts
    part.unknown += _endings(content, report, storages)
    return part


def storage_bytes(kind: str, count: int) -> int | None:
    """Return the bytes of a torch storage, or None if its type is not known."""
    size = ELEMENT_BYTES.get(kind)
    return None if size is None or count < 0 else size * count


def _acts_like_one(content: memoryview, report: PickleReport) -> bool:
    ledger = report.ledger
    if ledger.invoked or ledger.unsafe or report.exceeded or ledger.embedded or (ledger.doubts and ledger.globals):
        return True
    if ledger.knows:
        # No text names what is on the list by chance; where this reading stopped, another one may go on.
        return True
    if len(content) > 1 and content[0] == 0x80 and content[1] <= 5:
        return True
    # Any text that begins with a full stop after one instruction would be a pickle.
    return report.pickles > 0 and (report.end == len(content) or bool(report.ledger.globals))


def _kind(report: PickleReport, storages: Collection[str] | None) -> str:
    if storages is not None:
        return "torch pickle"
    if report.is_legacy_torch:
        return "torch (old format)"
    return "joblib" if report.arrays else "pickle"


def _note_uses(part: PartReport, uses: list[Use]) -> None:
    invoked = {use.what for use in uses if use.invoked}
    unsafe = sorted(
        (use for use in uses if use.unsafe and (use.invoked or use.what not in invoked)),
        key=lambda use: (-use.standing, not use.invoked, use.at, use.what),
    )
    part.unsafe += _sentences(unsafe)
    part.certain = any(use.standing is AllowLevel.DANGEROUS for use in unsafe)
    condemned = {use.what for use in unsafe}
    part.unknown += _foreign([use for use in uses if use.foreign and use.what not in condemned])
    part.unknown += _sentences(
        [use for use in uses if use.standing is AllowLevel.UNLISTED and not use.unsafe and use.what not in condemned]
    )


def _foreign(uses: list[Use]) -> list[str]:
    """Say which classes of somebody's own are created, and what would make them known."""
    roles: dict[str, set[GlobalRole]] = {}
    for use in uses:
        roles.setdefault(use.what, set()).add(use.role)
    sentences = [
        f"creates {what}, which is not on the allow list: once its code was read, an entry in allowed-names.yaml makes "
        f"it known, with a reason and the roles {', '.join(role for role in GlobalRole if role in roles[what])}"
        for what in list(roles)[:_MOST_REASONS]
    ]
    return [*sentences, f"and {len(roles) - _MOST_REASONS:,} more classes"] if len(roles) > _MOST_REASONS else sentences


def _sentences(uses: list[Use]) -> list[str]:
    sentences = []
    for use in uses[:_MOST_REASONS]:
        known = "known to be dangerous" if use.standing is AllowLevel.DANGEROUS else "not on the allow list"
        sentences.append(f"{_WORDS[use.role]} {use.what}, which is {known}")
    if len(uses) > _MOST_REASONS:
        sentences.append(f"and {len(uses) - _MOST_REASONS:,} more")
    return sentences


def _otherwise(plain: PickleReport, known: set[str], others: list[Use], foreign: list[Use]) -> Iterator[str]:
    """Say what is not clean about a joblib file where plain pickle or torch reads it."""
    doubts = [doubt for doubt in plain.ledger.doubts if doubt not in known]
    limits = [plain.broken] if plain.exceeded and plain.broken else []
    for text in [*_sentences(others), *_foreign(foreign), *doubts[:_MOST_REASONS], *limits]:
        yield f"loaded with pickle instead of joblib, it {text}"


def _stops(report: PickleReport) -> bool:
    """Return whether every unpickler stops before anything was named, called or loaded."""
    return report.broken is not None and not (report.exceeded or report.pickles or report.ledger.globals)


def _embedded(loaded: list[memoryview]) -> Iterator[ArchiveMember]:
    return (ArchiveMember(f"embedded {number}", view) for number, view in enumerate(loaded, 1))


def _endings(content: memoryview, report: PickleReport, storages: Collection[str] | None) -> Iterator[str]:
    """Say what is wrong with the end of the row, and with storages that are not there."""
    if report.broken and report.pickles and not report.exceeded:
        yield f"{len(content) - report.end:,} bytes follow the last pickle, which are none"
    elif report.broken:
        yield f"the pickle {report.broken}"
    needed = report.ledger.storages
    if storages is not None:
        missing = len(set(needed) - set(storages))
        if missing:
            yield f"refers to {missing:,} storages that are not in the archive"
    elif report.is_legacy_torch:
        yield from _legacy_storages(content, report)
    elif needed:
        yield "refers to tensor storages, and is no torch file"


def _legacy_storages(content: memoryview, report: PickleReport) -> Iterator[str]:
    """Check that exactly the storages follow that torch's old format announces."""
    keys = report.values[-1] if report.pickles == _LEGACY_PICKLES else None
    if not isinstance(keys, Box) or not all(isinstance(key, str | int) for key in keys.items):
        yield "the list of storages is none"
        return
    if set(map(str, keys.items)) != set(report.ledger.storages):
        yield "the list of storages is not what the tensors refer to"
        return
    at = report.end
    for key in keys.items:
        size = storage_bytes(*report.ledger.storages[str(key)])
        if size is None or at + 8 + size > len(content):
            yield "ends early: storages are missing"
            return
        (count,) = struct.unpack("<q", content[at : at + 8])
        if count != report.ledger.storages[str(key)][1]:
            yield "a storage has another length than its tensor says"
            return
        at += 8 + size
    if at != len(content):
        yield f"{len(content) - at:,} bytes follow the last storage"
