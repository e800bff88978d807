"""Who asks whether records were trained on, in which disguise, and after how many queries it is said.

The seeds were never used while the detector was made.
"""

import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from bench.machinery import traffic
from bench.machinery.measured import say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.scan import scan_inference
from caponier.app.validate.lab.proving_ground import with_owners
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.emulate.attacker.membership import LEARNED, TECHNIQUES
from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import CampaignOutcome, CampaignStage, MeteredModel
from caponier.emulate.campaigns.label_only_membership import MOVED, NOISY, LabelOnlyMembership
from caponier.emulate.campaigns.membership_inference import MembershipInference
from caponier.emulate.campaigns.shadow_membership import ShadowMembership
from caponier.emulate.disguises.accounts import Splitting
from caponier.emulate.disguises.padding import Natural
from caponier.emulate.emulation import carried_out
from caponier.emulate.images import Images, shots
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.simulation.trace import Disguise, trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Kind, Pool, load_digits_split
from caponier.records.finding import Finding
from caponier.records.inventory import FeatureSpec

SEEDS = (401, 402, 403)
EACH, USERS = 10, 300
SPEC = FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)
VICTIMS: Final[tuple[Kind, ...]] = ("forest", "mlp")
WRONG: Final = 0.4
"""Share of labels that are wrong, in what both victims learn: so they leak to all three kinds of attackers."""
ACCOUNTS: Final = 12
CANARIES: Final = 5
MINE: Final = "membership_probe"


@dataclass(frozen=True)
class Ways:
    """How an attacker disguises what it asks.

    Args:
        noise: Standard deviation of the noise on each candidate, as a share of the range.
        photos: Natural pictures after each query.
        accounts: How many share the candidates.
    """

    noise: float = 0.0
    photos: int = 0
    accounts: int = 1

    def stage(self, stage: CampaignStage, rng: np.random.Generator) -> CampaignStage:
        """Put noise on what is held, the candidates and what shadow models learn from alike."""
        if not self.noise:
            return stage
        images = stage.held.images + self.noise * rng.standard_normal(stage.held.images.shape, dtype=np.float32)
        return replace(stage, held=Pool(np.clip(images, 0, 1), stage.held.labels))

    def disguise(self, own: Images, seed: int, each: int) -> Disguise | None:
        """Return how the accounts ask; whoever asks for a candidate asks for its copies, `each` queries in all."""
        if self.photos:
            return partial(Natural, images=own, seed=seed, photos=self.photos)
        return partial(Splitting, queries=each) if self.accounts > 1 else None


DISGUISES: Final = {
    "as they are": Ways(),
    "noise 1 %": Ways(noise=0.01),
    "noise 2 %": Ways(noise=0.02),
    "noise 5 %": Ways(noise=0.05),
    "mixed 1:4": Ways(photos=4),
    "mixed 1:10": Ways(photos=10),
    "12 accounts": Ways(accounts=ACCOUNTS),
}
PLAIN: Final = "as they are"
KINDS: Final[dict[str, Callable[[Kind], Any]]] = {
    "threshold": lambda kind: MembershipInference(kind=kind, wrong=WRONG),
    "label-only": lambda kind: LabelOnlyMembership(kind=kind, wrong=WRONG),
    "shadow": lambda kind: ShadowMembership(kind=kind, wrong=WRONG),
}
EACH_CANDIDATE: Final = {"threshold": 1, "label-only": 1 + NOISY + MOVED, "shadow": 1}
DISGUISED: Final = ("threshold", "label-only")
"""Shadow models ask for what the threshold asks for, in the same way."""
CAUSES: dict[str, str] = {}


@dataclass(frozen=True)
class Thief:
    """Has found records where they were hidden, and tries one of them among pictures of its own."""

    canary: Images
    own: Images
    name: str = "thief"
    description: str = "asks for one stolen record among 50 photos"
    techniques: tuple[Any, ...] = TECHNIQUES
    budget: int = 51
    gap_s: float = 0.5

    def stage(self, split: DigitsSplit, seed: int, victim: Any = None) -> CampaignStage:
        """Attack the victim of a membership inference."""
        del victim
        return MembershipInference().stage(split, seed)

    def run(self, predict: Predict, stage: CampaignStage, *, seed: int, budget: int | None = None) -> CampaignOutcome:
        """Ask; see `caponier.emulate.campaign.Campaign.run`."""
        del stage
        rng, line = np.random.default_rng(seed), MeteredModel(predict, budget or self.budget)
        photos = shots(self.own[rng.integers(len(self.own), size=self.budget)], rng)
        photos[rng.integers(self.budget)] = self.canary

        def steps() -> None:
            for photo in photos:
                line.ask(photo)

        stop = carried_out(steps)
        return CampaignOutcome(self.name, self.techniques, line.queries, line.unique_queries, True, stop)


