"""The factors in which home-grown logs differ, and one log's choice of each."""

from dataclasses import dataclass
from random import Random
from typing import Final

from bench.machinery.homegrown.domains import DOMAINS, domain

FACTORS: Final[dict[str, tuple[str, ...]]] = {
    "container": (
        "json_lines", "json_array", "csv", "tab", "enveloped", "logfmt", "text_json",
        "python_repr", "semicolon",
    ),
    "request": ("flat", "list", "dict", "nested", "json_string", "base64", "rows"),
    "answer": ("label", "label_score", "label_list", "list", "by_class", "ranked", "score"),
    "answer_place": ("top", "inside"),
    "caller": ("user", "ip", "key", "header", "auth", "session", "user_ip", "none"),
    "time": (
        "iso_z", "iso_offset", "iso_naive", "space_naive", "epoch_s", "epoch_float", "epoch_ms", "epoch_us",
        "epoch_ns", "dotted", "split",
    ),
    "latency": ("ms", "s", "none"),
    "model": ("named", "named_version", "none"),
    "extras": ("none", "few", "many"),
}  # fmt: skip
HELD_OUT_CONTAINERS: Final = ("python_repr", "semicolon")
"""Drawn only for logs on which a first sight is measured."""


@dataclass(frozen=True)
class Choice:
    """What one log is like."""

    domain: str
    factors: dict[str, str]

    def __getitem__(self, factor: str) -> str:
        return self.factors[factor]


def draw(random: Random, *, held_out: bool) -> Choice:
    """Draw one value for each factor, among those that can stand together."""
    name = random.choice(DOMAINS)
    held = {
        factor: random.choice([one for one in values if held_out or one not in HELD_OUT_CONTAINERS])
        for factor, values in FACTORS.items()
    }
    about = domain(name)
    if not about.features and held["request"] in ("list", "dict", "rows"):
        held["request"] = "flat"
    if not about.classes:
        held["answer"] = "value"
    elif held["answer"] == "score" and len(about.classes) != 2:
        held["answer"] = "label_score"
    return Choice(name, held)
