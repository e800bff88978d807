"""Proofs of detectors over inference events: attacks over HTTP, look-alikes at their own pace, one scan for each."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from caponier.app.incidents.findings import list_findings
from caponier.app.inference.scan import ScanReport
from caponier.app.progress import Progress
from caponier.app.validate.lab.attack_line import AttackEndpoint, Recorded, open_line
from caponier.app.validate.lab.event_attack import AttackSummary, attack_image, campaign_stage, run_campaign, run_probe
from caponier.app.validate.lab.proving_ground import MAIN, ProvingGround, Target, with_owners
from caponier.app.validate.proofs.proof import ControlCheck, Pair, ProofRun
from caponier.emulate.attacker.membership import LEARNED
from caponier.emulate.campaign import CampaignStage
from caponier.emulate.registry import attacks, habits, newcomers, probes
from caponier.emulate.victims.digits import DigitsSplit
from caponier.records.accused import accused
from caponier.records.finding import Finding
from caponier.records.inventory import Workspace
from caponier.records.skip import Skip

Names = list[str]
Guarded: TypeAlias = Callable[[str, Workspace], AbstractContextManager[Recorded]]
"""Puts a guard that works in a workspace before the server at a URL; see `guarded` of
`caponier.app.validate.lab.guarded_line`."""


@dataclass(frozen=True, eq=False)
class _Plan:
    """The emulations against one model."""

    target: Target
    images: Names
    """Attacks on single images."""
    probes: Names
    """Those who find out what the model is."""
    stages: dict[str, CampaignStage]
    """Campaigns."""

    @property
    def names(self) -> set[str]:
        return {*self.images, *self.probes, *self.stages}


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a scan said of one model's attackers and look-alikes."""

    summaries: dict[str, AttackSummary]
    principals: dict[str, frozenset[str]]
    """Of each emulation's accounts."""
    events: pa.Table
    attacked: ScanReport
    live: tuple[Finding, ...]
    """What the guard itself found meanwhile; none if there was no guard."""
    harmless: dict[str, frozenset[str]]
    """Principals of the look-alikes, by control."""
    control_reports: tuple[ScanReport, ...]
    """What a scan said of them."""


def prove_events(
    pairs: Sequence[Pair], ground: ProvingGround, watch: Progress, skipped: list[Skip], guard: Guarded | None = None
) -> Iterator[ProofRun]:
    """Carry out every emulation once, and hold each detector that must detect it against the same log.

    Args:
        pairs: Detectors over events and their emulations.
        ground: The seed's world.
        watch: Advanced once an emulation.
        skipped: Takes what could not be done.
        guard: Put before the victims' servers; without one the servers record themselves.
    """
    for plan in _plans({pair.emulation.name for pair in pairs}, ground):
        mine = [pair for pair in pairs if pair.emulation.name in plan.names]
        seen = _seen(plan, mine, ground, watch, guard)
        skipped += _lost(plan.target, seen.summaries.values(), seen.events)
        for pair in mine:
            silent = _silent(pair, plan.target, [seen.attacked, *seen.control_reports])
            if silent:
                skipped.append(silent)
            else:
                yield _run(pair, plan.target, seen, ground)


def _plans(names: set[str], ground: ProvingGround) -> Iterator[_Plan]:
    """Sort emulations by the model that they attack: most share one, some bring their own."""
    images, curious = sorted(names & set(attacks())), sorted(names & set(probes()))
    split = with_owners(ground.split, LEARNED)
    stages = {}
    for name in sorted(names - {*images, *curious}):
        stage = campaign_stage(name, ground.split, ground.seed, ground.victim)
        # One that trains its own victim is to train it on records that benign users own, too.
        own = stage.victim is not ground.victim
        stages[name] = campaign_stage(name, split, ground.seed, ground.victim) if own else stage
    shared = {name: stage for name, stage in stages.items() if stage.victim is ground.victim}
    if images or curious or shared:
        yield _Plan(ground.target(MAIN, ground.victim, ground.split.train.images), images, curious, shared)
    for name, stage in stages.items():
        if name not in shared:
            model = f"digits-{stage.victim.kind}-{name}"
            yield _Plan(ground.target(model, stage.victim, stage.training.images), [], [], {name: stage})


