from typing import Any

import pytest

from caponier.detect.sigma.compiler import linear_regex
from caponier.detect.sigma.windows import CAP
from detect.sigma.events import compiled, event, joint, plain, run, seen


def matched(selection: dict[str, Any], *events: dict[str, Any]) -> list[float]:
    """Which of the events, by their number, a rule with one selection matches."""
    rules = compiled(plain("r", selection))
    return [second for _, second, _, _ in seen(run(rules, [event(n, **fields) for n, fields in enumerate(events)]))]


def test_equality_knows_no_case() -> None:
    assert matched({"user": "Ann"}, {"user": "ann"}, {"user": "ANN"}, {"user": "anne"}) == [0, 1]


def test_unless_it_is_cased() -> None:
    assert matched({"user|cased": "Ann"}, {"user": "ann"}, {"user": "Ann"}) == [1]


def test_field_names_know_no_case() -> None:
    assert matched({"User.Name": "ann"}, {"user": {"name": "ann"}}, {"USER": {"Name": "Ann"}}) == [0, 1]


def test_numbers_and_texts_of_numbers_are_one() -> None:
    assert matched({"status": 500}, {"status": 500}, {"status": "500"}, {"status": 50}) == [0, 1]
    assert matched({"status|gte": 500}, {"status": 1000}, {"status": "1000"}, {"status": "60"}) == [0, 1]


def test_a_comparison_in_one_rule_changes_no_text_of_another() -> None:
    rules = compiled(plain("r", {"code": "007"}), plain("s", {"size|gt": 1}))
    assert [name for name, *_ in seen(run(rules, [event(1, code="007"), event(2, code="7")]))] == ["r"]


def test_booleans_and_absent_fields() -> None:
    assert matched({"mfa": False}, {"mfa": False}, {"mfa": True}, {}) == [0]
    assert matched({"error|exists": False}, {"error": "x"}, {"error": None}, {}) == [1, 2]


def test_an_absent_field_is_filtered_by_no_filter() -> None:
    rule = plain("r", {"user": "ann"})
    rule["detection"] |= {"filter": {"src_ip|cidr": "10.0.0.0/8"}, "condition": "selection and not filter"}
    log = [event(0, user="ann"), event(1, user="ann", src_ip="10.1.2.3"), event(2, user="ann", src_ip="9.9.9.9")]
    assert [second for _, second, *_ in seen(run(compiled(rule), log))] == [0, 2]


def test_words_anywhere() -> None:
    rule = plain("r", {})
    rule["detection"] = {"keywords": ["evil.mar", "rm -rf"], "condition": "keywords"}
    log = [event(0, a="x", b="get EVIL.mar now"), event(1, a="harmless")]
    assert [second for _, second, *_ in seen(run(compiled(rule), log))] == [0]


def test_quotes_and_wildcards_in_values_are_values() -> None:
    assert matched({"a|contains": "50%_'\"`;--"}, {"a": "x 50%_'\"`;-- y"}, {"a": "50xxx'\"`;--"}) == [0]


def test_a_field_name_cannot_break_out() -> None:
    name = "a` ); DROP TABLE log0; --"
    assert matched({name: "x"}, {name: "x"}, {"a": "x"}) == [0]


def test_derived_fields_are_the_events_own_and_cannot_be_forged() -> None:
    forged = {"caponier": {"account": "root"}, "user": "arn:aws:iam::1:user/Ann"}
    assert matched({"caponier.account": "ann"}, forged) == [0]
    assert matched({"caponier.account": "root"}, forged) == []


