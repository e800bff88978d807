"""Run by PySpark's own interpreter: what Spark reads of odd events, beside what DuckDB reads of them."""

import math
import sys
from typing import Any

import numpy as np

from caponier.detect.detector import Column, Enriched, Subject
from caponier.engines.columns import Read
from caponier.engines.plan import Plan
from caponier.engines.spark.scan import _events
from caponier.engines.spark.session import spark_session
from caponier.engines.spool import Spool, connected, sorted_events
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder
from engines.logs import filled, rows

NAN = math.nan
LABELS = ["1", "1.", "-2.5e3", "+1", "1e999", "1e-999", " 1", "1 ", "1\n", "\n1", "x", "", None, "NaN", "inf", "0x10"]
LABELS += ["1_0", "\u0661", "1d", "1.5f", "-", "1e", ".5", "00012", "-0", "9" * 400, "a\nb", "1\r\n", "1\u2028"]
SCORES = [
    [0.25, 0.5],
    [0.1, None, 0.9],
    [],
    None,
    [None],
    [NAN],
    [NAN, 2.0],
    [math.inf, 1.0],
    [-3.0, -math.inf],
    [-0.0],
]
SIGNALS = [None, [], [("near", 0.5)], [("near", None)], [("far", 1.0), ("near", NAN)]]
COSTS = [None, -1.0, 0.1, NAN, math.inf, 1e300]
NAMES = ["p", "é☂", "", None, "a b", "quo'te", 'dou"ble', "back\\slash", "%", "\x1f"]
COLUMNS: tuple[Read, ...] = (*Column, Enriched("near", 2))


def log() -> list[dict[str, Any]]:
    return rows(
        len(LABELS) * len(SCORES),
        label=lambda i: LABELS[i % len(LABELS)],
        scores=lambda i: SCORES[i // len(LABELS)],
        signals=lambda i: SIGNALS[i % len(SIGNALS)],
        cost=lambda i: COSTS[i % len(COSTS)],
        principal=lambda i: NAMES[i % len(NAMES)],
        source_ip=lambda i: [None, "192.0.2.1"][i % 2],
        status=lambda i: [None, 200, 401, -1][i % 4],
        feedback=lambda i: [None, "", "a\nb"][i % 3],
        input=lambda i: [[0.5, float(i)], [NAN, 1.0], None, [1.0]][i % 4],
    )


def plain(value: object) -> object:
    """NaN is no NaN's equal."""
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def told(rows: list[dict[str, Any]]) -> list[dict[str, object]]:
    found = [
        {
            name: [plain(one) for one in value] if isinstance(value, list) else plain(value)
            for name, value in row.items()
        }
        for row in rows
    ]
    return sorted(found, key=lambda row: (row["subject"], row["time"], row["source"], row["seq"]))


def main() -> int:
    differ = 0
    with Spool() as spool, spark_session("local[1]") as session:
        filled(spool, log(), log())
        for size in (2, 0):
            spec = FeatureSpec(kind="numeric", shape=(2,)) if size else FeatureSpec(kind="none")
            plan = Plan("m", Encoder(spec, np.zeros((0, 0), np.float32)), (), subject=Subject.PRINCIPAL)
            with connected(spool) as connection:
                batches = list(sorted_events(connection, "m", size, 1_000, columns=COLUMNS))
            local = told([row for batch in batches for row in batch.to_pylist()])
            spark = told([row.asDict() for row in _events(session, spool, plan, COLUMNS).collect()])
            if len(local) != len(spark) or not local:
                sys.stdout.write(f"{len(local)} and {len(spark)} events\n")
                differ += 1
            for here, there in zip(local, spark, strict=False):
                wrong = {name: (here[name], there[name]) for name in here if repr(here[name]) != repr(there[name])}
                if wrong:
                    differ += 1
                    sys.stdout.write(f"{here['label']!r}: {wrong}\n")
    return min(differ, 99)


if __name__ == "__main__":
    sys.exit(main())
