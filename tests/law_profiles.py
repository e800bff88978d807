"""On how many examples a law is tried: what its test says, or a fourth of it while somebody works.

`quick` is the profile of every day, `thorough` that of `.ci/run` (`--hypothesis-profile=thorough`). A test writes down
the number that it deserves, and needs to know neither.
"""

from collections.abc import Iterable
from typing import Final

import pytest
from hypothesis import is_hypothesis_test, settings

QUICK, THOROUGH = "quick", "thorough"
SHARE: Final = 4
FEWEST: Final = 10
"""A law that asks for no more than that is never cut."""

# A law says nothing about time, and a machine that is busy with something else breaks none.
for _name in (QUICK, THOROUGH):
    settings.register_profile(_name, deadline=None)
settings.load_profile(QUICK)


def examples(written: int, profile: str) -> int:
    """Return how many examples a profile takes where a test has written down a number."""
    return max(min(written, FEWEST), written // SHARE) if profile == QUICK else written


def cut_laws(items: Iterable[pytest.Item]) -> None:
    """Cut down the laws, stateful ones as well, each test function once however many parameters it has."""
    profile, seen = settings.get_current_profile_name(), set()
    for item in items:
        law, case = getattr(item, "obj", None), getattr(item, "cls", None)
        if isinstance(getattr(case, "settings", None), settings):
            # Of a stateful law the class has the settings, and its one test takes them from there.
            if id(case) not in seen:
                seen.add(id(case))
                case.settings = _cut(case.settings, profile)
        elif is_hypothesis_test(law):
            function = getattr(law, "__func__", law)
            if id(function) not in seen:
                seen.add(id(function))
                # As hypothesis's own plugin does where a test needs other settings than it was written with.
                written = function._hypothesis_internal_use_settings
                function._hypothesis_internal_use_settings = _cut(written, profile)


def _cut(written: settings, profile: str) -> settings:
    return settings(written, max_examples=examples(written.max_examples, profile))
