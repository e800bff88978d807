"""Logs that were written third: tables that consoles draw, stores of other makes, and what offices keep in sheets."""
# fmt: off
# ruff: noqa: RUF001, E501, E731

import csv
import json
import random
from datetime import timedelta

from telemetry.strangers.calls import calls, csv_text, ep, iso, jl, shop, truth
from telemetry.strangers.exports import ADS, CHURN, CLAIM, PUMP, Trade, asked

CARD = Trade((("amount", "money", 1, 4000), ("mcc", "int", 4000, 5999), ("country", "cat", ("DE", "FR", "US", "GB")), ("ecommerce", "bool"), ("velocity_1h", "int", 0, 12)), ("DECLINE", "APPROVE"))
ms3 = lambda c: f"{c.at.microsecond // 1000:03d}"
cased = lambda c: {k: str(v).lower() if isinstance(v, bool) else v for k, v in c.x.items()}


@shop
def mysql_drawn():
    got = asked(CLAIM, 401)
    head = ["created", "handler", *got[0].x, "result", "confidence"]
    rows = [[f"{c.at:%Y-%m-%d %H:%M:%S}.{ms3(c)}", c.who, *(str(int(v) if isinstance(v, bool) else v) for v in c.x.values()), c.label, str(max(c.scores))] for c in got]
    wide = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    rule = "+" + "+".join("-" * (w + 2) for w in wide) + "+"
    line = lambda row: "|" + "|".join(f" {v:<{w}} " for v, w in zip(row, wide, strict=True)) + "|"
    return {"mysql.txt": "\n".join([rule, line(head), rule, *map(line, rows), rule, "36 rows in set (0.01 sec)", ""]).encode()}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def logcli_lines():
    got = asked(CHURN, 402)
    rows = [{"labels": {"app": "churn", "level": "info"}, "line": json.dumps({"tenant": c.who, "input": c.x, "churn_probability": c.scores[0], "decision": c.label}), "timestamp": iso(c.at, 6)[:-1] + "000Z"} for c in got]
    return {"logcli.jsonl": jl(rows)}, [truth(c, scores=[c.scores[0]], ms=None) for c in got]


@shop
def kusto_frames():
    got = asked(PUMP, 403)
    names = ["Timestamp", "Operator", "MachineId", *(k.title().replace("_", "") for k in got[0].x), "PredictedState", "Probability"]
    rows = [[iso(c.at, 6), c.who, 40 + i % 3, *c.x.values(), c.label, max(c.scores)] for i, c in enumerate(got)]
    frames = [{"FrameType": "DataSetHeader", "IsProgressive": False, "Version": "v2.0"}, {"FrameType": "DataTable", "TableId": 1, "TableKind": "PrimaryResult", "TableName": "PrimaryResult", "Columns": [{"ColumnName": n, "ColumnType": "dynamic"} for n in names], "Rows": rows}, {"FrameType": "DataSetCompletion", "HasErrors": False, "Cancelled": False}]
    return {"kusto.json": json.dumps(frames).encode()}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def snowflake_sheet():
    got = asked(CLAIM, 404)
    rows = [[f"{c.at:%Y-%m-%d %H:%M:%S}.{ms3(c)} +0000", c.who, f"CL{i:06d}", json.dumps(c.x, indent=2), c.label, max(c.scores)] for i, c in enumerate(got)]
    return {"result.csv": csv_text(["SCORED_AT", "REQUESTING_ROLE", "CLAIM_ID", "FEATURES", "PREDICTION", "PROBABILITY"], rows, quoting=csv.QUOTE_ALL)}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def clickhouse_map():
    got = asked(CHURN, 405)
    rows = ["\t".join(["event_time", "api_client", "features", "prediction", "scores"])] + ["\t".join([f"{c.at:%Y-%m-%d %H:%M:%S}.{ms3(c)}", c.who, "{" + ",".join(f"'{k}':'{v}'" for k, v in c.x.items()) + "}", c.label, "[" + ",".join(map(str, c.scores)) + "]"]) for c in got]
    return {"export.tsv": "\n".join(rows).encode()}, [truth(c, ms=None) for c in got]


