"""What anybody wrote into a contribution stays text in every format."""

import json

from caponier.cli.matrix.review_view import lines, to_github, to_json, to_markdown
from caponier.matrix.contributions.form import ContributionKind
from caponier.matrix.contributions.review import Review, Reviewed
from caponier.matrix.contributions.review_issue import ReviewIssue, ReviewLevel

HOSTILE = "a\n::error::b\r%0A##[c]`d`|<e>\x1b[2J,f:g"
ERROR = ReviewIssue("a.yaml", 3, "evidence[1].date", "it is missing", "Write it.")
LOOK = ReviewIssue("a.yaml", 4, "name", "it is near", "Look.", ReviewLevel.LOOK)


def review(*issues: ReviewIssue, file: str = "a.yaml") -> Review:
    return Review((Reviewed(file, ContributionKind.TECHNIQUE, "amltm-2020", issues, None),))


def test_an_annotation_names_file_line_and_field() -> None:
    assert to_github(review(ERROR, LOOK)).splitlines() == [
        "::error file=a.yaml,line=3,title=evidence[1].date%3A cannot be taken"
        "::evidence[1].date: it is missing. Write it.",
        "::warning file=a.yaml,line=4,title=name%3A valid%2C but somebody has to look::name: it is near. Look.",
    ]
    assert to_github(review()) == ""


def test_hostile_words_are_one_annotation() -> None:
    hostile = ReviewIssue(HOSTILE, 1, HOSTILE, HOSTILE, HOSTILE)
    (line,) = to_github(review(hostile)).splitlines()
    head, message = line.removeprefix("::error ").split("::", 1)
    properties = dict(part.split("=", 1) for part in head.split(","))
    assert set(properties) == {"file", "line", "title"}
    assert properties["line"] == "1"
    assert "##[" not in line
    assert "%0A" not in line
    assert "%250A" in message
    assert "\x1b" not in line


def test_hostile_words_are_no_markup() -> None:
    text = to_markdown(review(ReviewIssue(HOSTILE, 1, HOSTILE, HOSTILE, HOSTILE), file=HOSTILE))
    assert len(text.splitlines()) == 9
    assert "<e>" not in text
    assert "\x1b" not in text
    rows = [line for line in text.splitlines() if "error" in line]
    assert [row.replace("\\|", "").count("|") for row in rows] == [4, 6]


def test_hostile_words_are_lines_of_their_own_on_a_terminal() -> None:
    told = lines(review(ReviewIssue(HOSTILE, 1, HOSTILE, HOSTILE, HOSTILE)))
    assert len(told) == 2
    for line in told:
        assert line.plain.isprintable()
        assert not line.plain.startswith("::")


def test_what_is_good_has_a_line_too() -> None:
    assert [line.plain for line in lines(review())] == ["a.yaml: nothing found"]
    assert lines(review(ERROR))[0].plain == "a.yaml:3: evidence[1].date: error: it is missing"


def test_json_says_all() -> None:
    plain = json.loads(to_json(review(ERROR, LOOK)))
    assert (plain["schema"], plain["verdict"]) == ("caponier.review/1", "error")
    (file,) = plain["files"]
    assert (file["file"], file["kind"], file["matrix"], file["verdict"]) == (
        "a.yaml",
        "technique",
        "amltm-2020",
        "error",
    )
    assert file["objections"][0] == {
        "line": 3,
        "field": "evidence[1].date",
        "weight": "error",
        "what": "it is missing",
        "mend": "Write it.",
    }
    assert json.loads(to_json(review()))["verdict"] == "good"
    assert json.loads(to_json(review(LOOK)))["verdict"] == "look"


def test_a_summary_does_not_grow_without_end() -> None:
    text = to_markdown(review(*[ERROR] * 700))
    assert len(text.splitlines()) < 520
    assert "And 200 more." in text
