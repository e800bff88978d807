from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import pytest

from app.planting.own_logs import answer, inputs, opened, table, written
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.plan import DetectionSettings
from caponier.app.planting.own_attacks import AttackRun
from caponier.app.planting.report import OwnLogReport
from caponier.app.planting.validate_log import (
    ALPHAS,
    Effort,
    OwnModelServer,
    _lacking,
    _most,
    _unenriched,
    validate_log,
)
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.detect.calibration.judging import ALPHA
from caponier.emulate.caller.oracle import RefusedError
from caponier.emulate.victims.client import RemoteError, RemoteModel
from caponier.engines.spool import Spool
from caponier.errors import InputError
from caponier.telemetry.rejections import RejectedRows

FEW = Effort(2, ("nes", "simba"), ("scores",), 1)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("own"), table(60, 30))


@pytest.fixture(scope="module")
def report(log: Path) -> OwnLogReport:
    return validate_log([log], effort=FEW)


@contextmanager
def served(predict: object) -> Iterator[None]:
    with patch.object(RemoteModel, "predict_proba", predict):
        yield


def test_it_says_what_was_done(log: Path, report: OwnLogReport) -> None:
    assert report.model == "churn"
    assert report.attacked == "a surrogate"
    assert report.agreement > 0.8
    assert report.learned + report.scanned == 60
    assert [(one.kind, one.planted, len(one.caught)) for one in report.kinds] == [("nes", 2, 5), ("simba", 2, 5)]
    assert [one.alpha for one in report.alphas] == list(ALPHAS)
    assert report.alpha == ALPHA
    assert all(few <= many for one in report.kinds for few, many in pairwise(one.caught))
    assert report.removed.keys() == {"scores"}
    assert report.skipped == () or all(skip.what.startswith("churn") for skip in report.skipped)


def test_it_says_what_the_log_lacks(report: OwnLogReport) -> None:
    gaps = {name: gap.advice for gap in report.lacking for name in gap.detectors}
    assert "cost" in gaps["sponge"]
    assert "feedback" in gaps["feedback_skew"]
    assert "novelty" not in gaps


def test_the_log_itself_is_left_alone(log: Path) -> None:
    before, beside = log.read_bytes(), sorted(log.parent.iterdir())
    validate_log([log], effort=Effort(1, ("nes",), ()))
    assert log.read_bytes() == before
    assert sorted(log.parent.iterdir()) == beside


def test_the_same_seed_gives_the_same_report(log: Path) -> None:
    first, again = (validate_log([log], effort=Effort(1, ("nes",), (), 3)).to_dict() for _ in range(2))
    del first["seconds"], again["seconds"]
    assert first == again


def test_a_served_copy_is_attacked(log: Path) -> None:
    with served(lambda _, rows, batch: answer(rows)):
        report = validate_log([log], server=OwnModelServer("http://127.0.0.1:9"), effort=Effort(1, ("simba",), ()))
    assert (report.attacked, report.agreement) == ("http://127.0.0.1:9", 1.0)


@pytest.mark.parametrize("error", [RefusedError("no more"), RemoteError("out of reach")])
def test_a_copy_that_does_not_answer_is_a_wrong_request(error: Exception, log: Path) -> None:
    def fail(*_: object, batch: int) -> None:
        raise error

    with served(fail), pytest.raises(InputError, match=str(error)):
        validate_log([log], server=OwnModelServer("http://127.0.0.1:9"), effort=FEW)


def test_a_given_baseline_is_used_and_everybody_is_scanned(log: Path) -> None:
    known = build_baseline([log]).baseline
    report = validate_log([log], baseline=known, effort=Effort(1, ("nes",)))
    assert (report.learned, report.scanned) == (0, 60)
    assert report.removed == {}


def test_a_workspaces_share_counts_and_one_without_baselines_learns(log: Path, tmp_path: Path) -> None:
    create_workspace(tmp_path / "w")
    home = load_workspace(tmp_path / "w")
    assert home is not None
    settings = home.detect.model_copy(update={"alpha": 0.02})
    report = validate_log([log], workspace=home.model_copy(update={"detect": settings}), effort=Effort(1, ("nes",), ()))
    assert report.learned > 0
    assert report.alphas[report.asked].alpha == 0.02
    assert [one.alpha for one in report.alphas] == sorted({*ALPHAS, 0.02})


def test_the_share_that_is_asked_for_counts_for_more_than_the_baselines(log: Path) -> None:
    known = build_baseline([log], alpha=0.05).baseline
    reports = [
        validate_log([log], baseline=known, alpha=alpha, effort=Effort(1, ("nes",), ())) for alpha in (None, 0.2)
    ]
    assert [one.alpha for one in reports] == [0.05, 0.2]


@pytest.mark.parametrize(
    ("only", "words"),
    [
        (("hop_skip_jmp",), "Did you mean 'hop_skip_jump'"),
        (("square",), "can be planted"),
        (("sponge",), "can be planted"),
    ],
)
def test_attacks_that_are_not_there_are_refused(only: tuple[str, ...], words: str, log: Path) -> None:
    with pytest.raises(InputError, match=words):
        validate_log([log], effort=Effort(1, only, ()))