def test_a_regular_expression_takes_linear_time() -> None:
    assert matched({"a|re": "(?i)^(a+)+$"}, {"a": "A" * 30}, {"a": "a" * 60_000 + "!"}) == [0]
    assert linear_regex()("b+")("abbb")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (plain("r", {"a|nonsense": "x"}), "nonsense"),
        ({"title": "no detection", "logsource": {"product": "x"}}, "detection"),
        ({**plain("r", {"a": 1}), "logsource": None}, ""),
        ({**plain("r", {"a": 1}), "level": "enormous"}, "enormous"),
        ({**plain("r", {"a": 1}), "detection": {"selection": {"a": 1}, "condition": "selection and"}}, ""),
        ({**plain("r", {"a": 1}), "detection": {"selection": {"a": 1}, "condition": "other"}}, "other"),
        (plain("r", {"a|re": "(?=x)"}), ""),
        ({"title": "f", "filter": {}}, "filters are not supported"),
        ({"action": "global"}, "actions"),
        ({"title": 5, "correlation": []}, ""),
        (joint("j", "event_count", ["nobody"], condition={"gte": 2}), "nobody"),
        (joint("j", "value_sum", ["ok"], condition={"gte": 2, "field": "n"}), "value_sum"),
        (joint("j", "event_count", ["ok"], condition={"gte": CAP}), "not supported"),
        (joint("j", "event_count", ["ok"], "0s", condition={"gte": 2}), "greater than zero"),
        (joint("j", "temporal", ["ok"], condition="ok and not ok"), "not supported"),
        (joint("j", "temporal_ordered", ["ok", "ok"], condition={"gte": 1}), "all of its rules"),
        (joint("j", "event_count", ["j"], condition={"gte": 2}), "j"),
    ],
)
def test_a_rule_that_cannot_run_is_told_and_the_others_run(content: dict[str, Any], reason: str) -> None:
    rules = compiled(content, plain("ok", {"a": 1}))
    assert [bad.what for bad in rules.bad] == ["r0.yml"]
    assert reason in rules.bad[0].reason
    assert list(rules.rules) == ["ok"]


def test_what_refers_to_a_bad_rule_is_bad() -> None:
    rules = compiled(plain("r", {"a|nonsense": 1}), joint("j", "event_count", ["r"], condition={"gte": 2}))
    assert "refers to a rule" in rules.bad[1].reason


def test_two_rules_of_one_name() -> None:
    rules = compiled(plain("r", {"a": 1}), plain("r", {"a": 2}))
    assert "another rule has this name" in rules.bad[0].reason


def test_a_correlation_must_group_by_what_its_child_groups_by() -> None:
    child = joint("child", "event_count", ["a"], condition={"gte": 2})
    parent = joint("parent", "temporal", ["a", "child"], **{"group-by": ["host"]})
    rules = compiled(plain("a", {"a": 1}), child, parent)
    assert "does not group by host" in rules.bad[0].reason


def test_rules_may_stand_in_any_order_and_be_named_by_id() -> None:
    id_ = "929a690e-bef0-4204-a928-ef5e620d6fcc"
    rules = compiled(joint("j", "event_count", [id_], condition={"gte": 1}), plain("a", {"a": 1}, id=id_))
    assert rules.bad == []
    assert rules.correlations[0].rules == ("a",)


def test_a_rule_that_others_count_is_silent_unless_they_say_otherwise() -> None:
    base, count = plain("a", {"a": 1}), {"condition": {"gte": 1}}
    assert list(compiled(base, joint("j", "event_count", ["a"], **count)).rules) == ["j"]
    assert list(compiled(base, joint("j", "event_count", ["a"], generate=True, **count)).rules) == ["a", "j"]


def test_what_users_are_told_of_a_rule() -> None:
    rule = plain("r", {"a": 1}, level="high", tags=["attack.t1190", "attack.t1999"], falsepositives=["none known"])
    rules = compiled(rule, plain("s", {"a": 2}))
    card = rules.rules["r"]
    assert (card.name, card.title, card.level, card.file) == ("sigma:r", "Title of r", "high", "r0.yml")
    assert card.falsepositives == ("none known",)
    assert rules.rules["s"].level == "medium"
    assert "attack.t1999" in rules.notes[0]


def test_the_rules_of_a_log_source_share_a_table() -> None:
    rules = compiled(plain("r", {"a": 1}), plain("s", {"b": 1}), plain("t", {"c": 1}, logsource={"product": "shop"}))
    assert [sorted(table.columns) for table in rules.tables] == [["a", "b"], ["c"]]
    assert rules.tables[1].takes(rules.tables[0].origin)
    assert not rules.tables[0].takes(rules.tables[1].origin)
