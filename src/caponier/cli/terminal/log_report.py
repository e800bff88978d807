"""What a command says of what it could not do, and of the rows that it could not use."""

import re
from collections.abc import Iterable

from rich.console import Console

from caponier.formats.safe_text import plain
from caponier.records.skip import Skip, in_words
from caponier.telemetry.rejections import SHOWN, RejectedRows

FEW = 5
_IDLE = re.compile(r"(?P<model>.+): (?P<detector>\w+) (?:does not run|is left out); (?P<why>.+)")
"""A note on a detector that has nothing to look at; its words are those of `app.inference`."""


def say(console: Console, text: str) -> None:
    """Print a line of text; names in it were written by whoever made the log, so a terminal gets only what is shown."""
    console.print(plain(text), markup=False, soft_wrap=True)


def say_skipped(console: Console, skipped: Iterable[Skip], word: str = "skipped") -> None:
    """Print what was not read, judged or done, with the reason."""
    for words in in_words(skipped):
        say(console, f"{word} {words}")


def say_notes(console: Console, notes: Iterable[str]) -> None:
    """Print a line a note; of detectors that do not run, one a model, with those that lack the same together."""
    lacks: dict[str, dict[str, list[str]]] = {}
    for note in notes:
        if idle := _IDLE.fullmatch(note):
            lacks.setdefault(idle["model"], {}).setdefault(idle["why"], []).append(idle["detector"])
        else:
            say(console, f"note: {note}")
    for model, whys in lacks.items():
        told = "; ".join(f"{', '.join(names)} ({why.replace('; ', ': ')})" for why, names in whys.items())
        many = sum(map(len, whys.values()))
        say(console, f"note: {model}: {many} detector{' does' if many == 1 else 's do'} not run: {told}")


def print_rejected(console: Console, rejected: RejectedRows) -> None:
    """Print how many rows were rejected, for which reasons, the first few, and where all of them are."""
    for words in rejected.told:
        say(console, words)
    if not rejected.count:
        return
    reasons = ", ".join(f"{reason} ({count:,})" for reason, count in rejected.reasons.most_common(FEW))
    say(console, f"{rejected.count:,} row{'' if rejected.count == 1 else 's'} could not be used: {reasons}")
    for rejection in rejected.first[: FEW if rejected.path else SHOWN]:
        say(console, f"  {rejection.file}:{rejection.line}: {rejection.reason}")
    if rejected.path:
        say(console, f"  all of them: {rejected.path}")
    elif rejected.count > SHOWN:
        say(console, "  --rejected FILE takes all of them")
