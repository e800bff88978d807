"""Where a log has the scores of classes: a list of classes with a score each, or a column a class, under its name."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, takewhile
from typing import Any, Final

from caponier.records.field_map import MapColumn
from caponier.telemetry.field_maps.answered.class_lists import MOST_CLASSES
from caponier.telemetry.field_maps.paths import escaped
from caponier.telemetry.field_maps.places import Nodes, Place, path_of
from caponier.telemetry.field_maps.value_kinds import (
    ROWS_TO_TELL,
    SLACK,
    are_shares,
    is_continuous,
    is_number,
    nearly,
)
from caponier.telemetry.framing.amounts import sample_number
from caponier.telemetry.readers import other_languages
from caponier.telemetry.readers.field_names import (
    ANSWERS,
    COUNTED,
    COUNTERS,
    LIKE,
    NO_FEATURES,
    OF_CALLS,
    SCORE_STEMS,
    SHARES,
    normal,
)

CLASS_NAMES: Final = ("classes", "class_names", "labels", "names", "categories", "display_names", "class_labels")
"""Under these the names of all classes stand beside their scores."""
INWARD, OUTWARD = "in_", "out_"
"""How columns begin that were asked and answered, where each stands beside the other."""
_SCORE_WORDS: Final = re.compile(
    r"(?:^|_)(?:p|prob|probs|proba|probas|probability|probabilities|scores?|conf|confidence|likelihood|softmax)(?:_|$)"
)
_CALLED_AFTER: Final = re.compile(
    rf"(.*?)_?(score|p|prob|proba|probability|confidence|conf|likelihood|certainty|{other_languages.SHARE_ENDS})"
)
_JUDGED: Final = re.compile(
    r"(?!(?:true|actual|gt|ground|expected|target|gold|human|user|correct(?:ed)?|shadow|truth)_).+_(?:label|verdict)"
)
"""How an answer may be called that has a score beside it."""
_BEGINS_AS_SHARE: Final = re.compile(rf"(probability|proba|likelihood|score|{other_languages.SHARE_ENDS})_(.+)")
_NO_ANSWERS: Final = re.compile(
    r"(?:^|_)(?:sampl|fraction|cpu|gpu|mem|load|threshold|bucket|random|seed|temperature|weight|version|quota|queue|wait"
    r"|timeout|retry|retries|batch|size|count|length|port|zone|region|host|node|env|lang|locale|experiment|variant|cache|build)"
)
"""Words of what a service logs beside answers."""
_BANDS: Final = 3
_ROWS: Final = 300
"""Of a sample, that are added up."""
_WIDEST: Final = 12
"""Columns beside each other that are tried as those of all classes."""


def class_columns(nodes: Nodes, used: set[Place], answers: Sequence[Any]) -> tuple[Place, ...]:
    """Return the columns that hold the score of a class each and bear its name; none where there are none.

    A column is no score for its name alone: together those of all classes make one in each row. A class that was never
    the answer in the sample has its column beside theirs.

    Args:
        nodes: The fields of a sample.
        used: Those that are taken already.
        answers: What was answered.
    """
    classes = {normal(str(one)): str(one) for one in answers if one is not None}
    if not 1 < len(classes) <= MOST_CLASSES:
        return ()
    shares = [place for place, values in nodes.items() if place not in used and _are_shares(values)]
    forms: dict[tuple[Place, str], dict[str, Place]] = {}
    for place in shares:
        for form, one in _around(normal(place[-1]), classes):
            forms.setdefault((place[:-1], form), {})[one] = place
    for (above, _), held in forms.items():
        if held.keys() == classes.keys() and (
            found := _whole(list(held.values()), [one for one in shares if one[:-1] == above], nodes)
        ):
            return found
    return ()


def _around(name: str, classes: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the classes that a column is called after, each with what stands around it: `y_pred_proba_{}`."""
    for one in classes:
        if name == one:
            yield "{}", one
        elif name.endswith(f"_{one}"):
            yield f"{name[: -len(one)]}{{}}", one
        elif name.startswith(f"{one}_"):
            yield f"{{}}{name[len(one) :]}", one
        elif f"_{one}_" in name:
            before, after = name.split(f"_{one}_", 1)
            yield f"{before}_{{}}_{after}", one


