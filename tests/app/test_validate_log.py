from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

from app.own_logs import answer, opened, table, written
from caponier.app.build_baseline import build_baseline
from caponier.app.detection_plan import Terms
from caponier.app.own_log_report import OwnLogReport
from caponier.app.validate_log import BUDGETS, Effort, OwnModelServer, _lacking, _rising, validate_log
from caponier.app.workspace import create_workspace, load_workspace
from caponier.emulate.oracle import RefusedError
from caponier.emulate.victims.client import RemoteError, RemoteModel
from caponier.engines.spool import Spool
from caponier.errors import InputError
from caponier.records.alert_budget import AlertBudget

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
    assert [one.budget for one in report.budgets] == list(BUDGETS)
    assert report.budget == AlertBudget(per_week=2.0)
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


def test_a_workspaces_budget_counts_and_one_without_baselines_learns(log: Path, tmp_path: Path) -> None:
    create_workspace(tmp_path / "w")
    home = load_workspace(tmp_path / "w")
    assert home is not None
    settings = home.detect.model_copy(update={"alert_budget": AlertBudget(per_week=5.0)})
    report = validate_log([log], workspace=home.model_copy(update={"detect": settings}), effort=Effort(1, ("nes",), ()))
    assert report.learned > 0
    assert report.budgets[report.asked].budget == AlertBudget(per_week=5.0)
    assert len(report.budgets) == len(BUDGETS) + 1


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


def test_rates_come_first_and_rise() -> None:
    bound, few, many = AlertBudget(bound=0.01), AlertBudget(per_week=1.0), AlertBudget(per_week=9.0)
    assert _rising({bound, many, few}) == [few, many, bound]


def test_a_log_without_scores_lacks_what_scores_switch_on(tmp_path: Path) -> None:
    with Spool() as spool:
        summary = opened(spool, written(tmp_path, table(scores=None))).summary
    gaps = {gap.advice.split(";")[0]: gap.detectors for gap in _lacking(summary, Terms.of(None))}
    assert {"information_spend", "score_climb"} <= set(gaps["no event has scores"])
