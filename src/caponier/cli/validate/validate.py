"""`caponier validate`: every emulation and its benign controls against real victims, and who saw what."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from caponier import __version__
from caponier.app.coverage.cover import SCHEMA
from caponier.app.validate.lab.proving_ground import Scale
from caponier.app.validate.retest import retest
from caponier.app.validate.validate import FULL, QUICK, ValidationReport
from caponier.app.validate.validate import validate as carry_out
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.terminal import log_options, options
from caponier.cli.terminal.listing import Listing, ListingColumn
from caponier.cli.terminal.log_report import say_skipped
from caponier.cli.terminal.output import Format, choose_format, notes
from caponier.cli.terminal.watch import Watch
from caponier.cli.validate import enforced, own_log
from caponier.errors import InputError
from caponier.formats import safe_text
from caponier.records.trial import Trial

EXAMPLE: Final = (
    "Examples: [bold]caponier validate --quick --out trials.json[/bold] · "
    "[bold]caponier validate --log events.parquet[/bold]"
)
FAILED, PARTLY = 1, 3

TRIALS: Final[Listing[Trial]] = Listing(
    [
        ListingColumn("result", lambda trial: result(trial), whole=True, style=lambda trial: _style(trial)),
        ListingColumn("detector", lambda trial: trial.detector),
        ListingColumn("emulation", lambda trial: trial.emulation),
        ListingColumn("target", lambda trial: trial.target),
        ListingColumn("attack", lambda trial: f"{trial.figures['succeeded']} of {trial.figures['runs']} succeeded"),
        ListingColumn("detected", lambda trial: f"{trial.figures['detected']} of {trial.figures['succeeded']}"),
        ListingColumn("controls", lambda trial: _controls(trial)),
        ListingColumn("figures", lambda trial: _worst(trial)),
    ],
    wide=True,
    folded=True,
    ours=True,
    quoted=True,
)


Only = Annotated[
    list[str] | None, typer.Option("--only", metavar="NAME", help="Only this detector or emulation; may be repeated.")
]
Quick = Annotated[
    bool,
    typer.Option("--quick", help="One seed instead of three; with --log, do not measure what missing columns cost."),
]
IncidentId = Annotated[
    str | None,
    typer.Option(
        "--incident", metavar="ID", help="Test a remediated incident again, and mark it verified if it passes."
    ),
]
Alpha = Annotated[
    float | None,
    typer.Option(
        "--alpha", metavar="SHARE", help=f"Share of benign callers that may be flagged; {FULL.alpha:g} by default."
    ),
]
Mode = Annotated[
    Literal["observe", "enforce"],
    typer.Option(
        "--mode",
        help="Mode of the guard in front of the victims; with enforce, only count which attacks on single images "
        "succeed before the guard refuses them.",
    ),
]


def validate(
    only: Only = None,
    quick: Quick = False,
    mode: Mode = "observe",
    seed: Annotated[int, typer.Option("--seed", min=0, help="The first seed.")] = 0,
    alpha: Alpha = None,
    alert_budget: options.OldBudget = None,
    incident: IncidentId = None,
    log: own_log.Log = None,
    url: own_log.Server = None,
    url_key: own_log.Key = None,
    model: own_log.Model = None,
    baseline: own_log.Known = None,
    attackers: own_log.Attackers = own_log.MANY,
    picture: own_log.Picture = None,
    kind: log_options.Kind = None,
    shape: log_options.Shape = None,
    range_: log_options.Range = None,
    map_: log_options.Map = None,
    reader: log_options.Reader = "auto",
    rejected: log_options.Rejected = None,
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Carry out every emulation beside its benign controls, and record which detectors saw it.

    It trains victim models and serves them on the loopback address. The workspace keeps the trials for `coverage`.

    With --log, the attacks run against a copy of your model, or a surrogate that learned from your log. They are
    planted into a copy of the log, to show which would be caught, how early, and with how many false alarms.

    With --mode enforce, the attacks on single images run against a guard in enforce mode. The report gives the share
    that succeeded before the guard refused them, and the number of benign requests that it refused.

    With --incident, repaired data sets and models are scanned again, and the detectors that found the incident are
    validated. If all pass, the incident is marked verified.

    Exit code: 0 every attack seen and no alarm on a control, 1 an attack missed or an alarm on a control, 2 wrong
    input, 3 a part could not be tested. In enforce mode 1 means: an attack succeeded, or a benign request was refused.
    """
    names = tuple(only or ())
    options.tell_deprecated(notes(quiet=quiet), alert_budget=alert_budget)
    if mode == "enforce" and (incident or log):
        raise InputError("--mode enforce is for victims of its own", hint="Leave out --incident and --log.")
    if log:
        how = log_options.read_options(reader, map_=map_, home=load_workspace(workspace))
        reading = own_log.OwnLogOptions(model, log_options.feature_spec(kind, shape, range_), how)
        against = own_log.Against(url, url_key, baseline, workspace, options.share_of(alpha))
        effort = own_log.effort(attackers, names, seed, quick=quick)
        return own_log.run(log, reading, against, effort, own_log.Output(format_, out, picture, rejected, quiet))
    own_log.require_log(url=url, model=model, baseline=baseline, picture=picture, kind=kind, shape=shape, range=range_)
    scale = _scale(seed, options.share_of(alpha), quick=quick)
    if mode == "enforce":
        return enforced.run(names, scale, format_, out, quiet=quiet)
    if incident:
        return _on_incident(incident, scale, workspace, format_, out, quiet=quiet)
    return _on_victims(names, scale, workspace, format_, out, quiet=quiet)


