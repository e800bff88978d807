"""Colours of a terminal in a log."""

from caponier.telemetry.framing.terminal_colours import plain


def test_colours_are_left_out() -> None:
    assert plain(b"\x1b[2m2026-03-07\x1b[0m \x1b[36muser\x1b[0m=\x1b[35malice\x1b[0m") == b"2026-03-07 user=alice"


def test_other_codes_stay() -> None:
    assert plain(b"a\x1b[2Jb\x1b]0;title\x07") == b"a\x1b[2Jb\x1b]0;title\x07"
