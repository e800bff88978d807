"""A contribution as it was filled in: texts and rows by key, with the line of each, as far as they could be read."""

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from caponier.formats.suggest import did_you_mean, nearest
from caponier.matrix.contributions import public_address
from caponier.matrix.contributions.form import FORMS, HEAD, ROWS, ContributionKind, Field, Holds
from caponier.matrix.contributions.refused_keys import refusal
from caponier.matrix.contributions.review_issue import ReviewIssue, ReviewLevel
from caponier.matrix.contributions.tree import FormNode, UnreadableError, parse, shown
from caponier.matrix.evidence import Precision

_DATE: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_TEMPLATE: Final = re.compile(
    r"\b(TODO|TBD|FIXME|XXX)\b|<[^<>]{1,200}>|\blorem ipsum\b|^[.\u2026?_ -]+$", re.IGNORECASE
)
_RESEARCH: Final = re.compile(r"research|paper|theor|simulat|proof.of.concept|poc|study|lab", re.IGNORECASE)
_MOST_ISSUES: Final = 200
_SEVERAL_LINES: Final = 1000


@dataclass(frozen=True, slots=True)
class ContributionForm:
    """A filled form, or one row of a list in it."""

    file: str
    line: int
    path: str = ""
    """What stands before the key of a field: `evidence[1].` in a row."""
    values: dict[str, FormNode] = field(default_factory=dict)
    """Texts, and lists of texts, that are as the form wants them."""
    lines: dict[str, int] = field(default_factory=dict)
    """Where each key stands, also one with nothing behind it."""
    rows: dict[str, "tuple[ContributionForm, ...]"] = field(default_factory=dict)

    def text(self, key: str) -> str:
        """Return a text; empty if there is none that could be read."""
        branch = self.values.get(key)
        return branch.value if branch and isinstance(branch.value, str) else ""

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; empty if there is none that could be read."""
        branch = self.values.get(key)
        parts = branch.value if branch and isinstance(branch.value, tuple) else ()
        return tuple(part.value for part in parts if isinstance(part.value, str))

    def line_of(self, key: str, number: int | None = None) -> int:
        """Return where a field stands, or its entry of that number from 1; where the sheet does if it is not there."""
        branch = self.values.get(key)
        if branch is None:
            rows = self.rows.get(key)
            return rows[0].line if rows else self.lines.get(key, self.line)
        parts = branch.value if isinstance(branch.value, tuple) else ()
        return parts[number - 1].line if number and number <= len(parts) else branch.line

    def object(
        self, key: str, what: str, hint: str, *, number: int | None = None, level: ReviewLevel = ReviewLevel.ERROR
    ) -> ReviewIssue:
        """Return an issue to a field, or to its entry of that number from 1."""
        name = f"{self.path}{key}" + (f"[{number}]" if number else "")
        return ReviewIssue(self.file, self.line_of(key, number), name, what, hint, level)

    @property
    def kind(self) -> ContributionKind:
        """What is contributed."""
        return ContributionKind(self.text("kind"))


def read_sheet(path: Path) -> tuple[ContributionForm | None, list[ReviewIssue]]:
    """Read a contribution as far as it can be read, and everything that is wrong with it by itself.

    Returns:
        The sheet, None if the file does not even say what it contributes; and the issues, by line.
    """
    try:
        tree, issues = parse(path)
    except UnreadableError as unreadable:
        return None, [unreadable.issue]
    assert isinstance(tree.value, dict)  # noqa: S101 - grow returns nothing else, for the type checker
    name, kind = shown(path), tree.value.get("kind")
    known = kind is not None and isinstance(kind.value, str) and _choice(kind.value) in set(ContributionKind)
    form = (*HEAD, *(FORMS[ContributionKind(_choice(str(kind.value)))] if kind and known else ()))
    sheet, found = _Reader(name).read(tree.value, form, ContributionForm(name, 1), strict=known)
    issues = sorted([*issues, *found], key=lambda issue: issue.line)
    return sheet if sheet.text("kind") in set(ContributionKind) else None, _capped(issues)


def day_of(text: str) -> tuple[datetime.date, Precision]:
    """Return the first day of the period that a date names, and how much of it is known.

    Raises:
        ValueError: If it is no date.
    """
    parts = _DATE.fullmatch(text)
    if parts is None:
        raise ValueError(f"{text!r} is no date")
    year, month, day = parts.groups()
    precision = Precision.DAY if day else Precision.MONTH if month else Precision.YEAR
    return datetime.date(int(year), int(month or 1), int(day or 1)), precision


def _choice(text: str) -> str:
    return re.sub(r"[\s_]+", "-", text.casefold())


def _capped(issues: list[ReviewIssue]) -> list[ReviewIssue]:
    if len(issues) <= _MOST_ISSUES:
        return issues
    last = issues[_MOST_ISSUES]
    more = f"and {len(issues) - _MOST_ISSUES} more issues"
    return [*issues[:_MOST_ISSUES], replace(last, field="file", what=more, hint="Correct those above first.")]


class _Reader:
    """Holds a tree against a form."""

    def __init__(self, file: str) -> None:
        self.file = file

    def read(
        self, tree: dict[str, FormNode], form: Sequence[Field], blank: ContributionForm, *, strict: bool = True
    ) -> tuple[ContributionForm, list[ReviewIssue]]:
        """Return the filled sheet and the issues; not strict is silent about keys that the form does not have."""
        fields = {one.key: one for one in form}
        values: dict[str, FormNode] = {}
        rows: dict[str, tuple[ContributionForm, ...]] = {}
        issues: list[ReviewIssue] = []
        for key, branch in tree.items():
            at = ContributionForm(self.file, branch.line, blank.path)
            if key not in fields:
                if strict or refusal(key):
                    issues.append(self._unknown(key, fields, at))
            elif fields[key].holds is Holds.ROWS:
                rows[key], found = self._rows(fields[key], branch, at)
                issues += found
            else:
                issues += (found := list(_check(fields[key], branch, at)))
                if not found and branch.value:
                    values[key] = _normal(fields[key], branch)
        there = {key for key, branch in tree.items() if branch.value}
        issues += [
            ContributionForm(self.file, tree[key].line if key in tree else blank.line, blank.path).object(
                key, "it is missing", f"Write {one.asks}." if not one.choices else _choices(one)
            )
            for key, one in fields.items()
            if one.required and key not in there
        ]
        lines = {key: branch.line for key, branch in tree.items()}
        return replace(blank, values=values, lines=lines, rows=rows), issues

    def _unknown(self, key: str, fields: dict[str, Field], at: ContributionForm) -> ReviewIssue:
        if refused := refusal(key):
            what, hint = refused
            return at.object(key, f"there is no place for this: {what}", hint)
        hint = did_you_mean(nearest(key, fields), otherwise=f"The fields are: {', '.join(fields)}.")
        return at.object(key, "there is no such field", hint)

    def _rows(
        self, one: Field, branch: FormNode, at: ContributionForm
    ) -> tuple[tuple[ContributionForm, ...], list[ReviewIssue]]:
        if not branch.value:
            return (), []
        if not isinstance(branch.value, tuple):
            return (), [at.object(one.key, "it must be a list", f"Write a '-' before each of the {one.key}.")]
        issues: list[ReviewIssue] = []
        if len(branch.value) > one.most:
            issues.append(at.object(one.key, f"there are more than {one.most}", "Keep those that say most."))
        sheets = []
        for number, part in enumerate(branch.value[: one.most], 1):
            blank = ContributionForm(self.file, part.line, f"{at.path}{one.key}[{number}].")
            if not isinstance(part.value, dict):
                keys = ", ".join(field.key for field in ROWS[one.key])
                issues.append(at.object(one.key, f"entry {number} has no fields", f"Its fields are: {keys}."))
                continue
            sheet, found = self.read(part.value, ROWS[one.key], blank)
            sheets.append(sheet)
            issues += found
        return tuple(sheets), issues


def _normal(one: Field, branch: FormNode) -> FormNode:
    if not one.choices or one.key == "schema":
        return branch
    if isinstance(branch.value, str):
        return FormNode(branch.line, _choice(branch.value))
    assert isinstance(branch.value, tuple)  # noqa: S101 - checked before
    return FormNode(branch.line, tuple(FormNode(part.line, _choice(str(part.value))) for part in branch.value))


def _choices(one: Field) -> str:
    return f"Write {' or '.join(one.choices)}: {one.asks}."


def _check(one: Field, branch: FormNode, at: ContributionForm) -> Iterator[ReviewIssue]:
    """Say what is wrong with a text or a list of texts by itself; nothing of one that is empty."""
    if not branch.value:
        return
    if not one.several:
        if not isinstance(branch.value, str):
            yield at.object(one.key, "it must be one text", f"Write {one.asks}.")
        elif told := _wrong(one, branch.value):
            yield at.object(one.key, *told)
        return
    if not isinstance(branch.value, tuple):
        yield at.object(one.key, "it must be a list", f"Write: {one.key}: [one, another]")
        return
    if len(branch.value) > one.most:
        yield at.object(one.key, f"there are more than {one.most}", "Keep those that say most.")
    said: set[str] = set()
    for number, part in enumerate(branch.value, 1):
        here = ContributionForm(at.file, part.line, at.path)
        if not isinstance(part.value, str) or not part.value:
            yield here.object(one.key, "it must be one text", f"Write {one.asks}.", number=number)
        elif told := _wrong(one, part.value):
            yield here.object(one.key, *told, number=number)
        elif part.value in said:
            yield here.object(one.key, "it is there twice", "Keep one of the two.", number=number)
        else:
            said.add(part.value)


def _wrong(one: Field, text: str) -> tuple[str, str] | None:
    """Say what is wrong with a text and how to fix it."""
    if len(text) > one.longest:
        return f"it is longer than {one.longest} letters", "Say it shorter."
    # Only what may be long may have several lines.
    breaks = "\n" if one.longest >= _SEVERAL_LINES and one.holds is Holds.TEXT else ""
    if not all(letter.isprintable() or letter in breaks for letter in text):
        return "it holds line breaks or control characters", "Write plain text, in one line."
    if template := _TEMPLATE.search(text):
        return f"text of a template was left in: {template[0][:40]!r}", f"Write {one.asks}."
    if one.choices:
        return _wrong_choice(one, text)
    if one.holds is Holds.DATE:
        return _wrong_date(text)
    if one.holds in (Holds.ADDRESS, Holds.ADDRESSES) and (why := public_address.issue_to(text)):
        return f"it is no public source: {why}", "Name the page where anybody can read the report."
    return None


def _wrong_choice(one: Field, text: str) -> tuple[str, str] | None:
    if text in one.choices if one.key == "schema" else _choice(text) in one.choices:
        return None
    if one.key == "type" and _RESEARCH.search(text):
        what = "research alone does not enter: the matrix holds what has worked on a real system"
        return what, "Name an incident, or an exercise on a real system."
    return f"{text[:60]!r} is none of its values", _choices(one)


def _wrong_date(text: str) -> tuple[str, str] | None:
    try:
        day, _ = day_of(text)
    except ValueError:
        return f"{text[:40]!r} is no date", "Write it as 2026, 2026-03 or 2026-03-14."
    if day > datetime.date.today():
        return f"{text} is in the future", "Name the day on which it was published or happened."
    if day.year < 1990:
        return f"{text} is before there were such systems", "Name the day on which it was published or happened."
    return None
