"""Bodies that hold a table under names of their own: the names of its columns in one list, its rows in another."""

from typing import Any, Final

from caponier.telemetry.body_keys import HOLDING
from caponier.telemetry.field_maps.value_kinds import is_number
from caponier.telemetry.framing.amounts import as_number

Body = dict[str, Any]
_OWN: Final = frozenset((*HOLDING, "predictions", "outputs"))
_PLAIN: Final = (str, int, float, type(None))


def table_of(body: Any) -> tuple[list[str], list[list[Any]]] | None:
    """Return the names and the rows of the only table in a body; None where there is none.

    IBM has `fields` and `values`, H2O `fields` and `rows` or `score`, pandas `columns` and `data`: what says that it is
    a table is that each row has as many cells as there are names. Beside these two a body may say plain things of the
    call, and nothing that could be other rows.

    Args:
        body: Of a request or an answer.
    """
    if isinstance(body, dict) and len(body) == 1:
        # watsonx has it alone in a list: `{"input_data": [{"fields": […], "values": […]}]}`.
        (inner,) = body.values()
        inner = inner[0] if isinstance(inner, list) and len(inner) == 1 else inner
        return _table(inner) if isinstance(inner, dict) else None
    return _table(body)


def _table(body: Any) -> tuple[list[str], list[list[Any]]] | None:
    if not isinstance(body, dict) or not _OWN.isdisjoint(body):
        return None
    held = [one for one in body.values() if not isinstance(one, _PLAIN)]
    names = [one for one in held if _are_names(one)]
    rows = [one for one in held if names and _are_rows(one, len(names[0]))]
    return (names[0], rows[0]) if len(held) == 2 and len(names) == len(rows) == 1 else None


def _are_names(held: Any) -> bool:
    return (
        isinstance(held, list)
        and bool(held)
        and all(isinstance(one, str) and one for one in held)
        and len(set(held)) == len(held)
    )


def _are_rows(held: Any, width: int) -> bool:
    return isinstance(held, list) and bool(held) and all(isinstance(row, list) and len(row) == width for row in held)


def numbers_in_text(records: Any) -> Any:
    """Return examples by name with numbers where all that one name holds is numbers in text, as Vertex AI takes them.

    Args:
        records: A list of objects; anything else comes back as it is.
    """
    if not isinstance(records, list) or not records or not all(isinstance(one, dict) for one in records):
        return records
    for name in records[0]:
        cells = tuple(one.get(name) for one in records)
        if isinstance(cells[0], str) and (numbers := _column(cells)) != list(cells):
            records = [{**one, name: number} for one, number in zip(records, numbers, strict=True)]
    return records


def split_table(names: list[str], rows: list[list[Any]]) -> Body:
    """Return a table as MLflow takes it; a column of which all cells are numbers in text holds numbers.

    Args:
        names: Of its columns.
        rows: Its rows.
    """
    columns = [_column(cells) for cells in zip(*rows, strict=True)]
    return {"dataframe_split": {"columns": names, "data": [list(row) for row in zip(*columns, strict=True)]}}


def _column(cells: tuple[Any, ...]) -> list[Any]:
    are_numbers = all(isinstance(one, str) and is_number(one) for one in cells)
    return [as_number(one) for one in cells] if are_numbers else list(cells)
