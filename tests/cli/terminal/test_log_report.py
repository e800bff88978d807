"""What a command says of what it could not do."""

from rich.console import Console

from caponier.cli.terminal.log_report import say_notes


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
        "note: m: 2 detectors do not run:",
        "  one, two: no event has feedback; log it",
        "note: other: 1 detector does not run:",
        "  one: it needs --training-set",
        "note: m: 1 detector runs with built-in thresholds:",
        "  three: there is no baseline",
    ]


def test_without_notes_nothing_is_said() -> None:
    assert told() == []
