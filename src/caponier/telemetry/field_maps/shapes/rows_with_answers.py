"""Several examples in one record, as services of one's own write them: each with its answer, or a list a column."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from caponier.records.field_map import MapColumn, MapFeature
from caponier.telemetry.chunk import Row
from caponier.telemetry.field_maps.answered.answers_by_shape import answers_by_shape
from caponier.telemetry.field_maps.answered.class_lists import answers_of_each
from caponier.telemetry.field_maps.paths import escaped
from caponier.telemetry.field_maps.value_kinds import feature_of

_SEVERAL: Final = 2


class AnsweredRows(NamedTuple):
    """Rows that each hold what was asked and what was answered."""

    rows: list[Row]
    """What was asked."""
    answers: dict[str, MapColumn]
    """Where what was answered stands; none where no name tells."""


def answered_rows(items: Sequence[Row], path: str) -> AnsweredRows:
    """Take the answers out of the rows of a list: read as features, a model would be asked what it has answered.

    Args:
        items: Of all lists of a field.
        path: Where it stands.
    """
    found = answers_of_each(items, path)
    # What only its numbers say is an answer beside one that is called so, and else an input.
    found = answers_by_shape(items, path) | found if found else {}
    told = {one.path[0] for one in found.values()}
    if f"{path}[]" in told:
        # The whole rows are shares of classes by their names: then they are no answers of others.
        return AnsweredRows(list(items), {})
    keys = {key for item in items for key in item if f"{path}[].{escaped(str(key))}" in told}
    return AnsweredRows([{key: one for key, one in item.items() if key not in keys} for item in items], found)


def columns_of_lists(values: Sequence[Row], path: str) -> list[MapFeature]:
    """Return the features of objects that hold a list a column, as long as its request has examples; none of others.

    Args:
        values: The objects.
        path: Where they stand.
    """
    keys = list(values[0]) if values else []
    lists: list[list[Any]] = [[one.get(key) for key in keys] for one in values]
    if len(keys) < _SEVERAL or not all(isinstance(held, list) for those in lists for held in those):
        return []
    counts = [{len(held) for held in those} for those in lists]
    # Where all are of one length each may as well be a feature of several numbers.
    if any(len(one) != 1 for one in counts) or len(set().union(*counts)) < _SEVERAL:
        return []
    flat = {key: [cell for those in lists for cell in those[at]] for at, key in enumerate(keys)}
    found = [feature_of(str(key), f"{path}.{escaped(str(key))}[]", cells) for key, cells in flat.items()]
    return [one for one in found if one is not None]
