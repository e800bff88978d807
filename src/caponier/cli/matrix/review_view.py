"""A review as lines for people, JSON, a Markdown summary, or annotations of a GitHub workflow."""

from collections.abc import Iterator
from typing import Any, Final

from rich.text import Text

from caponier.cli.terminal.listing import Listing, ListingColumn
from caponier.cli.terminal.output import json_text
from caponier.formats.safe_text import plain
from caponier.matrix.contributions.review import Review, Reviewed
from caponier.matrix.contributions.review_issue import ReviewIssue, ReviewLevel

SCHEMA: Final = "caponier.review/1"
_WORDS: Final = {
    ReviewLevel.ERROR: "cannot be taken",
    ReviewLevel.LOOK: "valid, but somebody has to look",
    None: "nothing found",
}
_STYLES: Final = {ReviewLevel.ERROR: "bold red", ReviewLevel.LOOK: "yellow"}
_COMMANDS: Final = {ReviewLevel.ERROR: "error", ReviewLevel.LOOK: "warning"}
_FILES: Final[Listing[Reviewed]] = Listing(
    [
        ListingColumn("file", lambda one: one.file),
        ListingColumn("kind", lambda one: one.kind.value if one.kind else "unknown"),
        ListingColumn("verdict", lambda one: _WORDS[one.level]),
    ]
)
_ISSUES: Final[Listing[ReviewIssue]] = Listing(
    [
        ListingColumn("where", lambda one: f"{one.file}:{one.line}"),
        ListingColumn("field", lambda one: one.field),
        ListingColumn("", lambda one: one.level.value),
        ListingColumn("what", lambda one: one.what),
        ListingColumn("how to fix it", lambda one: one.hint),
    ]
)
_MOST_ROWS: Final = 500
"""Rows of a Markdown summary, which a workflow cuts off at 1 MiB."""


def lines(review: Review) -> list[Text]:
    """Return a line an issue, as compilers write them, and how to fix it below; none is to be broken."""
    told: list[Text] = []
    for one in review.issues:
        head = Text(f"{plain(one.file)}:{one.line}: ")
        head.append(plain(one.field), "bold")
        head.append(": ").append(one.level.value, _STYLES[one.level]).append(f": {plain(one.what)}")
        told += [head, Text(f"    {plain(one.hint)}", "dim")]
    return told + [Text(f"{plain(one.file)}: nothing found") for one in review.files if not one.issues]


def to_json(review: Review) -> str:
    """Return the document `caponier.review/1`."""
    return json_text(
        {
            "schema": SCHEMA,
            "verdict": _verdict(review.level),
            "files": [_file(one) for one in review.files],
        }
    )


def to_markdown(review: Review) -> str:
    """Return a summary with a row an issue."""
    told = f"# Review of contributions to the matrix\n\n{_FILES.to_markdown(review.files)}"
    if review.issues:
        told += f"\n{_ISSUES.to_markdown(review.issues[:_MOST_ROWS])}"
    if (more := len(review.issues) - _MOST_ROWS) > 0:
        told += f"\nAnd {more:,} more.\n"
    return told


def to_github(review: Review) -> str:
    """Return an annotation an issue: workflow commands, in which nothing of a file is a command of its own."""
    return "".join(f"{line}\n" for line in _annotations(review))


def _annotations(review: Review) -> Iterator[str]:
    for one in review.issues:
        title = f"{one.field}: {_WORDS[one.level]}"
        places = f"file={_property(one.file)},line={one.line},title={_property(title)}"
        yield f"::{_COMMANDS[one.level]} {places}::{_data(f'{one.field}: {one.what}. {one.hint}')}"


def _data(text: str) -> str:
    # `##[` begins a command of the older kind, anywhere in a line.
    whole = plain(text).replace("##[", "## [")
    return whole.replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _file(one: Reviewed) -> dict[str, Any]:
    return {
        "file": one.file,
        "kind": one.kind.value if one.kind else None,
        "matrix": one.version or None,
        "verdict": _verdict(one.level),
        "objections": [_issue(issue) for issue in one.issues],
    }


def _issue(one: ReviewIssue) -> dict[str, Any]:
    return {"line": one.line, "field": one.field, "weight": one.level.value, "what": one.what, "mend": one.hint}


def _verdict(level: ReviewLevel | None) -> str:
    return level.value if level else "good"
