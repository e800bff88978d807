"""What a model was asked, where no field is called as most are: by words in its name, and by what it holds."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Final

from caponier.records.field_map import MapFeature
from caponier.telemetry.field_maps.named_features import is_missing
from caponier.telemetry.field_maps.places import Nodes, Place, path_of
from caponier.telemetry.field_maps.value_kinds import alike, as_long, features_of, is_number, nearly
from caponier.telemetry.readers.field_names import ANSWERS, ASIDE, FEATURE_PARTS, INPUTS, PERHAPS, normal

_LIKE: Final = re.compile(
    r"(?:.+_)?(?:inputs?|features?|feature_vector|embeddings?|vector|pixels|tensor|instances?)"
    r"(?:_(?:variant|json|data|values|vector|array|list|raw|row|dict|map|struct|obj|object|payload))?"
    r"|req|(?:.+_)?(?:request|payload|body)_(?:data|json|payload|params|content|object|raw|text|dict)|model_(?:request|payload)"
)
"""What an input may be called besides."""
_TEXTS: Final = frozenset(
    (
        *("text", "texts", "review", "comment", "content", "query", "question", "sentence", "utterance", "document"),
        *("tweet", "description", "prompt", "abstract", "headline", "body", "post", "subject", "message", "transcript"),
    )
)
_LOGGED: Final = frozenset(("message", "msg", "log", "text", "event", "logger", "description"))
"""Under these a logger writes its own words."""
_ABOUT: Final = frozenset(
    (
        *("kubernetes", "host", "process", "http", "thread", "geo", "geoip", "agent", "ecs", "log", "file", "service"),
        *("container", "cloud", "event", "user", "client", "network", "url", "runtime", "sdk", "resource", "scope"),
        *("latencies", "consumer", "route", "upstream", "workspace", "contextmap", "mdc", "span", "usr", "account"),
        *("labels", "tags", "exception", "error", "level", "elapsed", "timing", "timings", "model", "server", "docker"),
    )
)
"""Objects that say of a call, or of the machine, what no model takes."""
WORDS: Final = 3
"""Of a text that somebody wrote, at least and in the median."""
STEADY: Final = 20
"""Rows after which a text that is always the same says nothing."""


def is_asked(name: str) -> bool:
    """Tell whether a field may hold what was asked, by its name."""
    return name in INPUTS or name in PERHAPS or _LIKE.fullmatch(name) is not None


def is_marked(name: str) -> bool:
    """Tell whether a column says by its name that it is a feature: `feature_age`, or `ml.features.age`."""
    *above, _ = name.split(".")
    return FEATURE_PARTS.fullmatch(normal(name)) is not None or any(normal(step) in INPUTS for step in above)


def is_sent(name: str) -> bool:
    """Tell whether a field holds, by its name, what whoever calls has written, and may write as he likes."""
    return (name in INPUTS and name != "request") or (name != "req" and _LIKE.fullmatch(name) is not None)


def asked_rank(name: str) -> int:
    """Return how sure a name is, the surest first."""
    if name in INPUTS:
        return INPUTS.index(name)
    return len(INPUTS) + (PERHAPS.index(name) + 1 if name in PERHAPS else 0)


def says_nothing(values: Sequence[Any]) -> bool:
    """Tell whether a column is one text in all rows: where a service runs, and no feature."""
    first = values[0]
    return (
        len(values) >= STEADY and isinstance(first, str) and not is_number(first) and set(map(str, values)) == {first}
    )


def text_place(nodes: Nodes, used: set[Place]) -> Place | None:
    """Return the field with texts that somebody wrote, by its name and by how much they differ."""
    for place, values in nodes.items():
        name = normal(place[-1])
        if place in used or len(place) != 1 or name in _LOGGED or not _TEXTS & set(name.split("_")):
            continue
        held = [value for value in values if isinstance(value, str) and value.strip()]
        words = sorted(len(value.split()) for value in held)
        if held and words[len(words) // 2] >= WORDS and max(Counter(held).values()) * 2 < len(held):
            return place
    return None


def features_of_objects(nodes: Nodes, used: set[Place], calls: Collection[Place] = ()) -> list[MapFeature]:
    """Return the features in objects beside each other that are no answers; what is taken takes their places.

    Args:
        nodes: The fields of a sample.
        used: Those that are taken already.
        calls: Objects that are about a call.
    """
    found: list[MapFeature] = []
    taken = {path_of(place) for place in used}
    for place, values in list(nodes.items()):
        name = normal(place[-1])
        held = [value for value in alike([one for one in values if not is_missing(one)]) if isinstance(value, dict)]
        if len(place) != 1 or not held or place in calls or name in ASIDE or name in _ABOUT or ANSWERS.fullmatch(name):
            continue
        if any(one[: len(place)] == place for one in used):
            # What says who asked, or what was answered, is around the call.
            continue
        made = [one for one in features_of(held, path_of(place)) if one.path not in taken]
        found += made
        used.update(one for one in nodes if made and one[: len(place)] == place)
    often = Counter(one.name for one in found)
    return [one if often[one.name] == 1 else one.model_copy(update={"name": one.path or one.name}) for one in found]


def lists_beside_answers(nodes: Nodes, used: set[Place]) -> list[Place]:
    """Return the fields with lists as long as what was answered beside them: several examples in one request.

    Args:
        nodes: The fields of a sample.
        used: Those that are taken already.
    """
    lists = {
        place: values
        for place, values in nodes.items()
        if nearly(isinstance(one, list) and all(isinstance(item, dict | list) for item in one) for one in values)
        and len({len(one) for one in values if isinstance(one, list)}) > 1
    }
    return [
        place
        for place, values in lists.items()
        if place not in used and not any(ANSWERS.fullmatch(normal(step)) for step in place)
        if any(
            (other in used or ANSWERS.fullmatch(normal(other[-1])) is not None) and as_long(values, held)
            for other, held in nodes.items()
            if len(other) == len(place)
        )
    ]
