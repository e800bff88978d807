"""`caponier matrix propose`: begin a contribution to a matrix."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from caponier.app.incidents.draft_case_study import draft_case_study
from caponier.app.matrix.propose_contribution import Proposal, propose, write_proposal
from caponier.app.workspace.workspace import require_workspace
from caponier.cli.matrix import options
from caponier.cli.terminal.output import notes, write_text
from caponier.matrix.contributions.form import EVIDENCE, FORMS, ContributionKind, Field

app = typer.Typer(
    add_completion=False,
    help="Draft a contribution: a file with your answers filled in, and blanks for the rest.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="Example: [bold]caponier matrix propose technique --tactic AMLTM.EVADE --out spoofing.yaml[/bold]",
)


def _option(flag: str, key: str, form: tuple[Field, ...]) -> Any:
    field = next(one for one in form if one.key == key)
    return typer.Option(flag, metavar=key.upper(), help=f"{field.asks[:1].upper()}{field.asks[1:]}.")


_TECHNIQUE: Final = FORMS[ContributionKind.TECHNIQUE]
_STUDY: Final = FORMS[ContributionKind.CASE_STUDY]

Source = Annotated[str | None, _option("--source", "source", EVIDENCE)]
Title = Annotated[str | None, _option("--title", "title", EVIDENCE)]
Published = Annotated[str | None, _option("--date", "date", EVIDENCE)]
Result = Annotated[str | None, _option("--result", "result", EVIDENCE)]
System = Annotated[str | None, _option("--system", "system", EVIDENCE)]
Type = Annotated[str | None, _option("--type", "type", EVIDENCE)]
How = Annotated[str | None, _option("--disclosure", "disclosure", EVIDENCE)]
HowWords = Annotated[str | None, _option("--disclosure-words", "disclosure_words", EVIDENCE)]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write into a new file instead of printing.")]


@app.command(
    "technique",
    epilog="Example: [bold]caponier matrix propose technique --tactic AMLTM.EVADE --out spoofing.yaml[/bold]",
)
def technique(
    name: Annotated[str | None, _option("--name", "name", _TECHNIQUE)] = None,
    tactic: Annotated[list[str] | None, _option("--tactic", "tactics", _TECHNIQUE)] = None,
    id_: Annotated[str | None, _option("--id", "id", _TECHNIQUE)] = None,
    parent: Annotated[str | None, _option("--parent", "parent", _TECHNIQUE)] = None,
    color: Annotated[str | None, _option("--color", "color", _TECHNIQUE)] = None,
    attack: Annotated[str | None, _option("--attack", "attack", _TECHNIQUE)] = None,
    description: Annotated[str | None, _option("--description", "description", _TECHNIQUE)] = None,
    harm: Annotated[list[str] | None, _option("--harm", "harms", _TECHNIQUE)] = None,
    source: Source = None,
    title: Title = None,
    date: Published = None,
    result: Result = None,
    system: System = None,
    type_: Type = None,
    disclosure: How = None,
    disclosure_words: HowWords = None,
    matrix: options.Version = None,
    out: Out = None,
    quiet: options.Quiet = False,
    workspace: options.Where = None,
) -> None:
    """Propose a technique that the matrix lacks, with evidence for it."""
    claim = _claim(source, title, date, result, system, type_, disclosure, disclosure_words)
    values = {
        "id": id_,
        "name": name,
        "tactics": tactic,
        "parent": parent,
        "color": color,
        "attack": attack,
        "description": description,
        "harms": harm,
        "evidence": [claim],
    }
    _write(propose(ContributionKind.TECHNIQUE, options.chosen_matrix(matrix, workspace), values), out, quiet)


@app.command(
    "evidence", epilog="Example: [bold]caponier matrix propose evidence AMLTM.EVADE.01.V4 --out happy.yaml[/bold]"
)
def evidence(
    technique: Annotated[str, typer.Argument(metavar="TECHNIQUE", help="Id of the technique that the source shows.")],
    source: Source = None,
    title: Title = None,
    date: Published = None,
    result: Result = None,
    system: System = None,
    type_: Type = None,
    disclosure: How = None,
    disclosure_words: HowWords = None,
    matrix: options.Version = None,
    out: Out = None,
    quiet: options.Quiet = False,
    workspace: options.Where = None,
) -> None:
    """Propose a public source that shows a technique on a real system."""
    chosen = options.chosen_matrix(matrix, workspace)
    claim = _claim(source, title, date, result, system, type_, disclosure, disclosure_words)
    values = {"technique": chosen.technique(technique).id, "evidence": [claim]}
    _write(propose(ContributionKind.EVIDENCE, chosen, values), out, quiet)


@app.command(
    "case-study",
    epilog="Example: [bold]caponier matrix propose case-study --incident i-0123456789abcdef --out study.yaml[/bold]",
)
def case_study(
    incident: Annotated[
        str | None,
        typer.Option("--incident", metavar="INCIDENT", help="Draft it from this closed incident of the workspace."),
    ] = None,
    name: Annotated[str | None, _option("--name", "name", _STUDY)] = None,
    id_: Annotated[str | None, _option("--id", "id", _STUDY)] = None,
    actor: Annotated[str | None, _option("--actor", "actor", _STUDY)] = None,
    target: Annotated[str | None, _option("--target", "target", _STUDY)] = None,
    date: Annotated[str | None, _option("--date", "date", _STUDY)] = None,
    type_: Type = None,
    strategy: Annotated[str | None, _option("--strategy", "strategy", _STUDY)] = None,
    summary: Annotated[str | None, _option("--summary", "summary", _STUDY)] = None,
    step: Annotated[
        list[str] | None,
        typer.Option("--step", metavar="'TACTIC TECHNIQUE SUMMARY'", help="One step; may be repeated, in order."),
    ] = None,
    reference: Annotated[list[str] | None, _option("--reference", "references", _STUDY)] = None,
    disclosure: How = None,
    disclosure_words: HowWords = None,
    matrix: options.Version = None,
    out: Out = None,
    quiet: options.Quiet = False,
    workspace: options.Where = None,
) -> None:
    """Propose a case study, from what you know or from a closed incident.

    The draft takes only the day, the strategy and the techniques, in order of time, from the workspace.
    """
    values = {
        "id": id_,
        "name": name,
        "actor": actor,
        "target": target,
        "date": date,
        "type": type_,
        "strategy": strategy,
        "summary": summary,
        "steps": [_step(text) for text in step or ()],
        "references": reference,
        "disclosure": disclosure,
        "disclosure_words": disclosure_words,
    }
    chosen = options.chosen_matrix(matrix, workspace)
    if incident is None:
        proposal = propose(ContributionKind.CASE_STUDY, chosen, values)
    else:
        proposal = draft_case_study(require_workspace(workspace), incident, chosen, values)
    _write(proposal, out, quiet)


def _claim(*texts: str | None) -> dict[str, str]:
    return {field.key: text for field, text in zip(EVIDENCE, texts, strict=True) if text}


def _step(text: str) -> dict[str, str]:
    # What is not said of a step is a blank like any other.
    return dict(zip(("tactic", "technique", "summary"), text.split(maxsplit=2), strict=False))


def _write(proposal: Proposal, out: Path | None, quiet: bool) -> None:
    if out is None or str(out) == "-":
        write_text(proposal.text, None)
    else:
        write_proposal(proposal, out)
    console = notes(quiet=quiet)
    for remark in proposal.remarks:
        console.print(remark, markup=False)
    if proposal.blanks:
        console.print(f"Still to be filled in: {', '.join(proposal.blanks)}", markup=False)
    console.print(f"Then: caponier matrix review {out or 'FILE'}", markup=False)