def class_share(nodes: Nodes, used: set[Place], answers: Sequence[Any]) -> Place | None:
    """Return the only column that holds the share of one class and is called after it, such as `p_fraud`.

    Args:
        nodes: The fields of a sample.
        used: Those that are taken already.
        answers: What was answered.
    """
    classes = {normal(str(one)) for one in answers if one is not None}
    if not 1 < len(classes) <= MOST_CLASSES:
        return None
    found = [
        place
        for place, values in nodes.items()
        if place not in used and _are_shares(values) and is_continuous(list(values))
        if any(_SCORE_WORDS.search(form) for form, _ in _around(normal(place[-1]), classes))
    ]
    return found[0] if len(found) == 1 else None


def share_groups(nodes: Nodes, used: set[Place]) -> tuple[tuple[Place, ...], tuple[str, ...]]:
    """Return columns of shares that begin alike, with a word for scores, and make one in each row; and their classes.

    Args:
        nodes: The fields of a sample.
        used: Those that are taken already.
    """
    groups: dict[tuple[Place, str], list[Place]] = {}
    for place, values in nodes.items():
        name = normal(place[-1])
        if place in used or not (found := _SCORE_WORDS.search(name)) or not _are_shares(values):
            continue
        if found.end() < len(name):
            groups.setdefault((place[:-1], name[: found.end()]), []).append(place)
    for (_, begin), places in groups.items():
        if len(places) > 1 and _make_one(places, nodes):
            return tuple(places), tuple(normal(one[-1])[len(begin) :].strip("_") for one in places)
    return (), ()


def told_by_shares(columns: Iterable[tuple[Any, Sequence[Any]]], scores: Sequence[Any]) -> Any:
    """Return the only column whose text is always that of the class with the highest score; None where none is.

    A feature that happens to say so in dozens of rows, one class for each place and another for none, is none.

    Args:
        columns: What each is called, and its values.
        scores: Lists of the scores, in the same order.
    """
    best = [max(range(len(one)), key=one.__getitem__) if isinstance(one, list) and one else None for one in scores]
    if len(best) < ROWS_TO_TELL or len(set(best)) < 2:
        return None
    found = [
        name
        for name, values in columns
        if len(values) == len(best) and len({str(one) for one in values}) == len(set(best))
        if len({(str(one), place) for one, place in zip(values, best, strict=True)}) == len(set(best))
    ]
    return found[0] if len(found) == 1 else None


def is_of_best(answers: Sequence[Any], scores: Sequence[Any]) -> bool:
    """Tell whether amounts can be the shares of the best of so many classes: none of k is ever below one in k."""
    held = [sample_number(one) for one in scores if is_number(one)]
    classes = len({str(one) for one in answers})
    are_there = len(held) == len(scores) == len(answers) >= ROWS_TO_TELL and classes > 1
    return are_there and all(1 / classes - SLACK / 10 <= one <= 1 for one in held) and min(held) < 1


def with_classes(columns: dict[str, MapColumn], nodes: Nodes) -> dict[str, MapColumn]:
    """Name the classes of scores in a list by the list beside them that is the same in all rows.

    Args:
        columns: What was chosen.
        nodes: The fields of a sample.
    """
    about = columns.get("scores")
    if about is None or about.classes or len(about.path) != 1:
        return columns
    place = next((one for one in nodes if path_of(one) == about.path[0]), None)
    if place is None:
        return columns
    sizes = {len(value) if isinstance(value, list) else 0 for value in nodes[place] if value is not None}
    for other, values in nodes.items() if len(sizes) == 1 else ():
        first = values[0]
        if other[:-1] != place[:-1] or normal(other[-1]) not in CLASS_NAMES or not isinstance(first, list):
            continue
        are_names = all(isinstance(one, str) and one for one in first) and len(set(first)) == len(first)
        if {len(first)} == sizes and len(first) > 1 and are_names and all(one == first for one in values):
            return {**columns, "scores": about.model_copy(update={"classes": tuple(first)})}
    return columns


def one_of_the_scored(nodes: Nodes, used: set[Place], parts: Sequence[Place]) -> Place | None:
    """Return the field that always holds one of the classes that have a column of scores each; None where none does.

    Args:
        nodes: The fields of a sample.
        used: Those that are taken already.
        parts: The columns with scores.
    """
    known = {normal(place[-1]) for place in parts}
    for place, values in nodes.items() if len(parts) > 1 else ():
        held = {value for value in values if isinstance(value, str) and value}
        if place in used or place in parts or len(held) < 2:
            continue
        if all(any(f"{stem}_{normal(one)}" in known for stem in SCORE_STEMS) for one in held):
            return place
    return None


