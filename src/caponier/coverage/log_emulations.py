"""Which log stories each of our Sigma rules must detect.

Detectors of other kinds say so themselves. A Sigma rule is a file that other tools read, too, so it is said beside it.
"""

from functools import cache

from caponier.formats.strict_yaml import shipped_yaml


@cache
def log_emulations() -> dict[str, tuple[str, ...]]:
    """Return the stories by rule, the rule named without `sigma:`."""
    rules: dict[str, list[str]] = shipped_yaml("caponier.coverage", "log_emulations.yaml")["rules"]
    return {rule: tuple(stories) for rule, stories in rules.items()}
