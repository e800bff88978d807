from pathlib import Path

import pytest

from caponier.errors import InputError
from caponier.matrix.versions.catalogue import load as load_matrix
from caponier.records.response_action import ActionKind
from caponier.respond.effects import EFFECTS
from caponier.respond.playbook import ActionScope, load, parse, shipped
from caponier.respond.settings import DEFAULT, RespondSettings

BOOK = """\
schema: caponier.playbook/1
name: ours
rules:
- name: floods
  reason: Too much.
  when: {techniques: [AMLTM.IMPACT.02], severity: high}
  actions:
  - {kind: throttle, scope: actor, duration: 30m, parameters: {per_minute: 5}}
"""


def wrong(text: str) -> str:
    with pytest.raises(InputError) as refused:
        parse(text, "ours.yaml")
    assert refused.value.exit_code == 2
    return str(refused.value)


def test_a_playbook_is_read() -> None:
    (rule,) = parse(BOOK, "ours.yaml").rules
    (move,) = rule.actions
    assert (move.kind, move.scope, move.duration.total_seconds()) == (ActionKind.THROTTLE, ActionScope.ACTOR, 1800)
    assert not move.needs_approval


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("reason:", "raeson:", "rules[floods].raeson: unknown key\nDid you mean 'reason'?"),
        ("severity:", "severty:", "rules[floods].when.severty: unknown key\nDid you mean 'severity'?"),
        ("duration:", "duratoin:", "rules[floods].actions[#1].duratoin: unknown key\nDid you mean 'duration'?"),
        ("name: ours", "nmae: ours", "nmae: unknown key\nDid you mean 'name'?"),
        ("name: ours", "name: ours\nqqq: 1", "Known here: schema, name, description, rules."),
        ("per_minute", "per_minuet", "throttle has no parameter 'per_minuet'. Did you mean 'per_minute'?"),
        ("{per_minute: 5}", "{per_minute: 0}", "a throttle needs per_minute above 0"),
        ("{per_minute: 5}", "{per_minute: 5, burst: 0.5}", "use block"),
        ("{per_minute: 5}", "{per_minute: yes}", "per_minute is not a number"),
        ("{per_minute: 5}", "{per_minute: .nan}", "per_minute is not a number"),
        ("30m", "for ever", "expected a duration such as 30m, 24h or 7d"),
        ("30m", "0m", "every one of them ends by itself"),
        ("30m", "367d", "every one of them ends by itself"),
        ("AMLTM.IMPACT.02", "AMLTM.IMPACT.20", "no technique 'AMLTM.IMPACT.20'. Did you mean 'AMLTM.IMPACT.0"),
        ("AMLTM.IMPACT.02", "T9999", "no ATT&CK technique 'T9999'"),
        ("AMLTM.IMPACT.02", "7", "expected the id of a technique"),
        ("scope: actor", "scope: rows", "throttle cannot be done to scope rows; it can be to: actor, model, source"),
        ("kind: throttle", "kind: invent_answer", "Input should be 'block'"),
        ("playbook/1", "playbook/2", "schema: Input should be 'caponier.playbook/1'"),
        ("severity: high", "severity: awful", "rules[floods].when.severity"),
        ("name: floods", "name: floods\n  name: again", "the key 'name' is there twice"),
        ("name: ours", "name: &x ours\ndescription: *x", "YAML aliases are not read here"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(old: str, new: str, said: str) -> None:
    assert old in BOOK
    assert said in wrong(BOOK.replace(old, new, 1))


def test_two_rules_of_one_name_are_refused() -> None:
    assert "two rules have the name 'floods'" in wrong(BOOK + BOOK[BOOK.index("- name: floods") :])


@pytest.mark.parametrize(
    "text", ["", "[]", "a: [", "!!python/object:os.system {}", "x: " + "[" * 40 + "]" * 40, "{[1]: 2}"]
)
def test_what_is_no_playbook_is_refused(text: str) -> None:
    assert "ours.yaml" in wrong(text)


def test_a_huge_file_is_refused() -> None:
    assert "larger than 256 KiB" in wrong("# " + "x" * 300_000)


def test_the_shipped_playbook_can_do_what_it_names() -> None:
    book = shipped()
    used = {(move.kind, move.scope) for rule in book.rules for move in rule.actions}
    assert {kind for kind, _ in used} >= set(ActionKind) - {ActionKind.HOLD}
    assert all(rule.actions for rule in book.rules)


@pytest.mark.parametrize("kind", list(ActionKind))
def test_no_action_lets_a_model_invent_an_answer(kind: ActionKind) -> None:
    effect = EFFECTS[kind]
    assert effect.does
    assert effect.undo
    assert not {"decoy", "invent", "surrogate", "synthetic"} & set(effect.does.lower().split())


def test_every_technique_of_the_shipped_playbook_is_known() -> None:
    matrix = load_matrix()
    named = [id_.id for rule in shipped().rules for id_ in rule.when.techniques if id_.matrix == "amltm-2020"]
    assert named
    assert all(id_ in matrix for id_ in named)


# -- a workspace's own


def test_a_rule_of_the_same_name_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(BOOK.replace("name: floods", "name: flood"))
    rules = {rule.name: rule for rule in load(RespondSettings(playbooks=(Path("ours.yaml"),)), tmp_path)}
    assert rules["flood"].reason == "Too much."
    assert len(rules) == len(shipped().rules)


def test_the_shipped_playbook_can_be_switched_off(tmp_path: Path) -> None:
    assert load(RespondSettings(shipped_playbook=False), tmp_path) == ()
    assert load(DEFAULT, tmp_path) == shipped().rules


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_playbook_that_cannot_be_read_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "ours.yaml").write_bytes(content)
    with pytest.raises(InputError, match=r"ours\.yaml"):
        load(RespondSettings(playbooks=(Path("ours.yaml"),)), tmp_path)