def test_nobody_left_to_scan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="callers are left to plant attackers among"):
        validate_log([written(tmp_path, table(3, 40))], effort=FEW)


def test_a_baseline_of_another_model_is_refused(log: Path, tmp_path: Path) -> None:
    other = build_baseline([written(tmp_path, table(model=["other"] * 600))]).baseline
    with pytest.raises(InputError, match="churn: the baseline knows nothing of this model"):
        validate_log([log], baseline=other, effort=FEW)


def test_other_models_are_named(tmp_path: Path) -> None:
    models = ["churn"] * 1_500 + ["fraud"] * 300
    report = validate_log([written(tmp_path, table(60, 30, model=models))], effort=Effort(1, ("nes",), ()))
    assert {skip.what: skip.reason for skip in report.skipped}["fraud"] == "is another model; name it with --model"


def test_who_names_a_model_does_not_mean_the_others(tmp_path: Path) -> None:
    models = ["churn"] * 1_500 + ["fraud"] * 300
    path = written(tmp_path, table(60, 30, model=models))
    report = validate_log([path], model="churn", effort=Effort(1, ("nes",), ()))
    assert "fraud" not in {skip.what for skip in report.skipped}


def test_what_no_log_can_show_is_not_left_out(log: Path) -> None:
    shown = validate_log([log], effort=Effort(1, ("nes", "sponge"), ()))
    assert [skip.what for skip in shown.skipped if skip.what == "sponge"] == ["sponge"]
    with (
        patch("caponier.app.planting.validate_log._runs", side_effect=lambda chosen, *_: iter([_deed(chosen)])),
        patch("caponier.app.planting.validate_log.PLANTED", 2**40),
    ):
        whole = validate_log([log], effort=Effort(1, (), ()))
    assert not {"membership_inference", "sponge"} & {skip.what for skip in whole.skipped}
    assert {"square", "adaptive"} <= {skip.what for skip in whole.skipped}


def _deed(chosen: Mapping[str, object]) -> AttackRun:
    assert "simba" in chosen
    asked = inputs(20)
    return AttackRun("simba", asked, answer(asked), success=True)


def test_inputs_of_another_length_are_rejected(tmp_path: Path) -> None:
    rows = [row[:2] if at < 5 else row for at, row in enumerate(table(60, 30)["input"].to_pylist())]
    rejected = RejectedRows()
    report = validate_log(
        [written(tmp_path, table(60, 30, input=rows))], effort=Effort(1, ("nes",), ()), rejected=rejected
    )
    assert report.rejected == rejected.count == 5


def test_more_than_fits_into_memory_is_refused_before_it_is_tried(log: Path) -> None:
    with pytest.raises(InputError, match="--attackers"):
        validate_log([log], effort=Effort(1_000_000, ("nes",), ()))


def test_attackers_need_something_to_begin_with(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\b30 inputs\b"):
        validate_log([written(tmp_path, table(60, 2))], effort=FEW)


def test_of_large_inputs_fewer_are_drawn(tmp_path: Path) -> None:
    with Spool() as spool, patch("caponier.app.planting.validate_log.DRAWN", 30):
        assert _most(opened(spool, written(tmp_path, table())), 1_000) == 10


def test_callers_without_predictions_are_nothing_to_learn_from(tmp_path: Path) -> None:
    kinds = ["predict" if at < 60 else "metadata" for at in range(1_800)]
    asked = [f"user-{at % 60:03d}" if at >= 60 else "user-000" for at in range(1_800)]
    path = written(tmp_path, table(60, 30, operation=kinds, principal=asked))
    with pytest.raises(InputError, match=r"^.*churn: .*\b3 values"):
        validate_log([path], effort=FEW)


@pytest.mark.parametrize("url", ["http://me:secret@h:1", "http://h:1/v2?key=secret"])
def test_an_address_with_a_secret_in_it_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InputError, match="CAPONIER_URL_KEY") as failed:
        OwnModelServer(url)
    assert "secret" not in str(failed.value)


def test_a_log_without_scores_lacks_what_scores_switch_on(tmp_path: Path) -> None:
    with Spool() as spool:
        summary = opened(spool, written(tmp_path, table(scores=None))).summary
    gaps = {gap.advice.split(";")[0]: gap.detectors for gap in _lacking(summary, DetectionSettings.of(None))}
    assert {"information_spend", "score_climb"} <= set(gaps["no event has scores"])


def test_who_is_told_apart_by_address_is_named(tmp_path: Path) -> None:
    with Spool() as spool:
        summary = opened(spool, written(tmp_path, table(principal=None))).summary
    assert not [gap for gap in _lacking(summary, DetectionSettings.of(None)) if "nobody is named" in gap.advice]


def test_what_is_planted_is_not_enriched_and_it_is_said(tmp_path: Path) -> None:
    with Spool() as spool:
        summary = opened(spool, written(tmp_path, table())).summary
    assert not list(_unenriched(summary))
    assert "read occlusion cannot see it" in next(_unenriched(replace(summary, enriched={"occlusion": 7})))
