"""A contribution file written field by field: known values, and blanks that say what to write there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import yaml

from caponier.errors import InputError
from caponier.matrix.contributions.form import ROWS, SCHEMA, ContributionKind, Field, Holds, form_for
from caponier.matrix.versions.catalogue import Matrix

Values = Mapping[str, Any]
"""Texts and lists of texts by key of the form, and lists of such under a key that holds rows."""

_HEADS: Final = {
    ContributionKind.TECHNIQUE: "A new technique.",
    ContributionKind.EVIDENCE: "Evidence for a technique.",
    ContributionKind.CASE_STUDY: "A case study.",
}
_RULES: Final = (
    "Only what is known enters: a public, dated source that shows it on a real system, with permission or disclosure.",
    "Write everything in your own words. Nothing here ranks a risk or advises a defence.",
    "Review it with: caponier matrix review FILE",
)


def fill_in(kind: ContributionKind, matrix: Matrix, values: Values) -> tuple[str, tuple[str, ...]]:
    """Write a contribution.

    Args:
        kind: What is contributed.
        matrix: The version that it is for.
        values: What is known.

    Returns:
        The file, and the names of the required fields that are still blank.

    Raises:
        InputError: If a text is not Unicode.
    """
    blanks: list[str] = []
    lines = [f"# {line}" for line in (_HEADS[kind], *_RULES)]
    lines += [f"schema: {SCHEMA}", f"kind: {kind}", f"matrix: {_quoted(matrix.version)}"]
    for field in form_for(kind, matrix.kind):
        lines += _field(field, values, "", blanks)
    return "\n".join(lines) + "\n", tuple(blanks)


def _field(field: Field, values: Values, path: str, blanks: list[str]) -> Iterator[str]:
    value = values.get(field.key)
    if field.holds is Holds.ROWS:
        yield f"{field.key}:  # {field.asks}"
        for number, row in enumerate(value or ({},), 1):
            yield from _row(ROWS[field.key], row, f"{path}{field.key}[{number}].", blanks)
        return
    if value:
        yield f"{field.key}: {_value(value)}"
        return
    if field.required:
        blanks.append(f"{path}{field.key}")
    optional = "" if field.required else "optional; "
    several = "; a list: [one, another]" if field.several else ""
    yield f"{field.key}:  # {optional}{field.asks}{_choices(field)}{several}"


def _row(form: Sequence[Field], row: Values, path: str, blanks: list[str]) -> Iterator[str]:
    first = "- "
    for field in form:
        for line in _field(field, row, path, blanks):
            yield f"{first}{line}"
            first = "  "


def _choices(field: Field) -> str:
    told = all(choice in field.asks for choice in field.choices)
    return "" if told else f": {', '.join(field.choices)}"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    return f"[{', '.join(map(_quoted, value))}]"


def _quoted(text: str) -> str:
    """Return a text as YAML on one line: plain where that is safe to read, else in quotes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"a text is not Unicode: {text[:60]!a}", hint="Give the texts as UTF-8.") from None
    written: str = yaml.safe_dump(text, default_flow_style=True, allow_unicode=True, width=float("inf"))
    plain = written.removesuffix("\n...\n").removesuffix("\n")
    if "\n" not in plain and plain == text and not set(text) & set("[]{},#:"):
        return plain
    quoted: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=float("inf"))
    return quoted.removesuffix("\n")
