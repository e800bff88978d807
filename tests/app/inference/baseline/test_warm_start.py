import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest

from app.inference.event_files import FirstFeature, log, only, rows, users
from caponier.app.inference.baseline.build import BaselineReport, build_baseline
from caponier.app.inference.baseline.set_aside import Overrules
from caponier.app.inference.baseline.story import stories
from caponier.app.inference.baseline.warm_start import warm_start
from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.detect.calibration.baseline import Baseline, ModelBaseline, Warm, digest_of
from caponier.detect.calibration.judging import FEWEST
from caponier.records.finding import Basis
from caponier.records.inventory import FeatureSpec

SPEC = FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0)
CALM: dict[str, Any] = {"input": lambda i: [i % 7, i % 4 * 30 + i // 4 % 7]}
COLD = 100.0


def built(
    folder: Path, version: str | None, n: int, *more: list[dict[str, Any]], **how: Any
) -> tuple[BaselineReport, Path]:
    file = log(folder, users(n, model_version=version, **CALM), *more, name=f"v{version}-{n}.jsonl")
    return build_baseline([file], spec=how.get("spec", SPEC)), file


@cache
def old_baseline() -> Baseline:
    """Return what was learned of 60 users of version 1, by the detector that the tests run alone."""
    with TemporaryDirectory() as folder, only(FirstFeature(), COLD):
        return built(Path(folder), "1", 60)[0].baseline


def warm(
    folder: Path, n: int, *more: list[dict[str, Any]], known: Baseline | None = None, **how: Any
) -> BaselineReport:
    with only(FirstFeature(), COLD):
        old = known or old_baseline()
        report, file = built(folder, "2", n, *more, **how)
        return warm_start(report, [file], old)


def overruled(folder: Path, n: int, *more: list[dict[str, Any]], **said: Any) -> BaselineReport:
    with only(FirstFeature(), COLD):
        old = old_baseline()
        file = log(folder, users(n, model_version="2", **CALM), *more, name="v2.jsonl")
        report = build_baseline([file], spec=SPEC, overrules=Overrules(**said))
        return warm_start(report, [file], old)


def section_of(report: BaselineReport, version: str = "2") -> ModelBaseline:
    (section,) = [one for one in report.baseline.models if one.version == version]
    return section


def scanned(folder: Path, baseline: Baseline, version: str, first: int) -> ScanReport:
    loud = rows(4, 9000, principal="bad", model_version=version, input=lambda i: [first, i % 127])
    with only(FirstFeature(), COLD):
        return scan_inference([log(folder, loud, name="today.jsonl")], baseline)


class TestTaken:
    def test_ranks_and_what_all_say_together_are_those_of_the_old_version(self, tmp_path: Path) -> None:
        report = warm(tmp_path, 12)
        section, old = section_of(report), section_of(report, "1")
        assert section.warm == Warm("1", 12)
        kept, known = (one.detectors["first_feature"] for one in (section, old))
        assert kept.ranks is known.ranks
        assert section.tails is old.tails
        assert section.principals == old.principals == 60

    def test_no_score_counts_that_a_principal_of_the_new_version_reached(self, tmp_path: Path) -> None:
        higher = rows(4, 900, principal="high", model_version="2", input=lambda i: [40, i % 4 * 30])
        learned = section_of(warm(tmp_path, 12, higher)).detectors["first_feature"]
        assert (learned.least, learned.peak) == (40, 40)
        assert section_of(warm(tmp_path, 12)).detectors["first_feature"].least == 6

    def test_who_is_dropped_by_the_user_counts_here_no_more_than_elsewhere(self, tmp_path: Path) -> None:
        """Or an attacker whom everybody knows would set the limit below which its own attack is nothing."""
        bad = rows(4, 900, principal="bad", model_version="2", input=lambda i: [120, i % 127])
        learned = section_of(overruled(tmp_path, 12, bad, drop=frozenset({"bad"}))).detectors["first_feature"]
        assert (learned.least, learned.peak) == (6, 6)

    def test_what_analysts_called_benign_is_spared_by_what_is_taken_too(self, tmp_path: Path) -> None:
        said = {("m", "first_feature"): {"principal camera": 100.0}}
        section = section_of(overruled(tmp_path, 12, benign=said))
        assert section.detectors["first_feature"].allowed == {digest_of("principal camera"): 100.0}

    def test_the_old_section_is_kept_beside_the_new_one(self, tmp_path: Path) -> None:
        report = warm(tmp_path, 12)
        assert [one.version for one in report.baseline.models] == ["2", "1"]
        assert section_of(report, "1").warm is None

    def test_it_comes_back_from_a_file(self, tmp_path: Path) -> None:
        report = warm(tmp_path, 12)
        (tmp_path / "b").write_bytes(report.baseline.to_bytes())
        again = {one.version: one for one in Baseline.load(tmp_path / "b").models}
        assert (again["1"].warm, again["2"].warm) == (None, Warm("1", 12))

    def test_it_is_said_what_was_taken_and_until_when(self, tmp_path: Path) -> None:
        assert any(
            "12 callers of version 2 were seen, so scale, parameters and ranks are still those of version 1" in note
            for note in warm(tmp_path, 12).notes
        )

    def test_an_attacker_among_the_few_new_ones_sets_no_limit_and_is_told_of(self, tmp_path: Path) -> None:
        odd = rows(4, 900, principal="odd", model_version="2", input=lambda i: [120, i % 127])
        with patch.object(FirstFeature, "suspect", 30.0):
            report = warm(tmp_path, 12, odd)
        assert section_of(report).detectors["first_feature"].least == 6
        assert any("principal odd scores far above all other" in n and n.endswith("--drop odd") for n in report.notes)

    def test_callers_who_are_others_are_noted(self, tmp_path: Path) -> None:
        other = rows(1_200, 900, principal=lambda i: f"x{i // 60}", model_version="2", input=lambda i: [90, i % 127])
        with only(FirstFeature(), COLD):
            asked = users(60, 60, model_version="1", input=lambda i: [i % 7, i % 127])
            known = build_baseline([log(tmp_path, asked, name="long.jsonl")], spec=SPEC).baseline
        notes = warm(tmp_path, 2, other, known=known).notes
        assert any("callers are others than those of version 1; changed: " in note for note in notes)


class TestNotTaken:
    def test_enough_principals_need_nothing(self, tmp_path: Path) -> None:
        report = warm(tmp_path, FEWEST)
        assert section_of(report).warm is None
        assert f"m: nothing is taken from version 1; {FEWEST} callers are enough" in report.notes

    @pytest.mark.parametrize("version", ["2", None])
    def test_the_same_version_is_no_earlier_one(self, version: str | None, tmp_path: Path) -> None:
        with only(FirstFeature(), COLD):
            known = built(tmp_path, version, 60)[0].baseline
            report, file = built(tmp_path, version, 12)
            found = warm_start(report, [file], known)
        assert [one.warm for one in found.baseline.models] == [None]
        assert "m: nothing is taken from the earlier baseline; it holds no other version" in found.notes

    def test_other_inputs_are_no_help(self, tmp_path: Path) -> None:
        report = warm(tmp_path, 12, spec=FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=200.0))
        assert section_of(report).warm is None
        assert "m: nothing is taken from version 1; it takes other inputs" in report.notes


class TestScan:
    def test_what_is_found_is_an_estimate_above_both_versions(self, tmp_path: Path) -> None:
        higher = rows(4, 900, principal="high", model_version="2", input=lambda i: [40, i % 4 * 30])
        report = scanned(tmp_path, warm(tmp_path, 12, higher).baseline, "2", 90)
        (finding,) = report.findings
        assert finding.evidence.basis is Basis.ESTIMATE
        assert finding.evidence.threshold >= 40
        assert "m: ranks are those of version 1, since only 13 callers are of this version" in report.notes

    def test_cold_the_same_log_finds_nothing(self, tmp_path: Path) -> None:
        with only(FirstFeature(), COLD):
            cold = built(tmp_path, "2", 12)[0].baseline
        assert scanned(tmp_path, cold, "2", 90).findings == []

    def test_a_log_of_an_unknown_version_is_judged_by_estimates(self, tmp_path: Path) -> None:
        with only(FirstFeature(), COLD):
            known = built(tmp_path, "1", 60)[0].baseline
        report = scanned(tmp_path, known, "3", 90)
        assert [one.evidence.basis for one in report.findings] == [Basis.ESTIMATE]
        assert any("the baseline is of version 1, most events of version 3" in note for note in report.notes)

    def test_old_and_new_logs_find_their_own_sections(self, tmp_path: Path) -> None:
        higher = rows(4, 900, principal="high", model_version="2", input=lambda i: [40, i % 4 * 30])
        baseline = warm(tmp_path, 12, higher).baseline
        assert len(scanned(tmp_path, baseline, "1", 39).findings) == 1
        assert scanned(tmp_path, baseline, "2", 39).findings == []


class TestStory:
    def test_a_warm_section_promises_nothing(self, tmp_path: Path) -> None:
        report = warm(tmp_path, 12)
        with only(FirstFeature(), COLD):
            story = next(one for one in stories(report.baseline) if one.section.version == "2")
        assert re.findall(r"\d+", story.promise) == ["12", "2"]
        assert story.statuses[0].needed is not None
        assert any("m: started warm, from version 1 and 12 callers of version 2" in line for line in story.lines)