def share_place(nodes: Nodes, used: set[Place]) -> Place | None:
    """Return the share beside an answer that is its score under a name that could mean much else; None where none is.

    Args:
        nodes: The fields of a sample.
        used: Those that are taken already.
    """
    found = (place for place in nodes if place not in used and normal(place[-1]) in SHARES)
    return next((place for place in found if is_continuous(nodes[place]) and _are_shares(nodes[place])), None)


def lone_share(nodes: Nodes, used: set[Place]) -> Place | None:
    """Return the only share that says by its name of what it is one, such as `probability_churned`; None without.

    Args:
        nodes: The fields of a sample.
        used: Those that are taken already.
    """
    found = [
        place
        for place, values in nodes.items()
        if place not in used and len(place) == 1 and _BEGINS_AS_SHARE.fullmatch(normal(place[-1]))
        if _are_shares(values) and is_continuous(list(values))
    ]
    return found[0] if len(found) == 1 else None


def says_score(place: Place, values: Sequence[Any]) -> bool:
    """Tell whether a column is a share by its values and by a word for scores in its name.

    Args:
        place: The column.
        values: What stands there.
    """
    name = normal(place[-1])
    is_called = name in SHARES or _SCORE_WORDS.search(name) is not None
    return is_called and not _NO_ANSWERS.search(name) and _are_shares(values) and is_continuous(list(values))


def answer_of_score(nodes: Nodes, used: set[Place], score: Place) -> Place | None:
    """Return the classes after which a score beside them is called, such as `anomaly` of `anomaly_score`.

    Args:
        nodes: The fields that may be one.
        used: Those that are taken already.
        score: The field of the score.
    """
    stem, _ = _stem(score)
    beside = [one for one in nodes if one[:-1] == score[:-1] and one not in used and are_classes(nodes[one])]
    called = [one for one in beside if normal(one[-1]) == stem]
    judged = [one for one in beside if _JUDGED.fullmatch(normal(one[-1]))]
    return called[0] if called else judged[0] if len(judged) == 1 else None


def called_after(nodes: Nodes, used: set[Place], label: Place | None) -> tuple[Place, Place] | None:
    """Return an answer and its score, which is a share that is called after it or, as a share, stands next to it.

    Args:
        nodes: The fields that may be one.
        used: Those that are taken already.
        label: The answer, where that is known.
    """
    order = list(nodes)
    found: list[tuple[Place, Place]] = []
    for place, values in nodes.items():
        if place in used or not _are_shares(values) or not is_continuous(list(values)):
            continue
        stem, word = _stem(place)
        if not word:
            # Under any name, such as `ctr`, a share is the score of the answer that its limits decide.
            is_near = label in nodes and place[:-1] == label[:-1] and abs(order.index(place) - order.index(label)) == 1
            found += [(label, place)] if label is not None and is_near and is_parted(nodes[label], values) else []
            continue
        if label is None:
            beside = answer_of_score(nodes, used, place)
            found += [(beside, place)] if beside is not None else []
            continue
        is_next = label in nodes and abs(order.index(place) - order.index(label)) == 1
        is_next = is_next and is_decided(nodes[label], values)
        if is_next or set(stem.split("_")) & set(normal(label[-1]).split("_")) - {""}:
            found.append((label, place))
    return found[0] if len(found) == 1 else None


def banded(nodes: Nodes, used: set[Place]) -> tuple[Place, Place] | None:
    """Return the only classes that are bands of a share next to them, such as `grade` and `pd`, under any name.

    Two classes would be too few: many a feature is another one, cut in two.

    Args:
        nodes: The fields that may be one.
        used: Those that are taken already.
    """
    free = [place for place in nodes if place not in used]
    found = [
        (one, other)
        for pair in pairwise(free)
        for one, other in (pair, pair[::-1])
        if one[:-1] == other[:-1] and are_classes(nodes[one]) and not is_number(nodes[one][0])
        if _is_judged(normal(other[-1]), nodes[one], nodes[other])
    ]
    return found[0] if len(found) == 1 else None


def _is_judged(name: str, answers: Sequence[Any], amounts: Sequence[Any]) -> bool:
    """Tell whether amounts are the score of the classes beside them."""
    if len(set(map(str, answers))) >= _BANDS and is_parted(answers, amounts):
        return bool(_SCORE_WORDS.search(name)) or (_are_shares(amounts) and is_continuous(list(amounts)))
    return name in SHARES and _are_shares(amounts) and is_continuous(list(amounts)) and is_decided(answers, amounts)


