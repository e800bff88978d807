"""What a model was asked, where no field is called as most are: by words in its name, and by what it holds."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Final

from caponier.records.field_map import MapFeature
from caponier.telemetry.chunk import Row
from caponier.telemetry.field_maps.named_features import is_missing
from caponier.telemetry.field_maps.places import Nodes, Place, path_of
from caponier.telemetry.field_maps.value_kinds import (
    ROWS_TO_TELL,
    SLACK,
    alike,
    as_long,
    features_of,
    is_number,
    nearly,
)
from caponier.telemetry.readers.field_names import (
    ALIASES,
    ANSWERS,
    ASIDE,
    BODIES,
    COUNTERS,
    FEATURE_PARTS,
    INPUTS,
    LIKE,
    NO_FEATURES,
    OF_CALLS,
    PERHAPS,
    normal,
)

_LIKE: Final = re.compile(
    r"(?:.+_)?(?:inputs?|features?|feature_vector|embeddings?|vector|pixels|tensor|instances?)"
    r"(?:_(?:variant|json|data|values|vector|array|list|raw|row|dict|map|struct|obj|object|payload))?"
    r"|(?:predict|prediction|infer|inference|score|scoring|model|api)_(?:request|payload|body|req)"
    r"|(?:.+_)?input_messages|req|(?:.+_)?(?:request|payload|body)_(?:data|json|payload|params|content|object|raw|text|dict)|model_(?:request|payload)"
)
"""What an input may be called besides."""
_AS_BYTES: Final = re.compile(r"_(?:b64|base64|bytes|binary)$")
"""How a name ends that says in which form an input stands there."""
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
_EITHER: Final = frozenset((*BODIES, "content", "message", "event", "msg"))
"""What was sent, from whichever side."""
_SAID: Final = frozenset(ALIASES["label"] + ALIASES["scores"])
_WENT: Final = frozenset(
    ("model", "model_version", "model_name", "version", "status", "code", "error", "success", "ok")
)
WORDS: Final = 3
"""Of a text that somebody wrote, at least and in the median."""
_OF_ANSWERS: Final = re.compile(
    r"(?:^|_)(?:pred|out|output|answer|score|prob|logit|conf|shap|attribution|importance|time|box|bbox|id)"
)
"""Words of what was answered, or is about an answer."""
_EXPLAINED: Final = re.compile(r"(?:^|_)(?:shap|attribution|importance|contribution|explanation|explain|reason)")
"""Words of what explains an answer: an object with the names of all features, which are none."""
_MEASURES: Final = re.compile(r"(?:.+_)?(?:threshold|cutoff|cut_off|schwellwert|schwelle|seuil|umbral|limiar)")
_OTHER_ANSWER: Final = re.compile(
    r"(?:^|_)(?:actual|truth|ground_truth|y_true|predict(?:ed|ions?)?|pred|shadow|challenger|champion|candidate_(?:label|score|class))(?:_|$)"
)
_SAME_BEGIN: Final = 0.25
"""Share of the texts of people, at most, that begin with the same word."""
_DEEPEST_BODY: Final = 3
_BODIES: Final = 50
_FEW_NUMBERS: Final = 2
"""In an event that is a row of features, at least."""
_ID: Final = frozenset(("id", "ids", "uuid", "guid"))
_EACH: Final = 0.9
"""Share of different values beyond which each row has its own."""


def is_asked(name: str) -> bool:
    """Tell whether a field may hold what was asked, by its name."""
    plain = _AS_BYTES.sub("", name)
    return plain in INPUTS or plain in PERHAPS or _LIKE.fullmatch(plain) is not None


def is_marked(name: str) -> bool:
    """Tell whether a column says by its name that it is a feature: `feature_age`, or `ml.features.age`."""
    *above, _ = name.split(".")
    if any(ANSWERS.fullmatch(normal(step)) for step in above):
        # `serving.response.data.class` has the word for data, too.
        return False
    return FEATURE_PARTS.fullmatch(normal(name)) is not None or any(normal(step) in INPUTS for step in above)


def says_answer(name: str, columns: Collection[str]) -> bool:
    """Tell whether a column holds another answer beside the one that was chosen, or what an answer is measured by.

    Args:
        name: What it is called.
        columns: What was chosen.
    """
    return bool(_MEASURES.fullmatch(name) or ({"label", "scores"} & set(columns) and _OTHER_ANSWER.search(name)))


def is_sent(name: str) -> bool:
    """Tell whether a field holds, by its name, what whoever calls has written, and may write as he likes."""
    return (name in INPUTS and name != "request") or (name != "req" and _LIKE.fullmatch(name) is not None)


def asked_rank(name: str) -> int:
    """Return how sure a name is, the surest first."""
    name = _AS_BYTES.sub("", name)
    if name in INPUTS:
        return INPUTS.index(name)
    return len(INPUTS) + (PERHAPS.index(name) + 1 if name in PERHAPS else 0)


def is_about_calls(place: Place) -> bool:
    """Tell whether an object around a field says of a call, or of the machine, what no model takes or answers."""
    steps = [normal(step) for part in place[:-1] for step in part.split(".")] + place[-1].split(".")[:-1]
    return any(normal(step) in _ABOUT | ASIDE for step in steps)


def answers_alone(place: Place, nodes: Nodes) -> bool:
    """Tell whether a field stands in objects that say nothing but what was answered, and how it went.

    A service that logs questions and answers on lines of their own calls what was sent by one name in both.
    """
    if len(place) < 2 or normal(place[-2]) not in _EITHER:
        return False
    around = [one for one in nodes.get(place[:-1], ()) if isinstance(one, dict) and place[-1] in one]
    return bool(around) and nearly(_is_answer(one) for one in around)


def _is_answer(held: Row) -> bool:
    names = {normal(str(key)) for key in held}
    said = {one for one in names if one in _SAID or any(LIKE[column].fullmatch(one) for column in ("label", "scores"))}
    rest = names - said - NO_FEATURES - COUNTERS
    return bool(said) and not any(one for one in rest if not (OF_CALLS.fullmatch(one) or one in _WENT))


def are_answers_alone(place: Place, nodes: Nodes) -> bool:
    """Tell the same of objects in a list that such a field holds, or of an object in it."""
    held = [one for value in nodes[place] for one in (value if isinstance(value, list) else [value])]
    return (
        normal(place[-1]) in _EITHER and bool(held) and all(isinstance(one, dict) and _is_answer(one) for one in held)
    )


def is_about_another(place: Place, nodes: Nodes) -> bool:
    """Tell whether a column says something of another one, as stores of features write it: `amount__status`."""
    cuts = (place[-1].partition("__"), place[-1].rpartition("__"))
    return any(bool(name and about) and (*place[:-1], name) in nodes for name, _, about in cuts)


def is_around(place: Place, nodes: Nodes) -> bool:
    """Tell whether a field holds a whole batch, of which another beside it holds the row that a record is about.

    Seldon's logger writes each row of a request so: `instance`, and beside it the `payload` with all of them.

    Args:
        place: The field.
        nodes: The fields of a sample.
    """
    bodies = nodes[place]
    for other, rows in nodes.items():
        # Whoever calls says how long a body is: a few tell.
        is_beside = other[:-1] == place[: len(other) - 1] and other != place[: len(other)]
        if not is_beside or len(rows) != len(bodies):
            continue
        some = list(zip(rows, bodies, strict=True))[:_BODIES]
        pairs = [(row, _rows_in(body, 0)) for row, body in some if isinstance(row, list)]
        if len(pairs) == len(some) and nearly(row in held for row, held in pairs) and any(len(h) > 1 for _, h in pairs):
            return True
    return False


def _rows_in(held: Any, depth: int) -> list[Any]:
    """Return the rows of the first list of lists in a body."""
    if isinstance(held, list) and held and all(isinstance(one, list) for one in held):
        return held
    inner = held.values() if isinstance(held, dict) and depth < _DEEPEST_BODY else ()
    return next((rows for one in inner if (rows := _rows_in(one, depth + 1))), [])


def is_of_row(name: str, values: Sequence[Any]) -> bool:
    """Tell whether a column is the id of what a row is about, such as `id_paciente`, and nothing of it."""
    first, *_, last = name.split("_") if "_" in name else (name, name)
    held = [str(value) for value in values if not is_missing(value)]
    return bool(_ID & {first, last}) and len(held) >= ROWS_TO_TELL and len(set(held)) > _EACH * len(held)


def says_nothing(values: Sequence[Any]) -> bool:
    """Tell whether a column is one text in all rows: where a service runs, and no feature."""
    is_text = isinstance(values[0], str) and not is_number(values[0])
    return len(values) >= ROWS_TO_TELL and is_text and set(map(str, values)) == {values[0]}


def text_place(nodes: Nodes, used: set[Place]) -> Place | None:
    """Return the field with texts that somebody wrote, by its name and by how much they differ."""
    for place, values in nodes.items():
        name = normal(place[-1])
        if place in used or len(place) != 1 or not (_LOGGED | _TEXTS) & set(name.split("_")):
            continue
        held = _texts(values)
        if name in _LOGGED and not _begin_differently(held):
            continue
        if _are_sentences(held) and max(Counter(held).values()) * 2 < len(held):
            return place
    return None


def features_of_objects(
    nodes: Nodes, used: set[Place], calls: Collection[Place] = (), *, answered: bool = True
) -> list[MapFeature]:
    """Return the features in objects beside each other that are no answers; what is taken takes their places.

    Args:
        nodes: The fields of a sample.
        used: Those that are taken already.
        calls: Objects that are about a call.
        answered: Whether it is known what was answered: else it may be the only value of an object behind features.
    """
    groups: list[tuple[Place, list[MapFeature]]] = []
    taken = {path_of(place) for place in used}
    for place, values in list(nodes.items()):
        name = normal(place[-1])
        held = [value for value in alike([one for one in values if not is_missing(one)]) if isinstance(value, dict)]
        if len(place) != 1 or not held or place in calls or name in ASIDE or ANSWERS.fullmatch(name):
            continue
        if name in _ABOUT - _EITHER:
            continue
        if _EXPLAINED.search(name):
            continue
        if any(one[: len(place)] == place for one in used):
            # What says who asked, or what was answered, is around the call.
            continue
        made = [one for one in features_of(held, path_of(place)) if one.path not in taken]
        if name in _ABOUT and sum(one.kind == "number" for one in made) < _FEW_NUMBERS:
            # What a logger says of an event is no measurement.
            continue
        groups.append((place, made))
    if not answered and any(len(made) > 1 for _, made in groups):
        groups = [(place, made) for at, (place, made) in enumerate(groups) if at == 0 or len(made) > 1]
    found = [one for _, made in groups for one in made]
    used.update(one for place, made in groups for one in nodes if made and one[: len(place)] == place)
    often = Counter(one.name for one in found)
    return [one if often[one.name] == 1 else one.model_copy(update={"name": one.path or one.name}) for one in found]


def lists_beside_answers(nodes: Nodes, used: set[Place]) -> list[Place]:
    """Return the fields with lists as long as what was answered beside them: several examples in one request.

    Args:
        nodes: The fields of a sample.
        used: Those that are taken already.
    """
    order = {place: at for at, place in enumerate(nodes)}
    lists = {
        place: values
        for place, values in nodes.items()
        if (nearly(map(_holds_rows, values)) or are_texts(values))
        and len({len(one) for one in values if isinstance(one, list)}) > 1
    }
    return [
        place
        for place, values in lists.items()
        if place not in used and not any(ANSWERS.fullmatch(normal(step)) for step in place)
        if any(
            (other in used or ANSWERS.fullmatch(normal(other[-1])) is not None or order[other] > order[place])
            and as_long(values, held)
            for other, held in nodes.items()
            if other != place
        )
    ]


def _holds_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict | list) for item in value)


def are_texts(values: Sequence[Any]) -> bool:
    """Tell whether lists hold texts that somebody wrote, and no words such as classes or ids of examples."""
    items = [item for one in values if isinstance(one, list) for item in one]
    return all(isinstance(item, str) for item in items) and _are_sentences(items)


def lone_list(nodes: Nodes, used: set[Place]) -> Place | None:
    """Return the only field at the top that holds lists of as many numbers in all rows: what else would be an input.

    Args:
        nodes: The fields of a sample.
        used: Those that are taken already.
    """
    found = [
        place
        for place, values in nodes.items()
        if len(place) == 1 and place not in used and _are_vectors([one for one in values if one is not None])
    ]
    place = found[0] if len(found) == 1 else None
    name = normal(place[-1]) if place else ""
    if place is None or ANSWERS.fullmatch(name) or name in _ABOUT or _OF_ANSWERS.search(name):
        return None
    return place


def _are_vectors(values: Sequence[Any]) -> bool:
    shapes = {_shape(one) for one in values}
    if len(shapes) != 1 or None in shapes or min(shape := next(iter(shapes)) or (0,)) < 1 or max(shape) < 2:
        return False
    plain = all(isinstance(one, int | float) for value in values for one in value)
    are_shares = plain and len(shape) == 1 and all(abs(sum(value) - 1) <= SLACK and min(value) >= 0 for value in values)
    return len({str(value) for value in values}) > 1 and not are_shares


def _shape(value: Any) -> tuple[int, ...] | None:
    """Return the shape of numbers in a list, or in as long lists in one; None where something else stands there."""
    if not isinstance(value, list) or not value:
        return None
    numbers = sum(isinstance(one, int | float) and not isinstance(one, bool) for one in value)
    if numbers * 2 > len(value) and all(isinstance(one, str | int | float) for one in value):
        # Categories may stand among numbers.
        return (len(value),)
    inner = {_shape(one) for one in value}
    return None if len(inner) != 1 or (first := inner.pop()) is None else (len(value), *first)


def lone_text(values: Sequence[Any]) -> str | None:
    """Return the key of objects under which somebody's text stands, where none holds a feature and one holds texts."""
    keys = {str(key) for value in values for key in value}
    found = [key for key in keys if _are_written([value.get(key) for value in values])]
    return found[0] if len(found) == 1 else None


def _are_written(values: Sequence[Any]) -> bool:
    held = _texts(values)
    return len(held) * 2 > len(values) and _are_sentences(held) and len(set(held)) * 2 > len(held)


def are_written_differently(values: Sequence[Any]) -> bool:
    """Tell whether nearly all values are sentences of several people, and most of them written once."""
    held = _texts(values)
    return bool(held) and len(held) == len(values) and _are_written(held) and _begin_differently(held)


def _begin_differently(texts: Sequence[str]) -> bool:
    """Tell whether texts are those of several people: what a logger writes begins with one of a few words."""
    begins = Counter(one.split()[0].lower() for one in texts)
    return len(texts) >= ROWS_TO_TELL and max(begins.values()) <= _SAME_BEGIN * len(texts)


def _texts(values: Sequence[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str) and value.strip()]


def _are_sentences(texts: Sequence[str]) -> bool:
    words = sorted(len(one.split()) for one in texts)
    return bool(words) and words[len(words) // 2] >= WORDS
