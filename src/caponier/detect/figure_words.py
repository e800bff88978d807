"""What the figures behind a finding are called in words.

JSON keeps the short names; people read these. A name that is not listed, such as that of a detector in a package of
its own, is read as the words that it is made of.
"""

from collections.abc import Mapping
from typing import Any, Final

_SCORES: Final = {
    "adversarial_evidence": "evidence of adversarial images, in bits",
    "bits_beyond_use": "information beyond benign use, in bits",
    "boundary_walk": "boundary search score",
    "cost_evidence": "high cost score",
    "disputed_answers": "disputed answers score",
    "distance_shape": "unusual distances score",
    "distance_to_benign_callers": "distance from benign callers",
    "doubt_beyond_the_first_queries": "growing doubt score",
    "event_count": "events counted",
    "exploration": "exploration score",
    "flipping_steps": "shared search score",
    "foreign_inputs": "unusual inputs score",
    "mutants_of_one_example": "near copies of one example",
    "one_way_feedback": "one-sided feedback score",
    "patch_evidence": "evidence of a patch, in bits",
    "requests_or_refusals": "requests in 10 seconds, or refusals that weigh as much",
    "search_odds": "odds of a search",
    "steps_up": "steps that raised a score",
    "temporal": "kinds of events together",
    "temporal_ordered": "kinds of events in order",
    "training_rows_beyond_own": "training rows beyond a customer's own",
    "trigger_evidence": "evidence of a trigger, in bits",
    "value_count": "different values counted",
}
"""What detectors score, and rules count."""
_FACTS: Final = {
    "account": "accounts",
    "address": "addresses",
    "also": "other rules about the same events",
    "answers": "different answers",
    "bits": "evidence of each measure, in bits",
    "carried": "score that the patch gives other images",
    "class": "target class",
    "confidence": "basis of the confidence",
    "contradictions_at_least": "contradictions, at least",
    "cost": "cost of the last input",
    "costs": "change needed for each class",
    "crowded": "inputs close around one point",
    "distance": "distance from benign callers",
    "distance_quartiles": "quartiles of the distances to earlier inputs",
    "below_benign_quartiles": "of its last 40 distances, below benign quartiles 1, 2 and 3",
    "most_alike_benign": "the same for the most similar benign caller",
    "entropy": "uncertainty of the last answer",
    "even_steps": "steps that changed many values alike",
    "events": "requests",
    "events_per_second": "requests per second",
    "evidence_bits": "evidence in bits",
    "far": "inputs unlike earlier ones",
    "far_and_other_answer": "of these, inputs with another answer than the nearest one",
    "farthest": "largest distance (99.9 % of benign inputs stay below 1)",
    "flagged": "rows flagged",
    "flips": "answers that changed",
    "flows": "labels that moved",
    "foreign": "inputs unlike benign ones",
    "form": "kind of trigger",
    "globals": "names that the file uses",
    "halvings": "steps that halved the previous step",
    "host": "hosts",
    "inputs": "inputs that were varied",
    "judged": "rows judged",
    "key": "keys",
    "manifest_of": "data set of the manifest",
    "manifest_sha256": "SHA-256 of the manifest",
    "margins": "margin of each class",
    "mean_rank": "mean doubt (0 to 1)",
    "most_around_one": "most variants of one input",
    "mutants": "near copies",
    "near_rows": "inputs near a training row",
    "newcomers_at_most": "highest score of newcomers",
    "odd": "most unusual shares",
    "of": "rows in the training set",
    "principals": "callers",
    "rarest": "rarest values (99.9 % of benign inputs stay below 1)",
    "ratio": "change for other classes, in times",
    "single_feature": "steps that changed one value",
    "small_foreign_steps": "small steps between inputs unlike benign ones",
    "stale_baseline": "changes since the baseline",
    "success": "share of samples that change class",
    "times_usual": "times the usual cost",
    "turned": "answers that changed",
    "unsafe": "unsafe uses",
    "unsure": "unsure answers",
    "usual_cost": "usual cost for this size",
    "values": "measures of the last input",
    "window": "most recent ones examined",
}
"""What detectors say beside their score."""
_PARTS: Final = {
    "at_home_elsewhere": "share of these rows that fit another label without it",
    "elsewhere": "share of rows of other labels that carry it",
    "of": "of all",
    "takes_it_without_them": "the same for a model trained without these rows",
    "takes_the_label": "share of other rows that get the label with it",
    "times_as_strong": "times as strong as in these rows when tested",
}
"""What they say of one of several, such as one pattern among rows."""


def score_words(statistic: str) -> str:
    """Return what a score is called in words."""
    return _SCORES.get(statistic, _spelt(statistic))


def fact_words(facts: Mapping[str, Any]) -> list[str]:
    """Return a line for each fact that says something; what was not seen is no evidence."""
    return [f"{_FACTS.get(name, _spelt(name))}: {value_words(value)}" for name, value in facts.items() if value]


def value_words(value: object) -> str:
    """Write a figure, or a list or table of figures, without brackets and quotes."""
    if value is None or isinstance(value, bool):
        return "unknown" if value is None else "yes" if value else "no"
    if (
        isinstance(value, Mapping)
        and all(isinstance(one, int) for one in value.values())
        and all(str(name).isdecimal() for name in value)
    ):
        return ", ".join(f"{name}: {one:,}" for name, one in value.items())
    if isinstance(value, Mapping):
        return ", ".join(f"{_PARTS.get(str(name), _spelt(str(name)))} {_inner(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ("; " if any(isinstance(one, Mapping) for one in value) else ", ").join(map(_inner, value))
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def _inner(value: object) -> str:
    words = value_words(value)
    return f"({words})" if isinstance(value, Mapping | list | tuple) else words


def _spelt(name: str) -> str:
    return name.replace("_", " ")
