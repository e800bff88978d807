"""Every rule that ships with the package: well formed, named, tagged, and proven by recorded events."""

import re
from pathlib import Path

import pytest
import yaml

from caponier.detect.assets.scope import Scope
from caponier.detect.log import LogMatch
from caponier.detect.sigma.rule_files import RuleDocument, own_rules
from caponier.detect.sigma.sigma import Sigma
from caponier.matrix.technique import Color
from caponier.matrix.versions.catalogue import DEFAULT, load
from caponier.records.inventory import System
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import read_logs

CASES = Path(__file__).parents[2] / "cases" / "rules"
SYSTEM = System(
    name="digits",
    hosts=("gpu-01",),
    accounts=("svc-model-sync",),
    buckets=("ml-models",),
    registries=("ml/serve",),
    endpoints=("models.example.org", "digits"),
    models=("digits",),
    namespaces=("ml",),
    instances=("i-0ml",),
)
CORRELATIONS = {
    "model_slow_read",
    "store_objects_deleted",
    "login_two_countries",
    "login_then_export",
    "model_bulk_read",
    "model_files_encrypted",
    "model_store_encrypted",
    "pull_then_run",
    "secrets_bulk_read",
    "model_weights_read",
}

ELSEWHERE = {"mail_phishing_delivered", "idp_login_risky", "console_login_outside"}
"""Rules that are there for the context: what they see happens before an ML system is touched."""


@pytest.fixture(scope="module")
def sigma() -> Sigma:
    return Sigma()


def documents() -> list[RuleDocument]:
    return [document for document in own_rules() if isinstance(document, RuleDocument)]


def matches(sigma: Sigma, file: Path, rule: str) -> list[LogMatch]:
    with RejectedRows() as rejected, sigma.start(Scope([SYSTEM])) as run:
        for read in read_logs([file], rejected):
            run.feed(read.events)
        assert rejected.count == 0, rejected.first
        return [match for match in run.matches() if match.rule.name == f"sigma:{rule}"]


def names() -> list[str]:
    return sorted(path.name for path in CASES.iterdir())


def test_every_rule_that_speaks_has_a_case(sigma: Sigma) -> None:
    assert [f"sigma:{name}" for name in names()] == sorted(rule.name for rule in sigma.rules)


@pytest.mark.parametrize("rule", names())
def test_the_recorded_attack_is_seen(sigma: Sigma, rule: str) -> None:
    assert matches(sigma, CASES / rule / "positive.jsonl", rule)


@pytest.mark.parametrize("rule", names())
def test_what_only_looks_like_it_is_not(sigma: Sigma, rule: str) -> None:
    assert matches(sigma, CASES / rule / "negative.jsonl", rule) == []


@pytest.mark.parametrize("rule", sorted(set(names()) - ELSEWHERE))
def test_the_recorded_attack_touches_the_ml_system(sigma: Sigma, rule: str) -> None:
    assert any(match.systems == ("digits",) for match in matches(sigma, CASES / rule / "positive.jsonl", rule))


def test_none_is_bad_and_every_technique_is_known(sigma: Sigma) -> None:
    assert sigma.bad == ()
    assert sigma.notes == ()


def test_they_cover_white_techniques(sigma: Sigma) -> None:
    founding = load(DEFAULT)
    covered = {ref.id for rule in sigma.rules for ref in rule.techniques if ref.matrix == DEFAULT}
    assert all(founding.technique(id_).color is Color.WHITE for id_ in covered)
    assert {
        "AMLTM.INIT.02",
        "AMLTM.INIT.03",
        "AMLTM.INIT.04",
        "AMLTM.INIT.05",
        "AMLTM.EXEC.03",
        "AMLTM.PERSIST.02",
        "AMLTM.PERSIST.03",
        "AMLTM.EXFIL.03",
        "AMLTM.IMPACT.04",
        "AMLTM.IMPACT.06",
    } <= covered


def test_every_rule_names_attack_first_and_the_2020_entry_last(sigma: Sigma) -> None:
    for rule in sigma.rules:
        matrices = [ref.matrix for ref in rule.techniques]
        assert matrices == sorted(matrices, key=["attack", "atlas", "amltm-2020"].index), rule.name
        assert matrices[-1] == "amltm-2020", rule.name


def test_the_correlations_are_there(sigma: Sigma) -> None:
    written = {document.content["name"] for document in documents() if "correlation" in document.content}
    assert written == CORRELATIONS


@pytest.mark.parametrize("document", documents(), ids=lambda document: document.content["name"])
def test_every_rule_is_complete(document: RuleDocument) -> None:
    content = document.content
    assert content["author"] == "Caponier"
    assert content["status"] == "experimental"
    assert content["level"] in ("informational", "low", "medium", "high", "critical")
    assert content["falsepositives"]
    assert len(content["description"]) > 40
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", content["id"])
    assert any(tag.startswith("attack.t") for tag in content["tags"])


def test_ids_and_names_are_unique() -> None:
    ids = [document.content["id"] for document in documents()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("document", documents(), ids=lambda document: document.content["name"])
def test_a_rule_survives_yaml_and_back(document: RuleDocument) -> None:
    assert yaml.safe_load(yaml.safe_dump(document.content)) == document.content
