"""Playbooks from strangers: each is read as it is meant or refused in a sentence, and none of them does harm."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.formats.strict_yaml import read_value
from caponier.records.response_action import ActionKind
from caponier.respond.playbook import BYTES, DIALECT, ActionScope, load, parse, shipped
from caponier.respond.settings import RespondSettings, read_settings
from pace import Stopwatch

HEAD = "schema: caponier.playbook/1\nname: mine\n"
MOVE = {"kind": "block", "scope": "actor", "duration": "1h"}
BIG = "1:" * 40_000 + "1"
"""YAML reads colons between digits as base 60: a number of a hundred thousand digits."""


class Plain(yaml.SafeDumper):
    """Writes everything out, for a playbook with anchors is refused for them alone."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def book(*rules: dict[str, Any]) -> str:
    return yaml.dump({"schema": "caponier.playbook/1", "name": "mine", "rules": list(rules)}, Dumper=Plain)


def refusal(text: str) -> str | None:
    """What is said against a text, or None if it is read."""
    try:
        read_value(text, "here", DIALECT)
    except InputError as refused:
        return str(refused)
    return None


def rule(name: str = "r", **changes: Any) -> dict[str, Any]:
    return {"name": name, "reason": "because", "when": {}, "actions": [MOVE], **changes}


def move(**changes: Any) -> str:
    return book(rule(actions=[{**MOVE, **changes}]))


