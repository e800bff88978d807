"""Rules from strangers: none of them stops the others, makes the program slow, or says more than a rule may."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.assets.scope import Scope
from caponier.detect.sigma.compiler import compile_rules
from caponier.detect.sigma.rule_files import MOST_ALIASES, RuleDocument, read_rules
from caponier.detect.sigma.sigma import Sigma
from caponier.errors import InputError
from caponier.records.skip import Skip
from detect.sigma.events import compiled, event, plain, run
from pace import Stopwatch

HEAD = "title: t\nname: bad\nlogsource: {product: shop, service: door}\n"
RULE = HEAD + "detection:\n  s: {f: x}\n  condition: s\n"
GOOD = yaml.safe_dump(plain("good", {"kind": "a"}))


def bomb(leaf: str, levels: int = 13) -> str:
    """Each level is three times the one before it: a few lines for a million values."""
    lines = [f"x: &a0 {leaf}"]
    lines += [f"y{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, levels + 1)]
    return "\n".join(lines) + "\n"


def detection(value: str, *, before: str = "", condition: str = "s") -> str:
    return f"{HEAD}{before}detection:\n  s:\n    f: {value}\n  condition: {condition}\n"


HOSTILE = {
    "a bomb of lists": detection("*a13", before=bomb("[lol, lol]")),
    "a bomb of mappings": f"{HEAD}{bomb('{f: lol}')}detection:\n  s: *a13\n  condition: s\n",
    "a bomb of tags": RULE + bomb("lol") + "tags: *a13\n",
    "a bomb of false positives": RULE + bomb("lol") + "falsepositives: *a13\n",
    "itself": f"{HEAD}x: &a [*a]\ndetection:\n  s: *a\n  condition: s\n",
    "a Python object": RULE + "x: !!python/object/apply:os.system ['true']\n",
    "a bool that is none": RULE + "x: !!bool maybe\n",
    "a moment that is none": RULE + "x: !!timestamp never\n",
    "a number that is none": RULE + "x: !!float ''\n",
    "a whole number that is none": RULE + "x: !!int x\n",
    "a number of many digits": RULE + f"x: {'9' * 200_000}\n",
    "a month that is none": RULE + "date: 2026-13-45\n",
    "deep brackets": RULE + "x: " + "[" * 1500,
    "deep blocks": RULE + "x:\n" + "".join(" " * n + "- \n" for n in range(1, 1200)),
    "no text": "\x00\x01\x02",
    "a tab": "a:\n\tb: c\n",
    "no mapping": "- a\n- b\n",
    "a scalar": "just words\n",
    "no condition": HEAD + "detection:\n  s: {f: x}\n",
    "a condition on nothing": detection("x", condition="1 of nothing*"),
    "a condition without end": detection("x", condition="not " * 2000 + "s"),
    "an open bracket": detection("x", condition="((s)"),
    "a look ahead": HEAD + "detection:\n  s: {'f|re': 'a(?=b)'}\n  condition: s\n",
    "a back reference": HEAD + "detection:\n  s: {'f|re': '(a)\\1'}\n  condition: s\n",
    "a huge repetition": HEAD + "detection:\n  s: {'f|re': '((a{1000}){1000}){1000}'}\n  condition: s\n",
    "an unknown modifier": HEAD + "detection:\n  s: {'f|explode': x}\n  condition: s\n",
    "a nul": HEAD + 'detection:\n  s: {f: "x\\0y"}\n  condition: s\n',
    "our own column": HEAD + "detection:\n  s: {caponier_n: x}\n  condition: s\n",
    "a filter": RULE + "filter: {rules: [good]}\n",
    "an action": RULE + "action: global\n",
}
HARMLESS = {HOSTILE["a bomb of false positives"]}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_one_bad_rule_stops_no_other(text: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text(text)
    (tmp_path / "good.yml").write_text(GOOD)
    with Stopwatch() as watch:
        sigma = Sigma([tmp_path], own=False)
    assert watch.seconds < 15
    names = {rule.name for rule in sigma.rules}
    assert "sigma:good" in names
    # What is odd but harmless runs; nothing is left out in silence.
    assert names == ({"sigma:good", "sigma:bad"} if text in HARMLESS else {"sigma:good"})
    assert {Path(bad.what).name for bad in sigma.bad} == (set() if text in HARMLESS else {"bad.yml"})
    for bad in sigma.bad:
        assert bad.reason
        assert "\n" not in bad.reason
    with sigma.start(Scope(())) as going:
        going.feed([event(1, kind="a", f="aab")])
        assert "sigma:good" in {match.rule.name for match in going.matches()}


def test_aliases_are_counted(tmp_path: Path) -> None:
    many = "x: &a [1]\n" + "".join(f"y{n}: *a\n" for n in range(MOST_ALIASES + 1))
    (tmp_path / "many.yml").write_text(RULE + many)
    (bad,) = read_rules(tmp_path)
    assert isinstance(bad, Skip)
    assert "aliases" in bad.reason


def test_a_link_to_nowhere_and_a_folder_named_like_a_rule_are_no_rules(tmp_path: Path) -> None:
    (tmp_path / "gone.yml").symlink_to(tmp_path / "nowhere.yml")
    (tmp_path / "folder.yml").mkdir()
    with pytest.raises(InputError, match=r"holds no \.yml file"):
        list(read_rules(tmp_path))


QUOTES = st.text(alphabet="ab`'\"\\%_*?;-[]() \n\t", min_size=1, max_size=8)


@settings(max_examples=120, deadline=None)
@given(name=QUOTES.filter(lambda text: "|" not in text and text.strip()))
def test_no_name_of_a_field_leaves_its_quotes(name: str) -> None:
    content = plain("odd", {name: "x"})
    result = compile_rules(
        [RuleDocument("odd.yml", "odd", content), RuleDocument("g.yml", "g", plain("good", {"k": 1}))]
    )
    assert "good" in {rule.name.removeprefix("sigma:") for rule in result.rules.values()}
    assert [table.origin.product for table in result.tables] in ([], ["shop"])
    found = run_names(result, k="1")
    assert found == {"good"}
    if not result.bad:
        assert "odd" in run_names(result, **{name: "x"})


def run_names(rules: Any, **fields: Any) -> set[str]:
    rules.bad.clear()
    return {match.rule.name.removeprefix("sigma:") for match in run(rules, [event(1, **fields)])}


@settings(max_examples=120, deadline=None)
@given(value=st.text(alphabet="ab`'\"%_;- \n", min_size=1, max_size=8), other=st.text("ab'_%", max_size=8))
def test_a_plain_value_matches_itself_in_any_case_and_nothing_else(value: str, other: str) -> None:
    """SQL's own wildcards and quotes are letters like any other."""
    rules = compiled(plain("value", {"f": value}))
    assert run_names(rules, f=value) == {"value"}
    assert run_names(rules, f=value.upper()) == {"value"}
    assert (run_names(rules, f=other) == {"value"}) is (other.lower() == value.lower())


@settings(max_examples=80, deadline=None)
@given(part=st.text(alphabet="ab%_'.", min_size=1, max_size=4), text=st.text(alphabet="ab%_'.x", max_size=12))
def test_contains_is_contains(part: str, text: str) -> None:
    rules = compiled(plain("part", {"f|contains": part}))
    assert (run_names(rules, f=text) == {"part"}) is (part.lower() in text.lower())


def test_no_pattern_is_slow() -> None:
    rules = compiled(plain("evil", {"f|re": "(a+)+$"}), plain("worse", {"f|re": "(a|a|aa)*c"}))
    with Stopwatch() as watch:
        assert run_names(rules, f="a" * 60_000 + "b") == set()
    assert watch.seconds < 15


def test_the_order_of_files_does_not_change_who_is_refused(tmp_path: Path) -> None:
    first = plain("same", {"kind": "a"})
    second = plain("same", {"kind": "b"})
    documents = [RuleDocument("1.yml", "1", first), RuleDocument("2.yml", "2", second)]
    result = compile_rules(documents)
    assert [bad.what for bad in result.bad] == ["2.yml"]
    assert "another rule has this name" in result.bad[0].reason
    assert len(result.rules) == 1
