"""One emulated attack on a served model: carried out over HTTP, and judged by its own measure."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from time import perf_counter

from caponier.app.validate.lab.attack_line import AttackEndpoint
from caponier.emulate.attack import Attack
from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import Campaign, CampaignStage
from caponier.emulate.disguises.accounts import Splitting
from caponier.emulate.emulation import EmulationOutcome
from caponier.emulate.images import Images
from caponier.emulate.outcome import AttackOutcome, Stop
from caponier.emulate.probe import Truth
from caponier.emulate.registry import attacks, campaigns, probes
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.formats.one_thread import one_thread

ATTEMPTS = 4
"""Images that are attacked at most: now and then a search ends farther away than half of where it began."""


@dataclass(frozen=True)
class AttackSummary:
    """What came of it.

    Args:
        emulation: Its name.
        keys: The keys that it asked with, one an account; of the last attempt.
        success: By its own measure.
        queries: Answered requests, over all attempts; of a probe those that were answered by an error, too.
        stop: Why it ended.
        measure: The figures behind `success`.
        seconds: How long it took.
    """

    emulation: str
    keys: tuple[str, ...]
    success: bool
    queries: int
    stop: Stop
    measure: Mapping[str, float]
    seconds: float


def attack_image(name: str, line: AttackEndpoint, victim: Victim, split: DigitsSplit, seed: int) -> AttackSummary:
    """Attack images that the victim gets right, one after the other with keys of their own, until one succeeds."""
    originals, began, queries = victim.understood(split.attackers), perf_counter(), 0
    chosen = attacks()[name]
    for attempt, (image, label) in enumerate(
        zip(originals.images[:ATTEMPTS], originals.labels[:ATTEMPTS], strict=True)
    ):
        keys = keys_of(chosen, f"{name}-{seed}-{attempt}")
        with asking(line, keys) as ask:
            outcome = _attacked(chosen, ask, image, int(label), seed * ATTEMPTS + attempt)
        queries += outcome.queries
        if outcome.success or outcome.stop is Stop.REFUSED:
            break
    measure = {"attempts": attempt + 1, **_rounded(outcome)}
    return AttackSummary(name, keys, outcome.success, queries, outcome.stop, measure, perf_counter() - began)


def keys_of(attack: Attack, key: str) -> tuple[str, ...]:
    """Return a key for each account of an attack."""
    return (key,) if attack.accounts == 1 else tuple(f"{key}-{number}" for number in range(attack.accounts))


@contextmanager
def asking(line: AttackEndpoint, keys: Sequence[str]) -> Iterator[Predict]:
    """Ask over a line in turns with several keys, until the block is left."""
    with ExitStack() as accounts:
        ways = [accounts.enter_context(line.enter(key)).predict_proba for key in keys]
        yield Splitting(ways) if len(ways) > 1 else ways[0]


def _attacked(chosen: Attack, predict: Predict, image: Images, label: int, seed: int) -> AttackOutcome:
    with one_thread():
        return chosen.run(predict, image, label, seed=seed)


def _rounded(outcome: EmulationOutcome) -> dict[str, float]:
    return {figure: round(float(value), 4) for figure, value in outcome.measure.items()}


def campaign_stage(name: str, split: DigitsSplit, seed: int, victim: Victim) -> CampaignStage:
    """Prepare a campaign; it may bring a victim of its own."""
    with one_thread():
        return campaigns()[name].stage(split, seed, victim)


def run_campaign(name: str, line: AttackEndpoint, stage: CampaignStage, seed: int) -> AttackSummary:
    """Carry a campaign out against the stage's victim, which the line leads to."""
    began, key = perf_counter(), f"{name}-{seed}-0"
    chosen: Campaign = campaigns()[name]
    with line.enter(key) as remote, one_thread():
        outcome = chosen.run(remote.predict_proba, stage, seed=seed)
    return AttackSummary(
        name, (key,), outcome.success, outcome.queries, outcome.stop, _rounded(outcome), perf_counter() - began
    )


def run_probe(name: str, line: AttackEndpoint, victim: Victim, seed: int) -> AttackSummary:
    """Find out what the victim is that the line leads to; over HTTP a probe takes no pauses."""
    began, key = perf_counter(), f"{name}-{seed}-0"
    with line.wire(key) as wire, one_thread():
        outcome = probes()[name].run(wire, line.deployment.model, Truth.of(victim), seed=seed)
    return AttackSummary(
        name, (key,), outcome.success, outcome.requests, outcome.stop, _rounded(outcome), perf_counter() - began
    )
