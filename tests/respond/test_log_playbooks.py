"""What the shipped playbook orders for findings over security logs: what an SOC does, to what was acted on."""

import pytest

from caponier.records.finding import Evidence, SubjectRef
from caponier.records.response_action import ActionKind
from caponier.respond.plan import in_words, plan
from caponier.respond.playbook import shipped
from caponier.respond.settings import DEFAULT
from respond.made import NOW, joined, log_finding, workspace

KEY = "account svc-sync, key AKIAIOSFODNN7EXAMPLE"


@pytest.mark.parametrize(
    ("technique", "target", "kind"),
    [
        ("T1098", KEY, ActionKind.REVOKE),
        ("T1098", "secrets ml/t", ActionKind.REVOKE),
        ("T1098", "bucket ml-models", ActionKind.RESTORE),
        ("T1098", "rolebindings ml/eve", ActionKind.RESTORE),
        ("T1530", "bucket ml-models", ActionKind.CLOSE),
        ("T1525", "deployments ml/vision", ActionKind.RESTORE),
        ("T1489", "deployments ml/vision", ActionKind.RESTORE),
        ("T1486", "host gpu-01", ActionKind.ISOLATE),
        ("T1190", "host gpu-01", ActionKind.ISOLATE),
    ],
)
def test_what_was_acted_on_gets_its_order(technique: str, target: str, kind: ActionKind) -> None:
    facts = {"account": ["ada"], "address": ["10.0.0.1"], "host": ["gpu-01"], "targets": [target]}
    hit = log_finding(1, "ada", techniques=(technique,), evidence=Evidence("rule", 1, 1, facts=facts))
    (incident,) = joined(hit).incidents
    made = plan(incident, [hit], shipped().rules, workspace(), DEFAULT, author="eva", now=NOW)
    orders = {(action.kind, action.scope.id) for action in made.actions}
    assert (kind, target) in orders
    assert all(action.needs_approval for action in made.actions if action.scope.id == target)


def test_only_what_has_credentials_has_them_revoked() -> None:
    facts = {"account": ["ada"], "address": ["10.0.0.1"], "targets": ["bucket ml-models"]}
    hit = log_finding(1, "ada", techniques=("T1098",), evidence=Evidence("rule", 1, 1, facts=facts))
    (incident,) = joined(hit).incidents
    made = plan(incident, [hit], shipped().rules, workspace(), DEFAULT, author="eva", now=NOW)
    assert not [one for one in made.actions if one.kind is ActionKind.REVOKE and one.scope.kind == "asset"]


@pytest.mark.parametrize(
    ("scope", "kind", "words"),
    [
        (SubjectRef("asset", "bucket ml-models"), ActionKind.RESTORE, "the bucket ml-models"),
        (SubjectRef("asset", "open-weights"), ActionKind.CLOSE, "the asset open-weights"),
        (SubjectRef("address", "203.0.113.9"), ActionKind.REVOKE, "whoever came from the address 203.0.113.9"),
        (SubjectRef("address", "203.0.113.9"), ActionKind.BLOCK, "the address 203.0.113.9"),
        (SubjectRef("account", "ada"), ActionKind.REVOKE, "the account ada"),
    ],
)
def test_an_order_names_what_people_know_it_by(scope: SubjectRef, kind: ActionKind, words: str) -> None:
    assert in_words(scope, kind) == words