def shares_beside(nodes: Nodes, used: set[Place], score: Place) -> list[Place]:
    """Return the columns of shares that begin as one does and make one with it in each row.

    Args:
        nodes: The fields of a sample.
        used: Those that are taken already.
        score: The one.
    """
    begin = normal(score[-1]).partition("_")[0] + "_"
    found = [
        place
        for place, values in nodes.items()
        if place[:-1] == score[:-1] and (place == score or place not in used)
        if normal(place[-1]).startswith(begin) and _are_shares(values)
    ]
    return found if score in found and _make_one(found, nodes) else []


def shared_begin(names: Sequence[str]) -> str:
    """Return the words, with underscores behind them, with which all names begin."""
    words = zip(*(name.split("_") for name in names), strict=False)
    return "".join(f"{same[0]}_" for same in takewhile(lambda those: len(set(those)) == 1, words))


def put_out(nodes: Nodes, used: set[Place]) -> dict[str, Place]:
    """Return the answer and its score of columns that begin with `out_` where what was asked begins with `in_`.

    Args:
        nodes: The fields of a sample.
        used: Those that are taken already.
    """
    if not any(len(place) == 1 and normal(place[-1]).startswith(INWARD) for place in nodes):
        return {}
    found: dict[str, list[Place]] = {"scores": [], "label": []}
    for place, values in nodes.items():
        if len(place) == 1 and place not in used and normal(place[-1]).startswith(OUTWARD):
            found["scores" if is_continuous(list(values)) else "label"].append(place)
    return {column: places[0] for column, places in found.items() if len(places) == 1}


def is_decided(answers: Sequence[Any], shares: Sequence[Any]) -> bool:
    """Tell whether a share parts two answers at a limit, or can be that of the best of more.

    Args:
        answers: What was answered.
        shares: What stands beside it.
    """
    return is_parted(answers, shares) or is_of_best(answers, shares)


def is_parted(answers: Sequence[Any], shares: Sequence[Any]) -> bool:
    """Tell whether limits of a share part the answers beside it into bands, as of a risk that is low, medium or high.

    Args:
        answers: What was answered.
        shares: What stands beside it.
    """
    pairs = [(str(one), sample_number(share)) for one, share in zip(answers, shares, strict=False) if is_number(share)]
    sides = sorted(sorted(share for one, share in pairs if one == side) for side in {one for one, _ in pairs})
    beside = all(one[-1] <= after[0] for one, after in pairwise(sides))
    # Of a side with a single share nobody can say where it lies.
    return len(pairs) >= ROWS_TO_TELL and beside and sum(len(one) > 1 for one in sides) > 1


def _stem(place: Place) -> tuple[str, str]:
    """Return after what a score is called, and the word for scores in its name; nothing where there is none."""
    name = normal(place[-1])
    if found := _CALLED_AFTER.fullmatch(name):
        return found[1], found[2]
    begins = _BEGINS_AS_SHARE.fullmatch(name)
    return (begins[2], begins[1]) if begins else ("", "")


def are_classes(values: Sequence[Any]) -> bool:
    """Tell whether values are those of a few classes, each of which comes again."""
    different = set(map(str, values))
    return all(isinstance(one, str | int | bool) for one in values) and 1 < len(different) <= len(values) // 2


def unexplained(nodes: Nodes, used: set[Place], answers: Sequence[Any]) -> list[Place]:
    """Return the plain fields at the top that change, and of which nothing says what they are.

    Args:
        nodes: The fields of a sample.
        used: Those that are taken already.
        answers: What was answered, where that is known: then only a share counts that decides it.
    """
    found: list[Place] = []
    for place, values in nodes.items():
        name = normal(place[-1])
        if len(place) != 1 or place in used or _NO_ANSWERS.search(name) or not _may_answer(name, values):
            continue
        are_amounts = is_continuous(list(values)) and all(map(is_number, values))
        if are_amounts and (not answers or (_are_shares(values) and is_decided(answers, values))):
            found.append(place)
    return found


