from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.inference.event_files import FirstFeature, log, only, rows, users
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.app.inference.staleness import FACT, DriftReport
from caponier.detect.calibration.baseline import Baseline
from caponier.detect.calibration.judging import FEWEST
from caponier.detect.traffic_profile import profile as profiles
from caponier.detect.traffic_profile.drift import TraitHistogram, compare
from caponier.errors import InputError
from caponier.records.finding import Basis
from caponier.records.inventory import FeatureSpec
from detect.traffic_profile.profiles import profile

SPEC = FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0)
SEEN: dict[str, Any] = {"input": lambda i: [i % 7, (i * 37) % 60], "label": lambda i: "ab"[i % 3 == 0]}
BRIGHT: dict[str, Any] = SEEN | {"input": lambda i: [i % 7, 60 + (i * 37) % 60]}
LOUD: dict[str, Any] = {"input": lambda i: [120, i % 127]}


@pytest.fixture(autouse=True)
def window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let four different queries be enough to know a caller by."""
    monkeypatch.setattr(profiles, "WINDOW", 4)


def learned(folder: Path, n: int = 60) -> Baseline:
    return build_baseline([log(folder, users(n, **SEEN), name="benign.jsonl")], spec=SPEC, alpha=0.2).baseline


def scanned(folder: Path, *parts: list[dict[str, Any]], n: int = 60) -> ScanReport:
    with only(FirstFeature(), 1e9):
        baseline = learned(folder, n)
        return scan_inference([log(folder, *parts)], baseline)


class TestScan:
    def test_traffic_as_before_is_fresh(self, tmp_path: Path) -> None:
        report = scanned(tmp_path, users(40, begin=5000, **SEEN))
        assert report.fits["m"].drift.stale is False
        assert report.fits["m"].words == "40 callers ask as those of the baseline did"
        assert not any("stale" in note for note in report.notes)

    def test_other_traffic_is_stale_and_every_finding_says_so(self, tmp_path: Path) -> None:
        loud = rows(4, 9000, principal="bad", **LOUD)
        report = scanned(tmp_path, users(40, begin=5000, **BRIGHT), loud)
        (said,) = [note for note in report.notes if "stale" in note]
        assert said.startswith("m: the baseline is stale, and its promises do not hold; changed: ")
        assert "the level of inputs (" in said
        (finding,) = report.findings
        assert finding.evidence.basis is Basis.ESTIMATE
        assert finding.evidence.facts[FACT] == report.fits["m"].changes
        assert finding.summary.endswith(". The baseline is stale")

    def test_findings_under_a_fresh_baseline_say_nothing(self, tmp_path: Path) -> None:
        report = scanned(tmp_path, users(40, begin=5000, **SEEN), rows(4, 9000, principal="bad", **LOUD))
        (finding,) = report.findings
        assert FACT not in finding.evidence.facts
        assert "stale" not in finding.summary

    def test_a_few_callers_do_not_tell(self, tmp_path: Path) -> None:
        report = scanned(tmp_path, users(5, begin=5000, **BRIGHT))
        assert report.fits["m"].drift.stale is None
        assert "this log has 5" in report.fits["m"].words
        assert not any("stale" in note for note in report.notes)

    def test_cold_start_thresholds_are_not_stale(self, tmp_path: Path) -> None:
        with only(FirstFeature(), 100.0):
            baseline = learned(tmp_path, FEWEST - 1)
            loud = rows(4, 9000, principal="bad", **LOUD)
            report = scan_inference([log(tmp_path, users(40, begin=5000, **BRIGHT), loud)], baseline)
        (finding,) = report.findings
        assert report.fits["m"].drift.stale
        assert finding.evidence.basis is Basis.COLD_START
        assert FACT not in finding.evidence.facts

    def test_the_ids_of_findings_do_not_depend_on_it(self, tmp_path: Path) -> None:
        loud = rows(4, 9000, principal="bad", **LOUD)
        stale = scanned(tmp_path, users(40, begin=5000, **BRIGHT), loud)
        fresh = scanned(tmp_path, users(40, begin=5000, **SEEN), loud)
        assert [one.finding_id for one in stale.findings] == [one.finding_id for one in fresh.findings]

    def test_without_a_baseline_nothing_is_compared(self, tmp_path: Path) -> None:
        with only(FirstFeature(), 100.0):
            assert scan_inference([log(tmp_path, users(40, **SEEN))]).fits == {}

    def test_a_baseline_from_before_there_were_profiles_is_not_compared(self, tmp_path: Path) -> None:
        with only(FirstFeature(), 1e9):
            (section,) = learned(tmp_path).models
            old = Baseline((replace(section, profile=None),))
            (tmp_path / "old").write_bytes(old.to_bytes())
            report = scan_inference([log(tmp_path, users(40, **BRIGHT))], Baseline.load(tmp_path / "old"))
        assert report.fits == {}


def test_a_profile_of_other_inputs_is_refused(tmp_path: Path) -> None:
    with only(FirstFeature(), 1e9):
        (section,) = learned(tmp_path).models
        broken = Baseline((replace(section, profile=profile(60, width=5)),))
        with pytest.raises(InputError, match=r"\b5 values.*\b2\b"):
            scan_inference([log(tmp_path, users(40, **SEEN))], broken)


class TestWords:
    def fit(self, tmp_path: Path, **traits: Any) -> DriftReport:
        with only(FirstFeature(), 1e9):
            (section,) = learned(tmp_path).models
        known = profile(300)
        return DriftReport(
            section, compare(known, TraitHistogram.over(known).with_rows(known, profile(100, 1, **traits).rows))
        )

    @pytest.mark.parametrize(
        ("traits", "words"),
        [
            ({"step": 9.0}, "how far queries lie from earlier ones (30.0 of 127 before, 9.0 now)"),
            ({"flips": 0.1}, "how often the answer is not the nearest earlier query's (40% before, 10% now)"),
            ({"repeats": 0.3}, "exact repeats (4% before, 30% now)"),
            ({"one_answer": 0.9}, "how often a caller's most frequent answer comes (50% before, 90% now)"),
            ({"level": 0.9}, "the level of inputs (0.5 of 127 before, 0.9 now)"),
            ({"direction_3": 0.9}, "what inputs look like"),
            ({"answer_1": 0.9}, "the mix of answers"),
        ],
    )
    def test_a_change_is_said_in_words(self, tmp_path: Path, traits: dict[str, float], words: str) -> None:
        assert self.fit(tmp_path, **traits).changes == [words]

    def test_traits_that_say_the_same_are_said_once(self, tmp_path: Path) -> None:
        assert self.fit(tmp_path, answer_1=0.9, answer_2=0.1).changes == ["the mix of answers"]

    def test_its_document_holds_what_a_pipeline_asks(self, tmp_path: Path) -> None:
        plain = self.fit(tmp_path, flips=np.float32(0.1)).to_dict()
        assert (plain["model"], plain["stale"], plain["callers"]) == ("m", True, 100)
        assert len(plain["changes"]) == 1
