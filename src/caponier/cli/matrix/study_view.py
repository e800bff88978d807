"""Case studies on a terminal: the card of one with its steps in order, and a list of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from caponier.cli.matrix.view import fields, mark, style
from caponier.cli.terminal.listing import Listing, ListingColumn
from caponier.cli.terminal.output import Format, write_table, write_text
from caponier.formats.markdown import one_line
from caponier.matrix.case_study import CaseStudy, StudyStep
from caponier.matrix.evidence import StudyType
from caponier.matrix.versions.catalogue import Matrix
from caponier.matrix.writers import studies
from caponier.matrix.writers.studies import tactic_name, technique_name

STUDIES: Final[Listing[CaseStudy]] = Listing(
    [
        ListingColumn("id", lambda study: one_line(study.id), whole=True, head="Case study"),
        ListingColumn("when", lambda study: one_line(study.when), whole=True, head="When"),
        ListingColumn("kind", lambda study: study.type.value, head="Kind"),
        ListingColumn("name", lambda study: one_line(study.name), head="Name"),
        ListingColumn("target", lambda study: one_line(study.target), head="Target"),
    ],
    wide=True,
    edge=True,
    folded=True,
)

_KIND_WORDS = {StudyType.INCIDENT: "a real attacker", StudyType.EXERCISE: "a red team or researchers"}


class StudyCard:
    """Everything about one case study: what, who, when, on which system, and how, step by step."""

    def __init__(self, matrix: Matrix, study: CaseStudy) -> None:
        self.matrix = matrix
        self.study = study

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        study = self.study
        yield Text(f"{one_line(study.id)}  {one_line(study.name)}", style="bold")
        yield fields(_known(study))
        yield Text()
        yield self._steps(options.ascii_only)
        if study.references:
            yield fields([("Read", "\n".join(map(one_line, study.references)))])

    def _steps(self, ascii_only: bool) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        table.add_column("Step", justify="right")
        for head in ("Tactic", "Id", "Technique"):
            table.add_column(head, no_wrap=head == "Id", overflow="fold")
        told = any(step.summary for step in self.study.steps)
        if told:
            table.add_column("What they did", overflow="fold")
        for place, step in enumerate(self.study.steps, 1):
            table.add_row(str(place), *self._cells(step, ascii_only), *([Text(one_line(step.summary))] if told else []))
        return table

    def _cells(self, step: StudyStep, ascii_only: bool) -> Iterator[Text]:
        yield Text(one_line(tactic_name(self.matrix, step.tactic)))
        yield Text(one_line(step.technique))
        known = self.matrix.technique(step.technique) if step.technique in self.matrix else None
        name = Text(one_line(technique_name(self.matrix, step.technique)))
        if known and known.color:
            yield Text.assemble((f"{mark(known, ascii_only)} ", style(known)), name)
        else:
            yield name


def study_list(listed: Sequence[CaseStudy]) -> RenderableType:
    """List case studies one a line: id, date, kind, name and target."""
    if not listed:
        return Group()
    return STUDIES.table(listed)


def _known(study: CaseStudy) -> Iterator[tuple[str, str | None]]:
    yield "What", one_line(study.summary)
    yield "Who", one_line(", ".join(study.actors))
    yield "Target", one_line(study.target)
    yield "When", study.when
    yield "Kind", f"{study.type.value}: {_KIND_WORDS[study.type]}"
    yield "Strategy", f"{study.strategy.value}: {study.strategy.words}" if study.strategy else None
    yield "Disclosed", one_line(study.disclosure.told) if study.disclosure else None
    yield "Same as", study.same_as
    yield "Address", None if study.references else study.url


def write_study(matrix: Matrix, study: CaseStudy, chosen: Format, out: Path | None) -> None:
    """Write everything about one case study in the chosen format."""
    if chosen is Format.TABLE:
        write_table(StudyCard(matrix, study), out)
    elif chosen is Format.MARKDOWN:
        write_text(studies.to_markdown(matrix, study), out)
    else:
        write_studies(matrix, [study], chosen, out)


def write_studies(matrix: Matrix, listed: Sequence[CaseStudy], chosen: Format, out: Path | None) -> None:
    """Write a list of case studies in the chosen format."""
    if chosen is Format.TABLE:
        write_table(study_list(listed), out)
    elif chosen is Format.JSON:
        write_text(studies.to_json(matrix, listed), out)
    elif chosen is Format.MARKDOWN:
        write_text(studies.to_markdown_list(matrix, listed), out)
    else:
        write_text(studies.to_csv(listed), out)
