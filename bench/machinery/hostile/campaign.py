"""Loads generated programs with their own loaders, then has them scanned, and counts what was called clean."""

import hashlib
import pickletools
import random
import shutil
import time
import warnings
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.machinery.hostile.grammar import Grammar, Program, counted
from bench.machinery.hostile.mutations import KINDS, mutated
from bench.machinery.hostile.oracle import Case, fired
from caponier.detect.artifact import Limits, Verdict
from caponier.detect.model_files.files.judge import judge

_ROUND = 500


@dataclass
class Outcome:
    """What came of a campaign."""

    programs: int = 0
    fired: int = 0
    clean_and_fired: list[bytes] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """What the scanner raised."""
    slowest: float = 0.0
    """Seconds."""
    verdicts: Counter[str] = field(default_factory=Counter)
    """Of the programs that fired nothing."""
    classes: Counter[str] = field(default_factory=Counter)
    opcodes: Counter[str] = field(default_factory=Counter)


def run(count: int, seed: int, folder: Path, mutated: float = 0.3) -> Outcome:
    """Build, load and scan so many programs; of them a share is changed at random after it was built."""
    grammar, outcome = Grammar(seed), Outcome()
    for start in range(0, count, _ROUND):
        room = folder / f"round{start}"
        room.mkdir()
        programs = _written(grammar, min(_ROUND, count - start), room, mutated)
        cases = {
            str(number): Case(room / f"{number}.bin", program.loader, room / apart("canary", number))
            for number, program in enumerate(programs)
        }
        truth = fired(cases, room)
        for number, program in enumerate(programs):
            _scan(outcome, program, truth[str(number)])
        outcome.classes += counted(programs)
        shutil.rmtree(room)
    return outcome


def run_mutations(count: int, seed: int, folder: Path) -> Outcome:
    """Change, load and scan so many files, of every format in turn."""
    chance, outcome, kinds = random.Random(seed), Outcome(), sorted(KINDS)
    for start in range(0, count, _ROUND):
        room = folder / f"round{start}"
        room.mkdir()
        programs, cases = [], {}
        for number in range(min(_ROUND, count - start)):
            # A folder each: what is unpacked must not land on other files.
            place = room / apart("place", number)
            place.mkdir()
            program = mutated(kinds[number % len(kinds)], chance, str(place / "canary"))
            cases[str(number)] = Case(place / "file", program.loader, place / "canary")
            cases[str(number)].path.write_bytes(program.content)
            programs.append(program)
        truth = fired(cases, room)
        for number, program in enumerate(programs):
            _scan(outcome, program, truth[str(number)])
        outcome.classes += counted(programs)
        shutil.rmtree(room)
    return outcome


def apart(name: str, number: int) -> str:
    """Return a name that no small change turns into the one of another number: who fired is then certain."""
    return f"{name}-{hashlib.sha256(str(number).encode()).hexdigest()[:12]}"


def _written(grammar: Grammar, count: int, room: Path, mutated: float) -> list[Program]:
    programs = []
    for number in range(count):
        program = grammar.program(str(room / apart("canary", number)))
        if grammar._chance.random() < mutated:
            program.content = grammar.mutated(program.content)
        (room / f"{number}.bin").write_bytes(program.content)
        programs.append(program)
    return programs


def _scan(outcome: Outcome, program: Program, has_fired: bool) -> None:
    outcome.programs += 1
    outcome.fired += has_fired
    start = time.perf_counter()
    try:
        verdict = judge(memoryview(program.content), Limits()).verdict
    except Exception as failed:  # noqa: BLE001 - what a scanner raises is what is looked for
        outcome.broken.append(f"{type(failed).__name__}: {failed}")
        return
    outcome.slowest = max(outcome.slowest, time.perf_counter() - start)
    if has_fired and verdict is Verdict.CLEAN:
        outcome.clean_and_fired.append(program.content)
    elif not has_fired:
        outcome.verdicts[verdict.value] += 1
    with suppress(ValueError), warnings.catch_warnings():
        # Python warns about the escapes in texts that were changed at random.
        warnings.simplefilter("ignore")
        outcome.opcodes.update(code.name for code, _, _ in pickletools.genops(program.content))