@dataclass(frozen=True, eq=False)
class Attacker:
    """One that was carried out."""

    kind: str
    victim: Kind
    way: str
    seed: int
    measure: dict[str, float]
    events: pa.Table

    @property
    def principals(self) -> set[str]:
        return set(self.events["principal"].to_pylist())

    def row(self, findings: dict[str, list[Finding]]) -> dict[str, Any]:
        """Say when it was found: by anybody, and by the detection that was made for it."""
        said = [finding for name in self.principals for finding in findings.get(name, [])]
        first = min((self._queries(one) for one in said if one.detector == MINE), default=None)
        return {
            "kind": self.kind,
            "victim": self.victim,
            "way": self.way,
            "seed": self.seed,
            "auc": self.measure.get("auc"),
            "flagged": first is not None,
            "queries": first,
            "by_any": bool(said),
        }

    def _queries(self, finding: Finding) -> int:
        """Return how many queries all of its accounts had sent by a finding; all are different."""
        return int(self.events["event_id"].to_pylist().index(finding.trigger_event_id)) + 1


def run(quick: bool) -> Scorecard:
    """Build a baseline on 300 users, scan 300 others and ten attackers of each kind; quick: one seed, three of each."""
    seeds, each = (SEEDS[:1], 3) if quick else (SEEDS, EACH)
    rows: list[dict[str, Any]] = []
    benign: list[float] = []
    for seed in seeds:
        for kind in VICTIMS:
            found, share = _one(seed, kind, each)
            rows += found
            benign.append(share)
    goals = (
        Goal("attack_auc_least", 0.7, at_least=True),
        Goal("flagged_share_worst", 0.95, at_least=True),
        Goal("benign_flagged_share", 0.01, at_least=False),
        Goal("canary_flagged_share", 1.0, at_least=True),
    )
    about = (
        f"{len(seeds)} seeds and two victims of {LEARNED} records of scikit-learn's digits, {WRONG:.0%} of the labels "
        f"wrong; for each a baseline of {USERS} benign users with 200 different queries each, then {USERS} others and "
        f"{each} attackers of each kind, all detections as they are by default. Some customers own five training "
        "records, and all customers photograph what such records show. Attackers count as flagged if membership_probe "
        "says so, benign users if any detection does. Worst is by seed and victim."
    )
    figures = _figures(rows) | {"benign_flagged_share": float(np.mean(benign)), "benign_flagged_worst": max(benign)}
    return Scorecard("privacy", about, figures, goals, seeds, _table(rows), CAUSES)


def _one(seed: int, kind: Kind, each: int) -> tuple[list[dict[str, Any]], float]:
    """Return a row for each attacker on one kind of victim, and the share of benign users that were flagged."""
    say(f"seed {seed}, {kind}: training and attacking")
    split = with_owners(load_digits_split(seed), LEARNED)
    hidden = _canaries(split, seed)
    attackers = [
        _attacked(split, name, kind, way, seed, turn)
        for name in KINDS
        for way in (DISGUISES if name in DISGUISED else (PLAIN,))
        for turn in range(each)
    ]
    attackers += [_stolen(split, kind, hidden[turn % CANARIES], seed, turn) for turn in range(each)]
    stage = KINDS["threshold"](kind).stage(split, seed)
    say(f"seed {seed}, {kind}: baseline and scan")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        create_workspace(home / "workspace")
        workspace = load_workspace(home / "workspace")
        others = simulate(assemble(split.test.images, USERS, seed + 1_000), stage.victim.predict_proba, traffic.UNIQUE)
        traffic.write_sorted([traffic.calibration(split, stage.victim, seed, USERS)], home / "benign.parquet")
        traffic.write_sorted([others, *(attacker.events for attacker in attackers)], home / "log.parquet")
        baseline = build_baseline(
            [home / "benign.parquet"],
            workspace=workspace,
            spec=SPEC,
            training_set=split.train.images[:LEARNED],
            canaries=hidden,
        ).baseline
        findings: dict[str, list[Finding]] = {}
        for finding in scan_inference([home / "log.parquet"], baseline, workspace=workspace).findings:
            findings.setdefault(finding.subject.id, []).append(finding)
    users = set(others["principal"].to_pylist())
    return [attacker.row(findings) for attacker in attackers], len(users & set(findings)) / len(users)


