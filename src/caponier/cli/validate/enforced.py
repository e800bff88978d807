"""`caponier validate --mode enforce`: what attackers get before a guard refuses them, and what benign callers lose."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import typer

from caponier import __version__
from caponier.app.planting.report import interval
from caponier.app.validate.enforced import BenignCallers, EnforcedAttack, EnforcedReport, turns_of, validate_enforced
from caponier.app.validate.lab.proving_ground import Scale
from caponier.cli.terminal.listing import Listing, ListingColumn
from caponier.cli.terminal.output import Format, choose_format, notes
from caponier.cli.terminal.watch import Watch
from caponier.formats import safe_text

SCHEMA: Final = "caponier.enforced/1"
FAILED: Final = 1
LISTED: Final[Listing[EnforcedAttack]] = Listing(
    [
        ListingColumn("attack", lambda one: one.name, whole=True),
        ListingColumn("targets", lambda one: one.targets, number=True),
        ListingColumn("succeeded", lambda one: one.succeeded, number=True),
        ListingColumn("share", lambda one: f"{one.success:.1%}"),
        ListingColumn("refused", lambda one: one.refused, number=True),
        ListingColumn("answers before refusal", lambda one: "" if one.answers is None else f"{one.answers:g}"),
    ],
    ours=True,
)


def run(only: tuple[str, ...], scale: Scale, format_: Format | None, out: Path | None, *, quiet: bool) -> None:
    """Carry it out, print it, and exit with 1 if an attack succeeded or a benign request was refused."""
    turns = turns_of(only)
    with Watch(quiet=quiet) as watch:
        report = validate_enforced(turns, scale=scale, progress=watch)
    LISTED.write(report.attacks, choose_format(format_, out, Format.TABLE), out, lambda: document(report))
    console = notes(quiet=quiet)
    console.print(safe_text.plain(in_words(report.benign)), markup=False)
    console.print(
        "the limit on automatic responses was raised: by itself a guard binds no more callers an hour than [respond] "
        "limit says",
        markup=False,
    )
    if report.benign.refused or any(one.succeeded for one in report.attacks):
        raise typer.Exit(FAILED)


def in_words(benign: BenignCallers) -> str:
    """Say what became of benign requests, and up to which share none that was refused leaves room for."""
    told = f"{benign.refused:,} of {benign.requests:,} requests of {benign.callers:,} benign callers were refused"
    if benign.refused or not benign.callers:
        return told
    return f"{told}; up to {interval(0, benign.callers)[1]:.1%} of benign callers could be (95 %)"


def document(report: EnforcedReport) -> dict[str, Any]:
    """Return it as the document `caponier.enforced/1`."""
    return {
        "schema": SCHEMA,
        "caponier_version": __version__,
        "limit_raised": True,
        "attacks": [asdict(one) | {"success": round(one.success, 4)} for one in report.attacks],
        "benign": asdict(report.benign),
        "runs": [asdict(one) for one in report.runs],
    }