@shop
def duckdb_box():
    got = asked(PUMP, 406)
    head = ["ts", "requested_by", *got[0].x, "label", "score"]
    rows = [[f"{c.at:%Y-%m-%d %H:%M:%S}.{ms3(c)}", c.who, *map(str, c.x.values()), c.label, str(max(c.scores))] for c in got]
    kinds = ["timestamp", "varchar", *["double"] * 4, "varchar", "double"]
    wide = [max(len(row[i]) for row in [head, kinds, *rows]) for i in range(len(head))]
    rule = lambda a, b, c: a + b.join("─" * (w + 2) for w in wide) + c
    line = lambda row: "│" + "│".join(f" {v:<{w}} " for v, w in zip(row, wide, strict=True)) + "│"
    return {"duck.txt": "\n".join([rule("┌", "┬", "┐"), line(head), line(kinds), rule("├", "┼", "┤"), *map(line, rows), rule("└", "┴", "┘")]).encode()}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def lambda_powertools():
    got = asked(CLAIM, 407)
    rows = [{"level": "INFO", "location": "handler:33", "message": {"caller": c.who, "features": c.x, "prediction": c.label, "probability": max(c.scores)}, "timestamp": f"{c.at:%Y-%m-%d %H:%M:%S},{ms3(c)}+0000", "service": "claims", "cold_start": False, "function_name": "score", "function_memory_size": "512", "function_arn": "arn:aws:lambda:eu-west-1:1:function:score", "function_request_id": c.id, "xray_trace_id": f"1-{c.id[:8]}"} for c in got]
    return {"lambda.jsonl": jl(rows)}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def stern_pods():
    got = asked(ADS, 408)
    lines = ["+ scorer-6f9-x2k › scorer"] + [f"scorer-6f9-x{i % 2}k scorer " + json.dumps({"ts": ep(c.at), "account": c.who, "features": c.x, "prediction": c.label, "score": c.scores[0]}) for i, c in enumerate(got)]
    return {"stern.log": "\n".join(lines).encode()}, [truth(c, scores=[c.scores[0]], ms=None) for c in got], 1


@shop
def bento_words():
    got = asked(CHURN, 409, tick=1000000)
    lines = [f"{c.at:%Y-%m-%dT%H:%M:%S}+0000 [INFO] [service:churn:{i % 3}] scored tenant={c.who} " + " ".join(f'{k}="{v}"' if " " in str(v) else f"{k}={v}" for k, v in c.x.items()) + f" label={c.label} probability={max(c.scores)} (trace={c.id},sampled=0)" for i, c in enumerate(got)]
    return {"bento.log": "\n".join(lines).encode()}, [truth(c, time=int(ep(c.at)) * 10**6, scores=[max(c.scores)], ms=None) for c in got]


@shop
def triton_best_classes():
    got, rows = calls("vector", 410), []
    for c in got:
        best = sorted(zip(c.scores, (0, 1, 2), ("cat", "dog", "fox"), strict=True), reverse=True)
        rows.append({"time": iso(c.at), "client": c.who, "request": {"id": c.id, "inputs": [{"name": "x", "shape": [1, 6], "datatype": "FP32", "data": c.x}]}, "response": {"model_name": "pets", "outputs": [{"name": "probs", "datatype": "BYTES", "shape": [1, 3], "data": [f"{p}:{k}:{n}" for p, k, n in best]}]}})
    return {"triton.jsonl": jl(rows)}, [truth(c, label="*", ms=None) for c in got]


@shop
def intents_in_a_sheet():
    got = calls("text", 411)
    rows = [[f"{c.at:%m/%d/%Y %I:%M:%S %p}", c.who, c.x, c.label, f"{max(c.scores) * 100:.2f}"] for c in got]
    return {"Intents.csv": b"\xef\xbb\xbf" + csv_text(["When (UTC)", "Agent", "Customer message", "Predicted intent", "Confidence %"], rows)}, [truth(c, time=int(ep(c.at)) * 10**6, scores="*", ms=None) for c in got]


@shop
def extended_json():
    got = asked(CARD, 412)
    typed = lambda v: v if isinstance(v, bool | str) else {"$numberInt": str(v)} if isinstance(v, int) else {"$numberDouble": str(v)}
    rows = [{"_id": {"$oid": f"{i:024x}"}, "at": {"$date": {"$numberLong": str(int(ep(c.at) * 1000 + .5))}}, "merchantAccount": c.who, "txn": {k: typed(v) for k, v in c.x.items()}, "risk": {"score": typed(c.scores[0]), "decision": c.label}} for i, c in enumerate(got)]
    return {"mongo.json": jl(rows)}, [truth(c, scores=[c.scores[0]], ms=None) for c in got]


@shop
def protobuf_structs():
    got = asked(CLAIM, 413)
    typed = lambda v: {"boolValue": v} if isinstance(v, bool) else {"stringValue": v} if isinstance(v, str) else {"numberValue": v}
    rows = [{"requestTime": iso(c.at, 6), "principal": c.who, "request": {"features": {"fields": {k: typed(v) for k, v in c.x.items()}}}, "reply": {"label": c.label, "score": max(c.scores)}} for c in got]
    return {"grpc.jsonl": jl(rows)}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def logged_table():
    got = asked(CHURN, 414)
    doc = {"columns": ["timestamp", "user", *got[0].x, "prediction", *(f"score_{k}" for k in CHURN.classes)], "data": [[ep(c.at), c.who, *c.x.values(), c.label, *c.scores] for c in got], "ncols": 8, "nrows": 36, "column_types": {"wb_type": "typedDict"}, "_type": "table"}
    return {"predictions.table.json": json.dumps(doc).encode()}, [truth(c, ms=None) for c in got]


