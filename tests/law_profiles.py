"""On how many examples a law is tried: what its test says, a fourth of it, or a sixteenth while somebody works.

`quick` is the profile of every day, `thorough` that of `.ci/run` (`--hypothesis-profile=thorough`), `glance` that of
`scripts/test --fast`. A test writes down the number that it deserves, and needs to know none of them.
"""

from collections.abc import Iterable
from typing import Final

import pytest
from hypothesis import is_hypothesis_test, settings

GLANCE, QUICK, THOROUGH = "glance", "quick", "thorough"
SHARES: Final = {GLANCE: (16, 5), QUICK: (4, 10)}
"""By how much a profile cuts a law down, and the fewest examples that are left of one; who asks for no more is not cut.
"""

# A law says nothing about time, and a machine that is busy with something else breaks none.
for _name in (*SHARES, THOROUGH):
    settings.register_profile(_name, deadline=None)
settings.load_profile(QUICK)


def examples(written: int, profile: str) -> int:
    """Return how many examples a profile takes where a test has written down a number."""
    share, fewest = SHARES.get(profile, (1, written))
    return max(min(written, fewest), written // share)


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