HOSTILE = {
    "a Python object": HEAD + "rules: !!python/object/apply:os.system ['true']",
    "a bool that is none": HEAD + "rules: !!bool maybe",
    "a moment that is none": HEAD + "rules: !!timestamp never",
    "a number that is none": HEAD + "rules: !!float ''",
    "a whole number that is none": HEAD + "rules: !!int x",
    "bytes": HEAD + "rules: !!binary aaaa",
    "a set": HEAD + "rules: !!set {a, b}",
    "pairs": HEAD + "rules: !!pairs [a: 1]",
    "an anchor": HEAD + "rules: &a []\ndescription: *a",
    "a bomb": "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(50)),
    "two documents": f"{HEAD}rules: []\n---\n{HEAD}rules: []",
    "deep brackets": HEAD + "rules: " + "[" * 5000,
    "deep blocks": HEAD + "rules:\n" + "- " * 5000,
    "a key twice": HEAD + "rules: []\nrules: []",
    "a name of many digits": f"schema: caponier.playbook/1\nname: {BIG}\nrules: []",
    "a rate of many digits": HEAD
    + "rules: [{name: r, reason: x, actions: [{kind: throttle, scope: actor, duration: 1h, "
    + f"parameters: {{per_minute: {BIG}}}}}]}}]",
    "no number": move(kind="throttle", parameters={"per_minute": float("nan")}),
    "an endless rate": move(kind="throttle", parameters={"per_minute": float("inf")}),
    "a rate below nothing": move(kind="throttle", parameters={"per_minute": -1}),
    "a rate that is a bool": move(kind="throttle", parameters={"per_minute": True}),
    "a rate in words": move(kind="throttle", parameters={"per_minute": "6"}),
    "a throttle that blocks": move(kind="throttle", parameters={"per_minute": 6, "burst": 0}),
    "half a decimal": move(kind="round", parameters={"decimals": 0.5}),
    "too many decimals": move(kind="round", parameters={"decimals": 7}),
    "no end": move(duration="0h"),
    "an end beyond all": move(duration="99999d"),
    "an end in no words": move(duration=24),
    "an end in other digits": move(duration="\u0664\u0662x"),
    "an action that invents an answer": move(kind="lie"),
    "an unknown technique": book(rule(when={"techniques": ["AML.T9999"]})),
    "a technique that is a number": book(rule(when={"techniques": [1078]})),
    "a certainty beyond certainty": book(rule(when={"confidence": 1.5})),
    "a reason of a whole book": book(rule(reason="x" * 401)),
    "no reason": book(rule(reason="")),
    "a name of a whole line": book(rule("n" * 81)),
    "too many rules": book(*(rule(f"r{n}") for n in range(201))),
    "too many actions": book(rule(actions=[MOVE] * 21)),
    "the same name twice": book(rule(), rule()),
    "another schema": "schema: caponier.playbook/2\nname: x\nrules: []",
    "nothing": "",
    "a list": "- a",
    "control letters": HEAD + "description: \x07\nrules: []",
    "half a letter": HEAD + "description: \ud800\nrules: []",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_each_is_refused_in_a_sentence_and_at_once(text: str) -> None:
    with Stopwatch() as watch, pytest.raises(InputError) as refused:
        parse(text, "strange.yaml")
    assert watch.seconds < 15
    said = str(refused.value)
    assert said.startswith("strange.yaml")
    assert len(said) < 700
    assert refused.value.exit_code == 2


def test_a_file_of_just_the_limit_is_read_and_one_letter_more_is_not() -> None:
    text = HEAD + "rules: []\n#"
    assert parse(text + "x" * (BYTES - len(text)), "p").rules == ()
    with pytest.raises(InputError, match="larger than"):
        parse(text + "x" * (BYTES - len(text) + 1), "p")


@settings(max_examples=150, deadline=None)
@given(text=st.text(alphabet="ab:-{}[]!&*#|>?%@`'\"\n ,.019T", max_size=60))
def test_any_text_is_a_value_or_an_input_error(text: str) -> None:
    assert (refusal(text) or "here").startswith("here")


@settings(max_examples=200, deadline=None)
@given(
    tag=st.sampled_from(["int", "float", "bool", "timestamp", "null", "binary", "set", "omap", "pairs", "map", "seq"]),
    value=st.sampled_from(["''", "x", "[a]", "{a: b}", "1", "yes", "2026-01-01", "_", "-", "+", ".", "0x", "0b", "::"]),
)
def test_no_tag_on_any_value_is_more_than_refused(tag: str, value: str) -> None:
    said = refusal(f"a: !!{tag} {value}")
    assert (said or "here").startswith("here")
    # The tags that say nothing about a text let each through; the others stop what is not theirs.
    if (tag, value) in (("bool", "x"), ("int", "x"), ("float", "''"), ("timestamp", "x"), ("map", "[a]")):
        assert said


@given(amount=st.integers(0, 99_999), unit=st.sampled_from("mhd"), space=st.sampled_from(["", " "]))
def test_durations_mean_what_they_say_up_to_a_year(amount: int, unit: str, space: str) -> None:
    lasting = timedelta(**{{"m": "minutes", "h": "hours", "d": "days"}[unit]: amount})
    text = move(duration=f"{amount}{space}{unit}")
    if timedelta(0) < lasting <= timedelta(days=366):
        assert parse(text, "p").rules[0].actions[0].duration == lasting
    else:
        with pytest.raises(InputError, match="lasts from one minute to 366 days"):
            parse(text, "p")


ALLOWED = {
    *((kind, ActionScope.ACTOR) for kind in ("block", "throttle", "round", "hold", "revoke")),
    *((kind, ActionScope.SOURCE) for kind in ("block", "throttle", "quarantine", "freeze")),
    *((kind, ActionScope.MODEL) for kind in ("throttle", "round", "hold", "quarantine", "rollback", "freeze")),
    *((kind, ActionScope.TARGET) for kind in ("revoke", "close", "restore", "isolate")),
    ("quarantine", ActionScope.ROWS),
    ("quarantine", ActionScope.FILE),
}


@pytest.mark.parametrize("kind", list(ActionKind))
@pytest.mark.parametrize("scope", list(ActionScope))
def test_what_can_be_done_to_what_is_one_list(kind: ActionKind, scope: ActionScope) -> None:
    parameters = {ActionKind.THROTTLE: {"per_minute": 1}, ActionKind.ROUND: {"decimals": 1}}.get(kind, {})
    text = move(kind=kind.value, scope=scope.value, parameters=parameters)
    # Whom a block or a revocation meets is somebody, never a model that all others use, too.
    personal = kind in (ActionKind.BLOCK, ActionKind.REVOKE)
    allowed = (kind, scope) in ALLOWED
    assert not (allowed and personal and scope in (ActionScope.MODEL, ActionScope.ROWS, ActionScope.FILE))
    if allowed:
        (made,) = parse(text, "p").rules[0].actions
        assert (made.kind, made.scope) == (kind, scope)
    else:
        with pytest.raises(InputError, match=f"{kind} cannot be done to scope {scope}"):
            parse(text, "p")


def test_the_last_of_several_playbooks_wins_and_may_switch_off(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(book(rule("flood", reason="one"), rule("extra")))
    (tmp_path / "two.yaml").write_text(book(rule("flood", reason="two", actions=[])))
    files = (Path("one.yaml"), Path("two.yaml"))
    rules = {one.name: one for one in load(RespondSettings(playbooks=files), tmp_path)}
    assert (rules["flood"].reason, rules["flood"].actions) == ("two", ())
    assert list(rules)[: len(shipped().rules)] == [one.name for one in shipped().rules]
    assert "extra" in rules
    alone = load(RespondSettings(playbooks=files[:1], shipped_playbook=False), tmp_path)
    assert [one.name for one in alone] == ["flood", "extra"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"gap_days": 0}, "gap_days"),
        ({"gap_days": -1}, "gap_days"),
        ({"gap_days": float("nan")}, "gap_days"),
        ({"gap_days": 367}, "gap_days"),
        ({"approvers": [""]}, "approvers"),
        ({"approvers": "ada"}, "approvers"),
        ({"aprovers": ["ada"]}, "Did you mean 'approvers'"),
        ({"shared_addresses": ["10.0.0.0/33"]}, "shared_addresses"),
        ({"shared_addresses": [[1]]}, "shared_addresses"),
        ({"x": 1}, "Known here"),
    ],
)
def test_settings_that_cannot_be_meant(table: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as refused:
        read_settings(table, "caponier.toml")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("address", "shared"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("::FFFF:0A01:0203", True),
        ("11.1.2.3", False),
        ("::ffff:11.1.2.3", False),
        ("fd00::7", True),
        ("fd01::7", False),
        ("s3.amazonaws.com", False),
        ("", False),
    ],
)
def test_an_office_is_an_office_in_every_spelling(address: str, shared: bool) -> None:
    made = read_settings({"shared_addresses": ["10.1.0.0/16", "fd00::/16"]}, "caponier.toml")
    assert made.shared(address) is shared
