import re

from caponier.detect.assets.inside import Inside
from caponier.detect.sigma.matcher import TEXT, Matcher, Table, connect, quoted
from caponier.records.inside import InsideSettings
from caponier.telemetry.security_logs.sources import LogSource
from detect.sigma.events import SOURCE, event


def search(pattern: str):
    return re.compile(pattern).search


def table() -> Table:
    made = Table("log0", SOURCE, {"user": "TEXT"})
    made.queries.append(("r", "SELECT caponier_n FROM log0 WHERE user = 'ann'"))
    made.queries.append(("s", "SELECT caponier_n FROM log0 WHERE user REGEXP '^a'"))
    return made


def test_rules_by_position() -> None:
    matcher = Matcher([table()], search)
    events = [event(1, user="bob"), event(2, user="Ann"), event(3, user="amy"), event(4)]
    assert matcher.match(events) == {1: ["r"], 2: ["s"]}


def test_nothing_of_one_batch_is_left_for_the_next() -> None:
    matcher = Matcher([table()], search)
    assert matcher.match([event(1, user="ann")]) == {0: ["r", "s"]}
    assert matcher.match([event(1, user="bob")]) == {}
    assert matcher.match([]) == {}


def test_a_rule_with_two_conditions_matches_once() -> None:
    made = table()
    made.queries.append(("r", "SELECT caponier_n FROM log0 WHERE user LIKE 'a%'"))
    assert Matcher([made], search).match([event(1, user="ann")]) == {0: ["r", "s"]}


def test_other_log_sources_are_not_asked() -> None:
    matcher = Matcher([table()], search)
    assert matcher.match([event(1, user="ann", origin=LogSource("shop", None, "window"))]) == {}
    assert matcher.match([event(1, user="ann", origin=LogSource("shop", "any", "door"))]) == {0: ["r", "s"]}


def test_a_source_that_asks_for_less_takes_more() -> None:
    assert Table("t", LogSource("aws")).takes(LogSource("aws", None, "cloudtrail"))
    assert not Table("t", LogSource("aws", "x")).takes(LogSource("aws"))


def test_a_row_has_derived_fields_only_where_asked() -> None:
    row = Matcher([], search).row
    one = event(1, **{"user": "CORP\\Ann", "src_ip": "10.0.0.1", "n": 5, "caponier.origin": "outside"})
    asked = ["user", "caponier.account", "caponier.address", "caponier.host", "caponier.origin", "gone"]
    assert row(one, asked) == ["CORP\\Ann", "ann", "10.0.0.1", None, "inside", None]
    assert row(event(1, a="b", n=5), [TEXT]) == ["b\n5"]


def test_where_an_event_comes_from_is_what_the_inventory_says() -> None:
    one, office = (
        event(1, user="ci", src_ip="198.51.100.7"),
        InsideSettings.model_validate({"addresses": ["198.51.100.7"], "accounts": ["ci"]}),
    )
    asked = ["caponier.origin", "caponier.routine"]
    assert Matcher([], search).row(one, asked) == ["outside", None]
    assert Matcher([], search, Inside(office)).row(one, asked) == ["inside", "true"]


def test_names_are_quoted() -> None:
    database = connect(search)
    database.execute(f"CREATE TABLE t ({quoted('a` b')} TEXT)")
    assert [column[0] for column in database.execute("SELECT * FROM t").description] == ["a` b"]