def _seen(plan: _Plan, pairs: Sequence[Pair], ground: ProvingGround, watch: Progress, guard: Guarded | None) -> _Seen:
    target, summaries = plan.target, {}
    home = ground.home(target)
    proxy = None if guard is None else lambda url: guard(url, home)
    with open_line(target.victim.predict_proba, target.deployment, ground.salt, proxy) as line:
        for name in sorted(plan.names):
            summaries[name] = _carried_out(name, plan, line, ground.split, ground.seed)
            watch.advance(1)
        principals = {name: frozenset(map(line.principal, summary.keys)) for name, summary in summaries.items()}
    events = line.events()
    attacked = ground.scan(ground.write(f"{target.deployment.model}-attacks.parquet", events), target)
    harmless, logs = _harmless(target, {control for pair in pairs for control in pair.detector.controls}, ground)
    live = () if guard is None else tuple(list_findings(home))
    control_reports = tuple(ground.scan(log, target) for log in logs)
    return _Seen(summaries, principals, events, attacked, live, harmless, control_reports)


def _harmless(
    target: Target, controls: set[str], ground: ProvingGround
) -> tuple[dict[str, frozenset[str]], list[Path]]:
    """Let look-alikes ask; return their principals by control, and their logs."""
    who: dict[str, set[str]] = {}
    logs = []
    if usual := sorted(controls & set(habits())):
        users, log = ground.look_alikes(target, usual)
        logs.append(log)
        for member in users.members:
            who.setdefault(member.habit.name, set()).add(member.principal)
    if curious := sorted(controls & set(newcomers())):
        callers, log = ground.callers(target, curious)
        logs.append(log)
        for caller in callers:
            who.setdefault(caller.newcomer.name, set()).add(caller.principal)
    return {name: frozenset(principals) for name, principals in who.items()}, logs


def _carried_out(name: str, plan: _Plan, line: AttackEndpoint, split: DigitsSplit, seed: int) -> AttackSummary:
    if name in plan.stages:
        return run_campaign(name, line, plan.stages[name], seed)
    if name in plan.probes:
        return run_probe(name, line, plan.target.victim, seed)
    return attack_image(name, line, plan.target.victim, split, seed)


def _lost(target: Target, summaries: Iterable[AttackSummary], events: pa.Table) -> Iterator[Skip]:
    """List the requests that were answered and are not in the log: what was scanned is then not all that happened."""
    asked = sum(summary.queries for summary in summaries)
    if events.num_rows < asked:
        yield Skip(f"{target.deployment.model}: {asked - events.num_rows:,} of {asked:,} requests", "were not recorded")


def _silent(pair: Pair, target: Target, reports: Sequence[ScanReport]) -> Skip | None:
    """Tell whether the detector could not speak at all: then nothing was shown, neither good nor bad."""
    what = f"{target.deployment.model}: {pair.detector.name}"
    return next((skip for report in reports for skip in report.skipped if skip.what == what), None)


def _run(pair: Pair, target: Target, seen: _Seen, ground: ProvingGround) -> ProofRun:
    summary, principals = seen.summaries[pair.emulation.name], seen.principals[pair.emulation.name]
    name = pair.detector.name
    found = [one for one in seen.attacked.findings if one.detector == name and principals & accused(one)]
    figures = {
        "queries": summary.queries,
        **first_found(seen.events, principals, found),
        "findings": len(found),
        "findings_inline": sum(bool(one.detector == name and principals & accused(one)) for one in seen.live),
        "alpha": f"{ground.scale.alpha:g}",
        "attack": dict(summary.measure),
        "stop": summary.stop.value,
        "seconds": round(summary.seconds, 2),
    }
    controls = {control: _check(control, name, seen) for control in pair.detector.controls}
    return ProofRun(pair, target.deployment.model, ground.seed, summary.success, bool(found), controls, figures)


def first_found(events: pa.Table, principals: frozenset[str], found: Sequence[Finding]) -> dict[str, Any]:
    """Return how many requests and different queries there were up to the first finding, that one included."""
    if not found:
        return {}
    mine = events.filter(pc.is_in(events["principal"], pa.array(sorted(principals))))
    ids, inputs, times = (mine[name].to_pylist() for name in ("event_id", "input", "time"))
    place = {id_: position for position, id_ in enumerate(ids)}
    # What set off a finding about like queries of many callers may be another one's.
    at = min(max(place.get(id_, 0) for id_ in finding.event_ids) for finding in found)
    return {
        "queries_to_first_finding": len({tuple(row or ()) for row in inputs[: at + 1]}),
        # The rows of one request have one time.
        "requests_to_first_finding": len(set(times[: at + 1])),
    }


def _check(control: str, detector: str, seen: _Seen) -> ControlCheck:
    users = seen.harmless.get(control, frozenset())
    found = (finding for report in seen.control_reports for finding in report.findings)
    named = frozenset().union(*(accused(finding) for finding in found if finding.detector == detector))
    return ControlCheck(len(users), len(users & named))