def answer_below(nodes: Nodes, used: set[Place]) -> dict[str, MapColumn]:
    """Return the answer below what a name says is one: shares by class or as a list, or the only class and only amount.

    Args:
        nodes: The fields of a sample.
        used: Those that are taken already; the answer's is added.
    """
    below = [
        place for place in nodes if place not in used and _is_below_answer(place) and not _is_one_of_row(place, nodes)
    ]
    for kind in (dict, list):
        for place in below:
            values = nodes[place]
            if isinstance(values[0], kind) and nearly(map(are_shares, values)):
                classes = tuple(sorted({str(key) for value in values for key in value})) if kind is dict else ()
                used.add(place)
                return {"scores": MapColumn(path=(path_of(place),), classes=classes)}
    for place in below:
        if (alone := _shares_in_one(nodes[place], path_of(place))) is not None:
            used.add(place)
            return {"scores": alone}
    beside: dict[tuple[Any, ...], list[Place]] = {}
    for place in below:
        beside.setdefault((*place[:-1], place[-1].rpartition(".")[0]), []).append(place)
    for those in beside.values():
        shares = [one for one in those if _are_shares(nodes[one]) and is_continuous(nodes[one])]
        if len(shares) == len(those) > 1 and _make_one(shares, nodes):
            used.update(shares)
            return {"scores": MapColumn(parts=tuple(map(path_of, shares)))}
    lone: dict[str, list[Place]] = {"scores": [], "label": []}
    for place in below:
        is_count = any(COUNTED.fullmatch(normal(step)) for step in place[:-1])
        name = normal(place[-1].rpartition(".")[2])
        if is_inner(place) and not is_count and _may_answer(name, nodes[place]):
            lone["scores" if is_continuous(nodes[place]) else "label"].append(place)
    found = {column: places[0] for column, places in lone.items() if len(places) == 1}
    used.update(found.values())
    return {column: MapColumn(path=(path_of(place),)) for column, place in found.items()}


def _shares_in_one(values: Sequence[Any], path: str) -> MapColumn | None:
    """Return the shares by class in the only object of lists, as gateways answer that judge a text by several classes.

    Args:
        values: What stands at the path.
        path: The field.
    """
    held = [value[0] for value in values if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict)]
    if not held or len(held) < len(values):
        return None
    for key in held[0]:
        shares = [one.get(key) for one in held]
        if isinstance(shares[0], dict) and nearly(map(are_shares, shares)):
            classes = sorted({str(name) for one in shares if isinstance(one, dict) for name in one})
            return MapColumn(path=(f"{path}[0].{escaped(str(key))}",), classes=tuple(classes))
    return None


def _is_below_answer(place: Place) -> bool:
    """Tell whether a field stands under an answer, also where a store of logs writes places as one name."""
    return any(ANSWERS.fullmatch(normal(part)) for step in place for part in step.split("."))


def _is_one_of_row(place: Place, nodes: Nodes) -> bool:
    """Tell whether only its own name is an answer's, and it is a number among others: breaths are `resp`, too."""
    around, inner = place[:-1], place[-1].rpartition(".")[0]
    if not around or _is_below_answer((*around, inner)) or not all(map(is_number, nodes[place])):
        return False
    beside = [one for one in nodes if one[:-1] == around and one != place and all(map(is_number, nodes[one]))]
    return len(beside) > 1


def is_inner(place: Place) -> bool:
    """Tell whether something is said of where in a record a field stood."""
    return len(place) > 1 or "." in place[-1]


def _may_answer(name: str, values: Sequence[Any]) -> bool:
    held = [value for value in values if value not in (None, "")]
    is_call = (
        COUNTED.fullmatch(name)
        or LIKE["time"].fullmatch(name)
        or name in COUNTERS
        or name in NO_FEATURES
        or OF_CALLS.fullmatch(name)
        or LIKE["latency_ms"].fullmatch(name)
    )
    is_plain = all(isinstance(one, str | int | float) for one in held)
    return not is_call and is_plain and len(set(map(str, held))) > 1


def _whole(named: Sequence[Place], shares: Sequence[Place], nodes: Nodes) -> tuple[Place, ...]:
    """Return neighbours around the named columns that make one together, as few as do."""
    first, last = min(map(shares.index, named)), max(map(shares.index, named))
    if _make_one(named, nodes):
        return tuple(named)
    for width in range(last - first + 1, min(len(shares), _WIDEST) + 1):
        for start in range(max(0, last + 1 - width), min(first, len(shares) - width) + 1):
            if _make_one(shares[start : start + width], nodes):
                return tuple(shares[start : start + width])
    return ()


def _make_one(places: Sequence[Place], nodes: Nodes) -> bool:
    rows = list(zip(*(nodes[place][:_ROWS] for place in places), strict=False))
    return bool(rows) and nearly(
        None not in row and "" not in row and abs(sum(map(sample_number, row)) - 1) <= SLACK for row in rows
    )


def _are_shares(values: Sequence[Any]) -> bool:
    held = [value for value in values[:_ROWS] if value not in (None, "")]
    return bool(held) and nearly(_is_share(value) for value in held)


def _is_share(value: Any) -> bool:
    return not isinstance(value, bool) and 0 <= sample_number(value) <= 1
