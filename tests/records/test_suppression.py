"""Which findings a suppression fits, what it says of itself, and that its JSON form loses nothing."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.incidents.test_findings import finding
from caponier.records.finding import Evidence, Finding, SubjectRef
from caponier.records.suppression import Suppression

NOW = datetime(2026, 3, 2, tzinfo=UTC)
OPEN = Suppression("s-1", "the lab", "eva", NOW, NOW + timedelta(days=30))
words = st.text("abz.:-_ /", max_size=12)
patterns = st.none() | st.text("abz.:-_ /*?", max_size=12)
moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]))


def acted(*targets: str, rule: str = "sigma:workload_exec", who: str = "ada", system: str | None = "vision") -> Finding:
    evidence = Evidence("rule", 1, 1, facts={"targets": list(targets)} if targets else {})
    return replace(finding(1), detector=rule, subject=SubjectRef("account", who), evidence=evidence, system=system)


@given(rule=words, who=words, system=st.none() | words, targets=st.lists(words, max_size=3))
def test_what_is_left_open_fits_everything(rule: str, who: str, system: str | None, targets: list[str]) -> None:
    assert OPEN.fits(acted(*targets, rule=rule, who=who, system=system))


@given(detector=patterns, subject=patterns, target=patterns, system=patterns, rule=words, who=words)
def test_naming_more_never_fits_more(
    detector: str | None, subject: str | None, target: str | None, system: str | None, rule: str, who: str
) -> None:
    found = acted("bucket a", rule=rule, who=who)
    whole = replace(OPEN, detector=detector, subject=subject, target=target, system=system)
    parts = [
        replace(OPEN, detector=detector),
        replace(OPEN, subject=subject),
        replace(OPEN, target=target),
        replace(OPEN, system=system),
    ]
    assert whole.fits(found) == all(part.fits(found) for part in parts)


@given(who=words)
def test_a_name_fits_itself_in_any_case_and_with_blanks_around_the_pattern(who: str) -> None:
    who = who.strip()
    assert replace(OPEN, subject=f"  {who.upper()} ").fits(acted(who=who))
    assert replace(OPEN, subject=who).fits(acted(who=who.upper()))


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("gpu-??", "gpu-01", True),
        ("gpu-??", "gpu-1", False),
        ("gpu", "gpu-01", False),
        ("*", "", True),
        ("sigma:*", "sigma:x", True),
        ("sigma:*", "x sigma:y", False),
        (".*", "ada", False),
    ],
)
def test_a_pattern_is_held_against_the_whole_name(pattern: str, name: str, fits: bool) -> None:
    assert replace(OPEN, subject=pattern).fits(acted(who=name)) is fits


def test_a_system_is_not_fitted_by_a_finding_on_none() -> None:
    assert replace(OPEN, system="vis*").fits(acted())
    assert not replace(OPEN, system="*").fits(acted(system=None))


def test_a_finding_that_lists_no_target_fits_no_target() -> None:
    assert not replace(OPEN, target="*").fits(acted())
    assert replace(OPEN, target="*").fits(acted("host gpu-01"))


@given(targets=st.lists(st.sampled_from(["bucket a", "bucket b", "host a"]), min_size=1, max_size=4))
def test_every_target_of_the_finding_has_to_fit(targets: list[str]) -> None:
    assert replace(OPEN, target="bucket *").fits(acted(*targets)) == all(one.startswith("bucket") for one in targets)


def test_the_scope_says_what_it_fits_and_nothing_else() -> None:
    assert OPEN.scope == ""
    named = replace(OPEN, target="host gpu-01", detector="sigma:x", system="vision", subject="ada")
    assert named.scope == "detector sigma:x, subject ada, target host gpu-01, system vision"


@given(created=moments, expires=moments, reason=st.text(), detector=patterns, target=patterns)
def test_the_json_form_loses_nothing(
    created: datetime, expires: datetime, reason: str, detector: str | None, target: str | None
) -> None:
    made = Suppression("s-2", reason, "eva", created, expires, detector=detector, target=target)
    assert Suppression.from_dict(json.loads(json.dumps(made.to_dict()))) == made


@pytest.mark.parametrize("key", ["created", "expires"])
def test_a_form_without_its_days_is_refused(key: str) -> None:
    plain = OPEN.to_dict()
    with pytest.raises(KeyError, match=key):
        Suppression.from_dict({name: value for name, value in plain.items() if name != key})
    with pytest.raises(ValueError, match="soon"):
        Suppression.from_dict({**plain, key: "soon"})


@pytest.mark.parametrize(
    ("named", "fits"),
    [
        ({"detector": "workload_exec"}, True),
        ({"detector": "sigma:workload_exec"}, True),
        ({"detector": "exec"}, False),
        ({"subject": "account svc-backup/nightly"}, True),
        ({"subject": "svc-backup/nightly"}, True),
        ({"subject": "svc-backup"}, True),
        ({"subject": "nightly"}, False),
        ({"subject": "address svc-backup/nightly"}, False),
    ],
)
def test_a_name_is_taken_as_lists_print_it_and_a_role_for_its_sessions(named: dict[str, str], fits: bool) -> None:
    assert replace(OPEN, **named).fits(acted("bucket a", who="svc-backup/nightly")) is fits  # type: ignore[arg-type]
