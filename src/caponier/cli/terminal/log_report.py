"""What a command says of what it could not do, and of the rows that it could not use."""

import re
from collections.abc import Iterable

from rich.console import Console

from caponier.formats.safe_text import plain
from caponier.records.skip import Skip, in_words
from caponier.telemetry.rejections import SHOWN, RejectedRows

FEW = 5
NOT_CHECKED = "not checked:"
_LIMITED = re.compile(
    r"(?P<model>.+): (?P<detector>\w+) (?:does not run|is left out|runs (?P<how>with built-in thresholds)); (?P<why>.+)"
)
"""A note on a detector that has nothing to look at, or nothing to go by; its words are those of `app.inference`."""
_INCOMPLETE = "incomplete"


def say(console: Console, text: str) -> None:
    """Print a line of text; names in it were written by whoever made the log, so a terminal gets only what is shown."""
    console.print(plain(text), markup=False, soft_wrap=True)


def say_skipped(console: Console, skipped: Iterable[Skip], word: str = NOT_CHECKED) -> None:
    """Print what was not read, judged or done, with the reason."""
    for words in in_words(skipped):
        say(console, f"{word} {words}")


def say_notes(console: Console, notes: Iterable[str], skipped: Iterable[Skip] = ()) -> None:
    """Print a line a note; of detectors that do not run, a list a model, with those that lack the same together.

    Args:
        console: Where to.
        notes: Remarks. Detectors that do not run by these are optional: the exit code does not depend on them.
        skipped: What was not read or judged; detectors among it leave the check incomplete.
    """
    lacks: dict[tuple[str, str], dict[str, list[str]]] = {}
    others: list[Skip] = []
    for skip in skipped:
        model, _, detector = skip.what.rpartition(": ")
        if model and detector.isidentifier():
            lacks.setdefault((model, _INCOMPLETE), {}).setdefault(skip.reason, []).append(detector)
        else:
            others.append(skip)
    for note in notes:
        if limited := _LIMITED.fullmatch(note):
            key = (limited["model"], limited["how"] or "")
            lacks.setdefault(key, {}).setdefault(limited["why"], []).append(limited["detector"])
        else:
            say(console, f"note: {note}")
    for (model, how), whys in lacks.items():
        say(console, f"{model}: {_limits(sum(map(len, whys.values())), how)}:")
        for why, names in whys.items():
            say(console, f"  {', '.join(names)}: {why}")
    say_skipped(console, others)


def _limits(many: int, how: str) -> str:
    s, one = "s" * (many != 1), many == 1
    if how == _INCOMPLETE:
        return f"{many} detector{s} do{'es' if one else ''} not run, so not everything was checked"
    if how:
        return f"{many} detector{s} run{'s' if one else ''} {how}"
    return f"{many} optional detector{s} do{'es' if one else ''} not run"


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
