"""Sentences that advise a defence or rank a risk, for which a contribution has no place in any field."""

import re
from collections.abc import Iterator
from typing import Final

from caponier.matrix.contributions.contribution_form import ContributionForm
from caponier.matrix.contributions.review_issue import ReviewIssue, ReviewLevel

_DEFENCE: Final = re.compile(
    r"\b(mitigat\w+|counter-?measures?|recommend\w*|best practices?|(should|must|ought to) (always |never |be )*"
    r"(add|appl|block|check|disabl|enabl|encrypt|filter|harden|hidden|hide|limit|log|monitor|patch|restrict|retrain|sign"
    r"|throttl|train|us(e|ed|ing)\b|validat|verif)\w*)",
    re.IGNORECASE,
)
_RANK: Final = re.compile(
    r"\b(cvss|epss|severity|risk (score|level|rating)s?|(low|medium|high|critical|severe)[- ]risk)\b", re.IGNORECASE
)


def check_advice(sheet: ContributionForm, key: str) -> Iterator[ReviewIssue]:
    """Say whether a text seems to advise a defence or to rank a risk; a person decides whether it does."""
    text = sheet.text(key)
    for pattern, does in ((_DEFENCE, "advise a defence"), (_RANK, "rank a risk")):
        if found := pattern.search(text):
            what = f"{found[0][:40]!r} seems to {does}"
            yield sheet.object(key, what, "Say only what attackers do and what it led to.", level=ReviewLevel.LOOK)