@shop
def italian_clock():
    got = asked(CLAIM, 415)
    it = lambda v: f"{v:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")
    rows = [[f"{c.at:%d/%m/%Y %H.%M.%S}", c.who, f"SIN-{i:05d}", it(c.x["claim_amount"]), c.x["vehicle_age"], "sì" if c.x["police_report"] else "no", c.x["region"], c.label, f"{max(c.scores):.4f}".replace(".", ",")] for i, c in enumerate(got)]
    return {"sinistri.csv": csv_text(["data_ora", "perito", "sinistro", "importo", "età_veicolo", "verbale", "zona", "esito", "probabilità"], rows, delimiter=";")}, [truth(c, time=int(ep(c.at)) * 10**6, x={**c.x, "police_report": "sì" if c.x["police_report"] else "no"}, scores=[max(c.scores)], ms=None) for c in got]


@shop
def swedish_loans():
    got = asked(Trade((("belopp", "money", 10000, 4000000), ("inkomst", "money", 9000, 90000), ("löptid", "int", 1, 30), ("ändamål", "cat", ("bil", "bostad", "resa"))), ("avslag", "beviljas")), 416)
    sv = lambda v: f"{v:,.2f}".replace(",", "\u00a0").replace(".", ",")
    rows = [[f"{c.at:%Y-%m-%d %H:%M:%S}", c.who, f"A{i:06d}", sv(c.x["belopp"]) + "\u00a0kr", sv(c.x["inkomst"]), c.x["löptid"], c.x["ändamål"], c.label, f"{max(c.scores):.4f}".replace(".", ",")] for i, c in enumerate(got)]
    return {"kredit.csv": csv_text(["tidpunkt", "handläggare", "ärende", "belopp", "inkomst", "löptid", "ändamål", "beslut", "sannolikhet"], rows, delimiter=";")}, [truth(c, time=int(ep(c.at)) * 10**6, scores=[max(c.scores)], ms=None) for c in got]


@shop
def card_scores():
    got = asked(CARD, 417)
    rows = [{"txn_ts": int(ep(c.at) * 1000 + .5), "txn_id": c.id, "acquirer": c.who, "card_hash": c.id[::-1], "merchant_id": 5000 + i % 8, **c.x, "fraud_score": int(c.scores[0] * 999), "decision": c.label, "rule_hits": ["R1"] if i % 5 == 0 else [], "model_version": "7.2"} for i, c in enumerate(got)]
    return {"txn.jsonl": jl(rows)}, [truth(c, scores=[int(c.scores[0] * 999)], who="*", ms=None) for c in got]


@shop
def letters_of_risk():
    got = asked(CHURN, 418)
    letter = lambda p: "ABCDE"[min(4, int(p * 5))]
    rows = [[iso(c.at, 0), c.who, 10000 + i, *c.x.values(), f"{c.scores[0] * 100:.1f}%", letter(c.scores[0])] for i, c in enumerate(got)]
    return {"grades.csv": csv_text(["run_date_time", "assessed_by", "customer_no", *got[0].x, "pd", "grade"], rows)}, [truth(c, time=int(ep(c.at)) * 10**6, label=letter(c.scores[0]), scores=[round(c.scores[0], 3)], ms=None) for c in got]


@shop
def nested_pixels():
    got, rows, want, rng = calls("vector", 419), [], [], random.Random(9)
    for c in got:
        px = [[[rng.randint(0, 255) for _ in range(4)] for _ in range(4)] for _ in range(3)]
        best = sorted(zip(("cat", "dog", "fox"), c.scores, strict=True), key=lambda one: -one[1])
        rows.append({"receivedAt": iso(c.at), "apiKeyName": c.who, "tensor": {"shape": [3, 4, 4], "values": px}, "top": [{"name": k, "prob": p} for k, p in best], "tookMs": c.ms})
        want.append(truth(c, x=[v for a in px for b in a for v in b]))
    return {"pixels.jsonl": jl(rows)}, want


@shop
def journal_of_two_days():
    got = asked(ADS, 420, tick=1000000)
    lines = [f"{(c.at + timedelta(hours=1)):%d.%m. %H:%M:%S} scorer[77]: user={c.who} " + " ".join(f"{k}={v}" for k, v in c.x.items()) + f" label={c.label} score={max(c.scores)}" for c in got]
    return {"journal.txt": "\n".join(lines).encode()}, [truth(c, time=(int(ep(c.at)) + 3600) * 10**6, scores=[max(c.scores)], ms=None) for c in got]
