"""The file of claims names rules and stories that exist; see also tests/app/coverage/test_detectors.py."""

from caponier.coverage.log_emulations import log_emulations
from caponier.detect.sigma.rule_files import RuleDocument, own_rules
from caponier.emulate.registry import stories


def test_every_rule_and_every_story_is_there() -> None:
    rules = {document.content["name"] for document in own_rules() if isinstance(document, RuleDocument)}
    assert set(log_emulations()) <= rules
    assert {story for named in log_emulations().values() for story in named} <= set(stories())
    assert all(log_emulations().values())
