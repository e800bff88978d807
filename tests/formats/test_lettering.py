"""No text is drawn wider than it is measured, and none is broken wider than its room."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.formats.lettering import BOLD, width, wrapped
from caponier.matrix.versions.catalogue import load

few = settings(deadline=None)
letters = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc", "Cs"]))
NAMES = [entry.name for version in ("amltm-2020", "atlas-5.6") for entry in load(version).techniques]


@pytest.mark.parametrize(("file", "factor"), [("DejaVuSans.ttf", 1.0), ("DejaVuSans-Bold.ttf", BOLD)])
def test_the_widest_usual_font_is_no_wider_than_measured(file: str, factor: float) -> None:
    fonts = pytest.importorskip("PIL.ImageFont")
    try:
        font = fonts.truetype(file, 1000)
    except OSError:
        pytest.skip(f"no {file} on this machine")
    for text in [*NAMES, *map(chr, range(32, 127)), "ÄÖÜäöüßéñ", "\N{EM DASH}\N{MIDDLE DOT}\N{CHECK MARK}"]:
        assert font.getlength(text) <= width(text, 1000) * factor


@few
@given(text=letters, room=st.floats(15, 400))
def test_no_line_is_wider_than_its_room(text: str, room: float) -> None:
    assert all(width(line, 12) <= room for line in wrapped(text, room, 12))


@few
@given(text=letters, room=st.floats(15, 400))
def test_nothing_is_lost_in_breaking(text: str, room: float) -> None:
    lines = wrapped(text, room, 12)
    assert lines
    assert "".join("".join(lines).split()) == "".join(text.split())
    if text.split():
        assert all(lines)


@few
@given(text=letters)
def test_wide_rooms_do_not_break(text: str) -> None:
    assert wrapped(text, 1e9, 12) == [" ".join(text.split())]


def test_words_stay_whole_where_they_fit() -> None:
    assert wrapped("Pre-Trained ML Model with Backdoor", 130, 12) == ["Pre-Trained ML", "Model with Backdoor"]
    assert wrapped("a" * 30, 60, 12) == ["aaaaaaa"] * 4 + ["aa"]
    assert wrapped("", 60, 12) == [""]


def test_letters_that_nobody_measured_are_as_wide_as_they_are_high() -> None:
    assert width("\u754c\u754c", 10) == 20