def _scale(seed: int, alpha: float | None, *, quick: bool) -> Scale:
    base = QUICK if quick else FULL
    scale = replace(base, seeds=tuple(seed + one for one in base.seeds))
    return scale if alpha is None else replace(scale, alpha=alpha)


def _on_incident(
    incident_id: str, scale: Scale, workspace: Path | None, format_: Format | None, out: Path | None, *, quiet: bool
) -> None:
    home = load_workspace(workspace)
    if home is None:
        raise InputError("there is no workspace here, so no incident", hint="Go to its folder, or name --workspace.")
    with Watch(quiet=quiet) as watch:
        found = retest(incident_id, home, scale=scale, progress=watch)
    if found.report:
        report = found.report
        TRIALS.write(report.trials, choose_format(format_, out, Format.TABLE), out, lambda: document(report))
    console = notes(quiet=quiet)
    for one in found.checked:
        said = f"{'passed' if one.passed else 'failed'}: {one.path}: {one.why}"
        console.print(safe_text.plain(said), markup=False)
    console.print(f"incident {found.incident.incident_id} is {found.incident.stage.value}", markup=False)
    if not found.passed:
        raise typer.Exit(FAILED)


def _on_victims(
    only: tuple[str, ...],
    scale: Scale,
    workspace: Path | None,
    format_: Format | None,
    out: Path | None,
    *,
    quiet: bool,
) -> None:
    home = load_workspace(workspace)
    with Watch(quiet=quiet) as watch:
        report = carry_out(only=only, scale=scale, workspace=home, progress=watch)
    TRIALS.write(report.trials, choose_format(format_, out, Format.TABLE), out, lambda: document(report))
    _tell(report, quiet=quiet)
    if report.failed:
        raise typer.Exit(FAILED)
    if report.skipped or report.inconclusive:
        raise typer.Exit(PARTLY)


def document(report: ValidationReport) -> dict[str, Any]:
    """Return the validation as the document `caponier.trials/1`."""
    return {
        "schema": SCHEMA,
        "run_id": report.run_id,
        "caponier_version": __version__,
        "seconds": round(report.seconds, 1),
        "trials": [trial.to_dict() for trial in report.trials],
        "skipped": [skip.to_dict() for skip in report.skipped],
        "unproven": list(report.unproven),
    }


def _tell(report: ValidationReport, *, quiet: bool) -> None:
    console = notes(quiet=quiet)
    passed = sum(trial.passed for trial in report.trials)
    kept = f", kept as {report.run_id}" if report.recorded else ", not kept: there is no workspace"
    console.print(f"{passed} of {len(report.trials)} trials passed in {report.seconds:.0f} s{kept}", markup=False)
    for trial in report.failed:
        console.print(f"failed: {_failure(trial)}", markup=False)
    for trial in report.inconclusive:
        console.print(f"{trial.emulation} did not succeed on {trial.target}: it proves nothing", markup=False)
    say_skipped(console, report.skipped, "not done:")
    if report.unproven:
        console.print(f"no emulation yet: {', '.join(report.unproven)}", markup=False)


def _failure(trial: Trial) -> str:
    told = []
    if trial.missed:
        seen = f"{trial.figures['detected']} of {trial.figures['succeeded']}"
        told.append(f"{trial.detector} saw {seen} successful runs of {trial.emulation} on {trial.target}")
    if not trial.control_silent:
        noisy = [f"{name} ({check['flagged']} of {check['checked']})" for name, check in _noisy(trial).items()]
        told.append(f"{trial.detector} was not silent on {', '.join(noisy) or 'any control: none was checked'}")
    return "; ".join(told)


def _noisy(trial: Trial) -> dict[str, dict[str, int]]:
    checks: dict[str, dict[str, int]] = trial.figures["controls"]
    return {name: check for name, check in checks.items() if check["flagged"]}


def _style(trial: Trial) -> str:
    return "green" if trial.passed else "yellow" if not trial.attack_succeeded else "bold red"


def _controls(trial: Trial) -> str:
    checks = trial.figures["controls"].values()
    return f"{sum(check['flagged'] for check in checks)} of {sum(check['checked'] for check in checks)} flagged"


def _worst(trial: Trial) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in trial.figures["worst"].items())


def result(trial: Trial) -> str:
    """Say in a word what came of a trial."""
    if trial.missed:
        return "missed"
    if not trial.control_silent:
        return "noisy"
    return "passed" if trial.attack_succeeded else "no proof"
