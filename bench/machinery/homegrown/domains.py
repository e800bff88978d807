"""What models are asked about: features with their values, and classes or an amount as the answer."""

import math
from dataclasses import dataclass
from random import Random
from typing import Any, Final

_TABLES: Final = {
    # name: features; a range with digits after the point, or the categories
    "loan": (
        "age:18:80:0 income:15000:180000:2 loan_amount:1000:60000:0 employment:full|part|self|none term:12:84:0 "
        "debt_ratio:0:0.9:3",
        ("approved", "declined"),
    ),
    "fraud": (
        "amount:1:5000:2 merchant_category:grocery|travel|fuel|online hour:0:23:0 distance_km:0:900:1 "
        "card_present:0:1:0 tx_last_24h:0:30:0",
        ("legit", "fraud"),
    ),
    "churn": (
        "tenure:0:72:0 monthly_charges:18:120:2 contract:month|year|two_year support_calls:0:9:0 data_gb:0:60:2",
        ("stay", "churn"),
    ),
    "iris": (
        "sepal_length:4.3:7.9:1 sepal_width:2:4.4:1 petal_length:1:6.9:1 petal_width:0.1:2.5:1",
        ("setosa", "versicolor", "virginica"),
    ),
    "houses": ("sqft:400:5000:0 bedrooms:1:6:0 bathrooms:1:4:1 year_built:1900:2024:0 lot:0.1:3:2", ()),
    "pump": (
        "vibration:0:12:3 temperature:20:110:1 pressure:1:16:2 rpm:600:3600:0",
        ("ok", "worn", "failing"),
    ),
    "eta": ("distance:0.2:40:2 stops:0:12:0 traffic:0:1:3 vehicle:bike|van|car load_kg:0:400:1", ()),
    "triage": (
        "heart_rate:40:170:0 systolic:80:210:0 spo2:80:100:0 body_temp:35:41:1 pain:0:10:0",
        ("green", "yellow", "red"),
    ),
    "kredit": (
        "Alter:18:80:0 Einkommen:12000:120000:2 Beruf:Angestellt|Selbständig|Rentner Kinder:0:5:0 Laufzeit:6:96:0",
        ("gut", "schlecht"),
    ),
    "ventes": ("prix:1:90:2 remise:0:0.5:2 magasin_surface:80:4000:0 promo:oui|non stock:0:500:0", ()),
    "energy": ("outdoor_temp:-15:38:1 wind:0:25:1 cloud_cover:0:1:2 occupancy:0:400:0", ()),
    "embedding": (
        "e0:-1:1:5 e1:-1:1:5 e2:-1:1:5 e3:-1:1:5 e4:-1:1:5 e5:-1:1:5 e6:-1:1:5 e7:-1:1:5",
        ("cat", "dog", "bird", "fish", "horse"),
    ),
    "tickets": ("", ("billing", "technical", "sales")),
    "sentiment": ("", ("positive", "negative", "neutral")),
}
DOMAINS: Final = tuple(_TABLES)
_SAID: Final = """
the order came late and nobody answered my invoice shows two charges great service thank you app
crashes when i open settings please call back need a quote for ten seats love it never again works
fine since update
"""
_WORDS: Final = _SAID.split()


@dataclass(frozen=True)
class Domain:
    """A model: its features and its answers."""

    name: str
    features: tuple[tuple[str, Any], ...]
    """Name and what it draws from: (lowest, highest, digits), or categories; none where texts are asked."""
    classes: tuple[str, ...]
    """None where the answer is an amount."""

    def asked(self, random: Random) -> dict[str, Any] | str:
        """Draw an input."""
        if not self.features:
            return " ".join(random.choices(_WORDS, k=random.randint(4, 14)))
        return {name: _value(random, drawn) for name, drawn in self.features}

    def scores(self, asked: dict[str, Any] | str, random: Random) -> list[float]:
        """Return a probability for each class (rounded to four digits), or one amount."""
        held = list(asked.values()) if isinstance(asked, dict) else [len(asked)]
        numbers = [float(one) if isinstance(one, int | float) else len(one) for one in held]
        if not self.classes:
            return [round(50 + sum(math.sqrt(abs(one)) * (at + 1) for at, one in enumerate(numbers)), 2)]
        raw = [
            math.exp(2 * math.sin(sum(numbers) * (at + 1) + at) + random.random()) for at in range(len(self.classes))
        ]
        held_scores = [round(one / sum(raw), 4) for one in raw[:-1]]
        return [*held_scores, round(1 - sum(held_scores), 4)]


def domain(name: str) -> Domain:
    """Return a domain by its name."""
    text, classes = _TABLES[name]
    features = []
    for one in text.split():
        key, _, rest = one.partition(":")
        drawn = tuple(rest.split("|")) if "|" in rest else tuple(map(float, rest.split(":")))
        features.append((key, drawn))
    return Domain(name, tuple(features), classes)


def _value(random: Random, drawn: tuple[Any, ...]) -> Any:
    if isinstance(drawn[0], str):
        return random.choice(drawn)
    low, high, digits = drawn
    value = low + (high - low) * random.betavariate(2, 3)
    return round(value) if digits == 0 else round(value, int(digits))
