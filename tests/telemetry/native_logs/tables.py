"""Tables of predictions as people and warehouses keep them: a column a feature, lists in cells, days of Germany."""

from collections.abc import Sequence
from pathlib import Path

from telemetry.native_logs.shape import json_text, per_line, shape, table
from telemetry.native_logs.traffic import CLASSES, COLUMNS, Query

Queries = Sequence[Query]
TOLD = "time principal input label"


def comma(number: float) -> str:
    return str(number).replace(".", ",")


@shape("german-table", TOLD, slack=1)
def german(folder: Path, queries: Queries) -> list[Path]:
    rows = [[f"{q.time:%d.%m.%Y %H:%M:%S}", q.caller, *map(comma, q.x), q.label] for q in queries]
    header = ["Zeitpunkt", "Kunde", *COLUMNS, "Vorhersage"]
    for row in rows[:13]:
        row[0] = str(row[0])
    return table(folder / "a.csv", header, rows, delimiter=";")


@shape("a-column-a-feature", f"{TOLD} scores")
def flat(folder: Path, queries: Queries) -> list[Path]:
    rows = [[q.iso, q.caller, *q.x, q.label, *q.scores] for q in queries]
    header = ["timestamp", "user_id", *COLUMNS, "prediction", *(f"prob_{name}" for name in CLASSES)]
    return table(folder / "a.csv", header, rows)


@shape("scores-under-the-names-of-classes", f"{TOLD} scores")
def classes(folder: Path, queries: Queries) -> list[Path]:
    rows = [[q.iso, q.caller, *q.x, q.label, *q.scores] for q in queries]
    return table(folder / "a.csv", ["timestamp", "user_id", *COLUMNS, "prediction", *CLASSES], rows)


@shape("columns-that-say-they-are-features", f"{TOLD} request_id")
def marked(folder: Path, queries: Queries) -> list[Path]:
    rows = [[q.at, q.request_id, q.iso, q.caller, "north", *q.x, q.label] for q in queries]
    header = ["", "request_id", "ts", "account_id", "site", *(f"feature_{name}" for name in COLUMNS), "pred"]
    return table(folder / "a.csv", header, rows)


@shape("tab-separated", TOLD)
def tabs(folder: Path, queries: Queries) -> list[Path]:
    rows = [[q.iso, q.caller, *q.x, q.label] for q in queries]
    return table(folder / "a.tsv", ["event_time", "client", *COLUMNS, "predicted_class"], rows, delimiter="\t")


@shape("json-in-cells", f"{TOLD} scores")
def cells(folder: Path, queries: Queries) -> list[Path]:
    rows = [[q.iso, q.caller, json_text(q.named), q.label, json_text(list(q.scores))] for q in queries]
    return table(folder / "a.csv", ["created_at", "api_key", "features", "prediction", "probabilities"], rows)


@shape("arrays-of-postgresql", f"{TOLD} scores")
def arrays(folder: Path, queries: Queries) -> list[Path]:
    def array(values: Sequence[float]) -> str:
        return "{" + ",".join(map(str, values)) + "}"

    rows = [[q.iso, q.caller, array(q.x), q.label, array(q.scores)] for q in queries]
    return table(folder / "a.csv", ["created_at", "client", "features", "predicted", "probabilities"], rows)


@shape("day-and-time-of-day", TOLD, slack=1)
def clock(folder: Path, queries: Queries) -> list[Path]:
    rows = [[f"{q.time:%Y-%m-%d}", f"{q.time:%H:%M:%S}", q.caller, *q.x, q.label] for q in queries]
    return table(folder / "a.csv", ["date", "clock", "customer_id", *COLUMNS, "label"], rows)


@shape("seconds-since-1970", TOLD)
def epoch(folder: Path, queries: Queries) -> list[Path]:
    rows = [[q.epoch, q.caller, *q.x, q.label] for q in queries]
    return table(folder / "a.csv", ["ts", "uid", *COLUMNS, "y_pred"], rows)


@shape("capitals-of-a-warehouse", TOLD, slack=1)
def warehouse(folder: Path, queries: Queries) -> list[Path]:
    rows = [[f"{q.time:%Y-%m-%d %H:%M:%S}.000 +0000", q.caller, json_text(q.named), q.label] for q in queries]
    return table(folder / "a.csv", ["CREATED_AT", "USER_ID", "INPUT_VARIANT", "PREDICTED_LABEL"], rows)


@shape("bigquery-prediction-columns", "time principal input")
def bigquery(folder: Path, queries: Queries) -> list[Path]:
    rows = [[f"{q.time:%Y-%m-%d %H:%M:%S.%f} UTC", q.caller, *q.x, q.label] for q in queries]
    return table(folder / "a.csv", ["event_timestamp", "user_id", *COLUMNS, "predicted_outcome"], rows)


@shape("words-of-who-asked", TOLD)
def words(folder: Path, queries: Queries) -> list[Path]:
    rows = [[q.iso, q.caller, *q.x, q.label] for q in queries]
    return table(folder / "a.csv", ["at", "client_ref", *COLUMNS, "outcome"], rows)


@per_line("flat-objects", TOLD)
def objects(q: Query) -> object:
    return {"at": q.iso, "who": q.caller, **q.named, "cls": q.label}


@per_line("features-in-french", TOLD)
def french(q: Query) -> object:
    return {"horodatage": q.iso, "utilisateur": q.caller, **q.named, "prediction": q.label}
