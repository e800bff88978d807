"""Which log stories each of our Sigma rules must detect.

Detectors of other kinds say so themselves. A Sigma rule is a file that other tools read, too, so it is said beside it.
"""

from functools import cache
from importlib.resources import files

import yaml


@cache
def log_emulations() -> dict[str, tuple[str, ...]]:
    """Return the stories by rule, the rule named without `sigma:`."""
    text = files("caponier.coverage").joinpath("log_emulations.yaml").read_text(encoding="utf-8")
    rules: dict[str, list[str]] = yaml.safe_load(text)["rules"]
    return {rule: tuple(stories) for rule, stories in rules.items()}
