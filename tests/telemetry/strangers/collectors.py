"""Logs that were written once the readers had been mended for exports: consoles, gateways, monitors and offices."""
# fmt: off
# ruff: noqa: E501, E731

import json
import random
from datetime import timedelta

from telemetry.strangers.calls import calls, csv_text, ep, iso, jl, shop, truth
from telemetry.strangers.exports import ADS, CHURN, CLAIM, PUMP, asked


@shop
def psql_aligned():
    got = asked(CHURN, 301)
    head = ["scored_at", "account_manager", *got[0].x, "verdict", "p"]
    rows = [[f"{c.at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + "+00", c.who, *map(str, c.x.values()), c.label, str(max(c.scores))] for c in got]
    wide = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    line = lambda row: " " + " | ".join(v.ljust(w) for v, w in zip(row, wide, strict=True))
    return {"out.txt": "\n".join([line(head), "-" + "-+-".join("-" * w for w in wide) + "-", *map(line, rows), f"({len(rows)} rows)", ""]).encode()}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def cloud_run_text():
    got = asked(CLAIM, 302)
    rows = [{"insertId": c.id, "labels": {"instanceId": "00aa"}, "logName": "projects/p/logs/run.googleapis.com%2Fstderr", "receiveTimestamp": iso(c.at + timedelta(seconds=1), 6), "resource": {"type": "cloud_run_revision", "labels": {"service_name": "claims", "revision_name": "claims-01"}}, "textPayload": f"INFO:scorer:examiner={c.who} " + " ".join(f"{k}={v}" for k, v in c.x.items()) + f" decision={c.label} probability={max(c.scores)} took={c.ms}ms", "timestamp": iso(c.at, 6)} for c in got]
    return {"downloaded-logs.json": json.dumps(rows).encode()}, [truth(c, scores=[max(c.scores)]) for c in got]


@shop
def mlserver_pairs():
    got = asked(PUMP, 303)
    rows = [{"timestamp": iso(c.at, 6), "model_name": "pump", "headers": {"x-tenant": c.who, "ce-requestid": c.id}, "infer_request": {"id": c.id, "inputs": [{"name": k, "shape": [1, 1], "datatype": "FP64", "data": [v]} for k, v in c.x.items()]}, "infer_response": {"model_name": "pump", "id": c.id, "outputs": [{"name": "predict", "shape": [1, 1], "datatype": "BYTES", "data": [c.label]}, {"name": "predict_proba", "shape": [1, 2], "datatype": "FP64", "data": c.scores}]}} for c in got]
    return {"mlserver.jsonl": jl(rows)}, [truth(c, ms=None) for c in got]


@shop
def german_office():
    got = asked(CLAIM, 304)
    de = lambda v: f"{v:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")
    rows = [[f"{c.at:%d.%m.%y}", f"{c.at:%H:%M:%S}", c.who, f"SCH-2026-{i:05d}", de(c.x["claim_amount"]) + " €", c.x["vehicle_age"], "ja" if c.x["police_report"] else "nein", c.x["region"], f"{c.scores[0] * 100:.2f} %".replace(".", ","), c.label] for i, c in enumerate(got)]
    return {"Schäden.csv": csv_text(["Datum", "Uhrzeit", "Sachbearbeiter", "Schadennummer", "Schadenhöhe", "Fahrzeugalter", "Polizeibericht", "Region", "Betrugswahrscheinlichkeit", "Entscheidung"], rows, delimiter=";").decode().encode("cp1252")}, [truth(c, time=int(ep(c.at)) * 10**6, x={**c.x, "police_report": "ja" if c.x["police_report"] else "nein"}, scores=[c.scores[0]], ms=None) for c in got]


@shop
def klog_pairs():
    got = asked(ADS, 305, tick=1)
    lines = [f"I{c.at:%m%d %H:%M:%S.%f}       1 scorer.go:88] \"scored\" advertiser=\"{c.who}\" " + " ".join(f"{k}=\"{v}\"" if isinstance(v, str) else f"{k}={v}" for k, v in c.x.items()) + f" outcome=\"{c.label}\" pCTR={c.scores[0]}" for c in got]
    return {"klog.txt": "\n".join(lines).encode()}, [truth(c, scores=[c.scores[0]], ms=None) for c in got]


@shop
def new_relic_events():
    got = asked(CHURN, 306)
    events = [{"timestamp": int(ep(c.at) * 1000 + .5), "appName": "churn-api", "appId": 11, "realAgentId": 12, "userId": c.who, **{f"feature.{k}": v for k, v in c.x.items()}, "prediction": c.label, "probability": max(c.scores), "duration": c.ms / 1000} for c in got]
    return {"nrql.json": json.dumps({"results": [{"events": events}], "performanceStats": {"inspectedCount": 36}, "metadata": {"eventType": "ModelInference"}}).encode()}, [truth(c, scores=[max(c.scores)], ms=("or none", c.ms)) for c in got]


@shop
def elastic_inference():
    got, rows = asked(CLAIM, 307), []
    for c in got:
        best = sorted(zip(CLAIM.classes, c.scores, strict=True), key=lambda one: -one[1])
        rows.append({"_index": "claims-000001", "_id": c.id, "_score": 1.0, "_source": {"@timestamp": iso(c.at), "user": {"name": c.who}, "claim": c.x, "ml": {"inference": {"model_id": "claims-1", "predicted_value": best[0][0], "prediction_probability": best[0][1], "top_classes": [{"class_name": k, "class_probability": p, "class_score": p} for k, p in best]}}}})
    return {"hits.json": json.dumps({"took": 3, "timed_out": False, "hits": {"total": {"value": 36, "relation": "eq"}, "hits": rows}}).encode()}, [truth(c, scores="*", ms=None) for c in got]


@shop
def h2o_columns():
    got = asked(CHURN, 308)
    rows = [[iso(c.at), c.who, 70000 + i % 9, *c.x.values(), c.label, *c.scores] for i, c in enumerate(got)]
    return {"mojo_scores.csv": csv_text(["ts", "client", "subscription_id", *got[0].x, "predict", *CHURN.classes], rows)}, [truth(c, ms=None) for c in got]


@shop
def tabular_classes():
    got = asked(CLAIM, 309)
    rows = [{"logged_at": iso(c.at), "service_account": f"{c.who}@p.iam.example", "instance": {k: str(v) for k, v in c.x.items()}, "prediction": {"classes": list(CLAIM.classes), "scores": c.scores}, "deployedModelId": "4411"} for c in got]
    return {"vertex.jsonl": jl(rows)}, [truth(c, label="*", ms=None) for c in got]


@shop
def insights_dimensions():
    got = asked(PUMP, 310)
    rows = [[iso(c.at, 6)[:-1] + "0Z", "scored", 1, json.dumps({"user": c.who, "input": json.dumps(c.x), "output": json.dumps({"label": c.label, "score": max(c.scores)}), "elapsed_ms": str(c.ms)}), "pump-api", "0a1b", "trace"] for c in got]
    return {"query_data.csv": csv_text(["timestamp [UTC]", "message", "severityLevel", "customDimensions", "cloud_RoleName", "operation_Id", "itemType"], rows)}, [truth(c, scores=[max(c.scores)]) for c in got]


@shop
def kong_http_log():
    got = asked(ADS, 311)
    rows = [{"client_ip": c.ip, "started_at": int(ep(c.at) * 1000 + .5), "workspace": "default", "service": {"name": "ctr", "host": "ctr.ml"}, "route": {"name": "score"}, "consumer": {"username": c.who, "id": c.who[::-1]}, "request": {"uri": "/score", "method": "POST", "size": 210, "headers": {"user-agent": "bidder/3", "x-consumer-username": c.who}, "body": json.dumps(c.x)}, "response": {"status": 200, "size": 120, "headers": {"server": "uvicorn"}, "body": json.dumps({"label": c.label, "ctr": c.scores[0]})}, "latencies": {"request": int(c.ms), "kong": 1, "proxy": int(c.ms) - 1}, "upstream_status": "200"} for c in got]
    return {"kong.jsonl": jl(rows)}, [truth(c, scores=[c.scores[0]], ms=("or none", int(c.ms))) for c in got]


@shop
def sensor_windows():
    got, rows, want, rng = asked(PUMP, 312), [], [], random.Random(3)
    for i, c in enumerate(got):
        window = [[round(rng.gauss(0, 1), 3) for _ in range(3)] for _ in range(10)]
        rows.append({"sent": f"{ep(c.at):.3f}", "plant": c.who, "machine_id": 31 + i % 4, "window": window, "state": c.label, "anomaly_pct": round(c.scores[0] * 100, 2)})
        want.append(truth(c, x=[v for row in window for v in row], scores="*", who="*", ms=None))
    return {"windows.jsonl": jl(rows)}, want


@shop
def python_words():
    got = calls("vector", 313)
    lines = [f"{c.at:%Y-%m-%d %H:%M:%S},{c.at.microsecond // 1000:03d} - predictor - INFO - prediction for user={c.who} features={c.x} class={c.label} score={max(c.scores)} in {c.ms} ms" for c in got]
    return {"predictor.log": "\n".join(lines).encode()}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def compact_iso_tsv():
    got = asked(CLAIM, 314)
    rows = [[f"{c.at:%Y%m%dT%H%M%SZ}", c.who, *("Y" if v is True else "N" if v is False else v for v in c.x.values()), c.label, *(f"{100 * p:.2f}%" for p in c.scores)] for c in got]
    return {"claims.tsv": csv_text(["event_time", "broker", *got[0].x, "decision", *(f"prob_{k}" for k in CLAIM.classes)], rows, delimiter="\t")}, [truth(c, time=int(ep(c.at)) * 10**6, x={**c.x, "police_report": "Y" if c.x["police_report"] else "N"}, ms=None) for c in got]


@shop
def premium_bounds():
    got = asked(CLAIM, 315, priced=True)
    rows = [{"quotedAt": iso(c.at), "quotedBy": c.who, "policyNo": 880000 + i % 12, **c.x, "premium_estimate": c.value, "premium_low": round(c.value * .8, 2), "premium_high": round(c.value * 1.2, 2), "currency": "EUR"} for i, c in enumerate(got)]
    return {"quotes.jsonl": jl(rows)}, [truth(c, label=None, scores=None, ms=None) for c in got]


@shop
def moderation_categories():
    got, rows = calls("text", 316), []
    for c in got:
        scores = dict(zip(("harassment", "spam", "violence"), c.scores, strict=True))
        rows.append({"created": int(ep(c.at)), "endpoint": "/v1/moderations", "organization": c.who, "request": {"model": "mod-1", "input": c.x}, "response": {"id": f"modr-{c.id}", "model": "mod-1", "results": [{"flagged": max(c.scores) > .5, "categories": {k: v > .5 for k, v in scores.items()}, "category_scores": scores}]}})
    return {"moderations.jsonl": jl(rows)}, [truth(c, time=int(ep(c.at)) * 10**6, label="*", ms=None) for c in got]