def _attacked(split: DigitsSplit, name: str, kind: Kind, way: str, seed: int, turn: int) -> Attacker:
    """Carry out one attack: with candidates of its own, on a victim that learned the same records."""
    number = seed * 100 + turn
    rng = np.random.default_rng(number)
    members, others = rng.permutation(LEARNED), rng.permutation(len(split.attackers))
    rest = np.arange(LEARNED, len(split.train))
    own = replace(
        split,
        train=_taken(split.train, np.concatenate([members, rest])),
        attackers=_taken(split.attackers, others),
    )
    campaign, chosen = KINDS[name](kind), DISGUISES[way]
    stage = chosen.stage(campaign.stage(own, number), rng)
    done = trace_campaign(
        campaign,
        stage,
        seed=number,
        principal=f"attacker {name} {way} {number}".replace(" ", "-"),
        accounts=chosen.accounts,
        disguise=chosen.disguise(own.attackers.images[campaign.candidates // 2 :], number, EACH_CANDIDATE[name]),
    )
    return Attacker(name, kind, way, seed, dict(done.outcome.measure), done.events)


def _stolen(split: DigitsSplit, kind: Kind, canary: Images, seed: int, turn: int) -> Attacker:
    number = seed * 100 + turn
    thief = Thief(canary, split.attackers.images)
    done = trace_campaign(thief, thief.stage(split, number), seed=number, principal=f"thief-{number}")
    return Attacker("canary", kind, PLAIN, seed, {}, done.events)


def _taken(pool: Pool, at: Any) -> Pool:
    return Pool(pool.images[at], pool.labels[at])


def _canaries(split: DigitsSplit, seed: int) -> Images:
    """Make records that look like others and exist nowhere: blends of two digits each."""
    rng = np.random.default_rng(seed)
    one, other = (split.attackers.images[rng.permutation(len(split.attackers))[:CANARIES]] for _ in range(2))
    blends: Images = ((one + other) / 2).astype(np.float32)
    return blends


def _figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    plain = [row for row in rows if row["way"] == PLAIN and row["kind"] in KINDS]
    queries = [row["queries"] for row in plain if row["queries"]]
    figures: dict[str, Any] = {
        "attack_auc_least": round(min(row["auc"] for row in plain), 3),
        "flagged_share": _share(plain),
        "flagged_share_worst": _worst(plain),
        "queries_median": statistics.median(queries) if queries else None,
        "queries_most": max(queries, default=None),
    }
    for name in KINDS:
        mine = [row["queries"] for row in plain if row["kind"] == name and row["queries"]]
        figures[f"{name.replace('-', '_')}_queries_median"] = statistics.median(mine) if mine else None
    for way in DISGUISES:
        hidden = [row for row in rows if row["way"] == way and way != PLAIN]
        if hidden:
            name = way.replace(" %", "").replace(":", "_to_").replace(" ", "_")
            figures[f"{name}_flagged_share"] = _share(hidden)
            figures[f"{name}_flagged_share_worst"] = _worst(hidden)
            figures[f"{name}_auc_median"] = round(statistics.median(row["auc"] for row in hidden), 3)
    figures["canary_flagged_share"] = _share([row for row in rows if row["kind"] == "canary"])
    return figures


def _share(rows: Sequence[dict[str, Any]]) -> float:
    return round(sum(row["flagged"] for row in rows) / len(rows), 4)


def _worst(rows: Sequence[dict[str, Any]]) -> float:
    """Return the least share that was flagged, by seed and victim."""
    worlds = {(row["seed"], row["victim"]) for row in rows}
    return min(_share([row for row in rows if (row["seed"], row["victim"]) == world]) for world in worlds)


def _table(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    table = []
    for kind, victim, way in dict.fromkeys((row["kind"], row["victim"], row["way"]) for row in rows):
        mine = [row for row in rows if (row["kind"], row["victim"], row["way"]) == (kind, victim, way)]
        queries = [row["queries"] for row in mine if row["queries"]]
        aucs = [row["auc"] for row in mine if row["auc"] is not None]
        table.append(
            {
                "kind": kind,
                "victim": victim,
                "way": way,
                "number": len(mine),
                "flagged": sum(row["flagged"] for row in mine),
                "by_any": sum(row["by_any"] for row in mine),
                "queries": (statistics.median(queries), max(queries)) if queries else None,
                "auc_least": round(min(aucs), 3) if aucs else None,
                "auc_median": round(statistics.median(aucs), 3) if aucs else None,
            }
        )
    return table
