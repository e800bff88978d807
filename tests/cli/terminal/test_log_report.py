"""What a command says of what it could not do."""

from rich.console import Console

from caponier.cli.terminal.log_report import say_notes
from caponier.records.skip import Skip


def told(*notes: str) -> list[str]:
    console = Console(record=True, width=500, quiet=False)
    with console.capture() as said:
        say_notes(console, notes)
    return said.get().splitlines()


def test_detectors_that_lack_the_same_stand_together_below_their_model() -> None:
    assert told(
        "m: one does not run; no event has feedback; log it",
        "the clock goes wrong",
        "m: two does not run; no event has feedback; log it",
        "other: one is left out; it needs --training-set",
        "m: three runs with built-in thresholds; there is no baseline",
    ) == [
        "note: the clock goes wrong",
        "m: 2 optional detectors do not run:",
        "  one, two: no event has feedback; log it",
        "other: 1 optional detector does not run:",
        "  one: it needs --training-set",
        "m: 1 detector runs with built-in thresholds:",
        "  three: there is no baseline",
    ]


def test_detectors_that_were_skipped_stand_in_the_same_form_and_what_else_was_below() -> None:
    console = Console(width=500)
    with console.capture() as said:
        say_notes(
            console,
            ["m: one does not run; no event has feedback"],
            [Skip("m: two", "no scores"), Skip("m: three", "no scores"), Skip("b.parquet", "is broken")],
        )
    assert said.get().splitlines() == [
        "m: 2 detectors do not run, so not everything was checked:",
        "  two, three: no scores",
        "m: 1 optional detector does not run:",
        "  one: no event has feedback",
        "not checked: b.parquet: is broken",
    ]


def test_without_notes_nothing_is_said() -> None:
    assert told() == []
