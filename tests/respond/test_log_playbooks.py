"""What the shipped playbook orders for findings over security logs: what an SOC does, to what was acted on."""

import pytest

from caponier.records.finding import Evidence
from caponier.records.response_action import ActionKind
from caponier.respond.plan import plan
from caponier.respond.playbook import shipped
from caponier.respond.settings import DEFAULT
from respond.made import NOW, joined, log_finding, workspace

KEY = "account svc-sync, key AKIAIOSFODNN7EXAMPLE"


@pytest.mark.parametrize(
    ("technique", "target", "kind"),
    [
        ("T1098", KEY, ActionKind.REVOKE),
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
