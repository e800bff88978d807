"""One search of many accounts, from a log to a finding: who is learned from, who is found, and who is not."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caponier.app.inference.baseline.build import BaselineReport, build_baseline
from caponier.app.inference.baseline.set_aside import NOTHING, Overrules
from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.detect.calibration.baseline import Baseline, ModelBaseline
from caponier.detect.calibration.judging import FEWEST
from caponier.detect.detector import Subject
from caponier.detect.registry import event_detectors
from caponier.emulate.disguises.accounts import Splitting
from caponier.emulate.event_log import interleaved
from caponier.emulate.registry import attacks
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.simulation.trace import EPOCH, trace
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.records.accused import accused
from caponier.records.finding import Basis
from caponier.records.inventory import FeatureSpec
from conftest import ALPHA

SPEC = FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)
NAME = "distributed_query"
USERS = 300
ONLY = [detector for name, detector in event_detectors().items() if name in (NAME, "iterative_query")]


def search(digits: tuple[DigitsSplit, Victim], turn: int, name: str, accounts: int = 1) -> pa.Table:
    split, victim = digits
    prey = victim.understood(split.attackers)
    image, label = prey.images[turn], int(prey.labels[turn])
    return trace(
        attacks()["hop_skip_jump"],
        victim.predict_proba,
        image,
        label,
        seed=turn,
        principal=name,
        budget=120,
        accounts=accounts,
        disguise=Splitting,
        begin=EPOCH + timedelta(hours=2),
        gap_s=120,
    ).events


def built(folder: Path, *tables: pa.Table, overrules: Overrules = NOTHING) -> BaselineReport:
    log = folder / "benign.parquet"
    pq.write_table(interleaved(list(tables)), log)
    return build_baseline([log], spec=SPEC, alpha=ALPHA, detectors=ONLY, overrules=overrules)


def scanned(folder: Path, baseline: Baseline, *tables: pa.Table) -> ScanReport:
    log = folder / "log.parquet"
    pq.write_table(interleaved(list(tables)), log)
    return scan_inference([log], baseline, detectors=ONLY)


@pytest.fixture(scope="module")
def benign(digits: tuple[DigitsSplit, Victim]) -> pa.Table:
    split, victim = digits
    return simulate(assemble(split.calibration.images, USERS, 21), victim.predict_proba, 55)


@pytest.fixture(scope="module")
def day(digits: tuple[DigitsSplit, Victim]) -> pa.Table:
    split, victim = digits
    return simulate(assemble(split.test.images, USERS, 22), victim.predict_proba, 55)


@pytest.fixture(scope="module")
def learned(benign: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Baseline:
    return built(tmp_path_factory.mktemp("learned"), benign).baseline


def section_of(baseline: Baseline) -> ModelBaseline:
    (section,) = baseline.models
    return section


def test_benign_days_are_silent_whoever_they_are_asked_by(learned: Baseline, day: pa.Table, tmp_path: Path) -> None:
    at = day.schema.get_field_index("principal")
    service = day.set_column(at, "principal", pa.array(["one-service"] * day.num_rows))
    for asked in (day, service):
        found = scanned(tmp_path, learned, asked).findings
        assert not [finding for finding in found if finding.detector == NAME]


def test_a_search_of_ten_accounts_is_found_and_nobody_else_is_named(
    learned: Baseline, day: pa.Table, digits: tuple[DigitsSplit, Victim], tmp_path: Path
) -> None:
    found = scanned(tmp_path, learned, day, search(digits, 0, "thief", 10)).findings
    shared = [finding for finding in found if finding.detector == NAME]
    named = {who for finding in shared for who in accused(finding)}
    assert named <= {f"thief-{number}" for number in range(10)}
    assert len(named) >= 5
    assert all(finding.evidence.facts["flips"] for finding in shared)


def test_who_is_dropped_raises_no_threshold_of_the_cells_it_asked_in(
    learned: Baseline, benign: pa.Table, digits: tuple[DigitsSplit, Victim], tmp_path: Path
) -> None:
    report = built(tmp_path, benign, search(digits, 3, "attacker"), overrules=Overrules(drop=frozenset({"attacker"})))
    clean, mixed = (section_of(one).detectors[NAME] for one in (learned, report.baseline))
    assert mixed.peak <= max(clean.peak, event_detectors()[NAME].floor / 2)


def test_with_few_queries_it_runs_at_a_cold_start(
    benign: pa.Table, digits: tuple[DigitsSplit, Victim], day: pa.Table, tmp_path: Path
) -> None:
    few = benign.slice(0, 3_000)
    baseline = built(tmp_path, few).baseline
    report = scanned(tmp_path, baseline, day.slice(0, 3_000), search(digits, 0, "thief", 10))
    assert any(f"{NAME} runs with built-in thresholds" in note for note in report.notes)
    about = [finding for finding in report.findings if finding.detector == NAME]
    assert {finding.evidence.basis for finding in about} <= {Basis.COLD_START}
    assert all(who.startswith("thief") for finding in about for who in accused(finding))


def test_without_a_baseline_it_says_what_it_lacks(day: pa.Table, tmp_path: Path) -> None:
    log = tmp_path / "log.parquet"
    pq.write_table(day.slice(0, 500), log)
    report = scan_inference([log], spec=SPEC, detectors=ONLY)
    (skip,) = [skip for skip in report.skipped if NAME in skip.what]
    assert "no baseline" in skip.reason


def test_a_baseline_without_cells_says_so(learned: Baseline, day: pa.Table, tmp_path: Path) -> None:
    old = Baseline((replace(section_of(learned), cells=None),))
    report = scanned(tmp_path, old, day.slice(0, 500))
    (skip,) = [skip for skip in report.skipped if NAME in skip.what]
    assert "build it again" in skip.reason


def test_cells_are_as_many_as_the_whole_log_asks_for(learned: Baseline) -> None:
    section = section_of(learned)
    assert section.cells is not None
    assert len(section.cells.names) >= FEWEST
    assert section.detectors[NAME].ranks.n >= FEWEST
    # As of callers, none is left out.
    assert len(section.tails[Subject.BUCKET]) == section.detectors[NAME].ranks.n
