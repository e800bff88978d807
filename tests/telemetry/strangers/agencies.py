"""Logs that were written fourth, by other people's habits: none of their forms was looked at before they were read."""
# fmt: off
# ruff: noqa: E501

import base64
import csv
import gzip
import json
import random
import struct
from datetime import timedelta, timezone

from telemetry.strangers.calls import calls, csv_text, ep, iso, jl, shop, truth
from telemetry.strangers.exports import ADS, CHURN, CLAIM, PUMP, Trade, asked

LEAD = Trade((("visits", "int", 0, 80), ("minutes_on_site", "f", 0, 60), ("industry", "cat", ("retail", "bank", "energy", "health")), ("employees", "int", 1, 9000)), ("hot", "cold"))
ROUTE = Trade((("distance_km", "f", 1, 900), ("stops", "int", 1, 30), ("weekday", "int", 0, 6), ("vehicle", "cat", ("van", "truck", "bike"))), ("late", "on_time"))


@shop
def lead_scores_of_a_crm():
    got = asked(LEAD, 501)
    rows = [[f"{c.at:%Y-%m-%dT%H:%M:%S}.000+0000", c.who, f"00Q{i:012d}", *c.x.values(), round(c.scores[0] * 100), "Hot" if c.scores[0] > .66 else "Warm" if c.scores[0] > .33 else "Cold"] for i, c in enumerate(got)]
    return {"extract.csv": csv_text(["CreatedDate", "OwnerId", "LeadId", *(k.title() for k in got[0].x), "Lead_Score__c", "Rating"], rows, quoting=csv.QUOTE_ALL)}, [truth(c, time=int(ep(c.at)) * 10**6, label="*", scores="*", ms=None) for c in got]


@shop
def route_estimates():
    got = asked(ROUTE, 502, priced=True)
    rows = [{"event": "eta_predicted", "time": ep(c.at), "properties": {"dispatcher": c.who, "route_id": 700 + i % 9, **c.x, "eta_minutes_predicted": c.value, "eta_p10": c.value * .7, "eta_p90": c.value * 1.4}} for i, c in enumerate(got)]
    return {"events.ndjson": jl(rows)}, [truth(c, x={**c.x, "route_id": 700 + i % 9}, label=None, scores=None, ms=None) for i, c in enumerate(got)]


@shop
def express_morgan_lines():
    got = asked(CHURN, 503)
    lines = [f"[{iso(c.at)}] info: POST /predict 200 {c.ms} ms user={c.who} body={json.dumps(c.x)} result={json.dumps({'label': c.label, 'score': max(c.scores)})}" for c in got]
    return {"app.log": "\n".join(lines).encode()}, [truth(c, scores=[max(c.scores)], ms=("or none", c.ms)) for c in got]


@shop
def queue_messages():
    got = asked(CLAIM, 504)
    rows = [{"MessageId": c.id, "Body": json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:1:scored", "Message": json.dumps({"scoredAt": iso(c.at), "clientId": c.who, "features": c.x, "prediction": {"label": c.label, "probability": max(c.scores)}}), "Timestamp": iso(c.at + timedelta(seconds=1))}), "Attributes": {"SentTimestamp": str(int(ep(c.at) * 1000))}} for c in got]
    return {"sqs.jsonl": jl(rows)}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def pubsub_pull():
    got = asked(ADS, 505)
    rows = [{"ackId": "x", "message": {"data": base64.b64encode(json.dumps({"account": c.who, "features": c.x, "label": c.label, "score": c.scores[0]}).encode()).decode(), "attributes": {"source": "ctr"}, "messageId": str(8000 + i), "publishTime": iso(c.at)}} for i, c in enumerate(got)]
    return {"pull.json": json.dumps(rows).encode()}, [truth(c, scores=[c.scores[0]], ms=None) for c in got]


@shop
def firehose_without_newlines():
    got = asked(PUMP, 506)
    return {"firehose-1-2026-03": gzip.compress("".join(json.dumps({"timestamp": int(ep(c.at) * 1000 + .5), "deviceGroup": "a", "userId": c.who, "reading": c.x, "prediction": c.label, "confidence": max(c.scores)}) for c in got).encode())}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def openinference_columns():
    got = asked(CHURN, 507)
    rows = [[c.id, iso(c.at), c.who, *c.x.values(), c.label, max(c.scores), "stay" if i % 3 else "churn"] for i, c in enumerate(got)]
    return {"openinference.csv": csv_text([":id.id:", ":timestamp.iso_8601:", ":tag.str:requested_by", *(f":feature.{'str' if isinstance(v, str) else 'float'}:{k}" for k, v in got[0].x.items()), ":prediction.label:pred", ":prediction.score:pred", ":actual.label:truth"], rows)}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def fiddler_table():
    got, rng = asked(CLAIM, 508), random.Random(2)
    rows = [[f"{c.at:%Y-%m-%d %H:%M:%S.%f}"[:-3], c.id, c.who, *(int(v) if isinstance(v, bool) else v for v in c.x.values()), *c.scores, rng.choice(CLAIM.classes)] for c in got]
    return {"fdl.csv": csv_text(["__occurred_at", "__event_id", "client", *got[0].x, *(f"predicted_{k}" for k in CLAIM.classes), "ground_truth"], rows)}, [truth(c, label="*", ms=None) for c in got]


@shop
def spectra_as_bytes():
    got, rows, want, rng = calls("vector", 509), [], [], random.Random(4)
    for c in got:
        x = [round(rng.gauss(0, 1), 3) for _ in range(12)]
        rows.append({"measuredAt": c.at.astimezone(timezone(timedelta(hours=2))).isoformat(timespec="milliseconds"), "lab": c.who, "spectrum": {"dtype": "<f4", "shape": [12], "data": base64.b64encode(struct.pack("<12f", *x)).decode()}, "substance": c.label, "certainty": max(c.scores)})
        want.append(truth(c, x=x, scores=[max(c.scores)], who="*", ms=None))
    return {"spectra.jsonl": jl(rows)}, want


@shop
def support_triage():
    got = calls("text", 510)
    rows = [{"ticketId": 9000 + i, "createdAt": iso(c.at), "requester": {"email": f"{c.who}@shop.example"}, "subject": "order", "body": c.x, "triage": {"queue": c.label, "confidence": max(c.scores), "alternatives": [{"queue": "neutral", "confidence": .1}]}} for i, c in enumerate(got)]
    return {"tickets.jsonl": jl(rows)}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def hr_sheet_in_german():
    got = asked(LEAD, 511)
    rows = [[f"{c.at:%d.%m.%Y %H:%M}", c.who, f"B-{i:04d}", c.x["visits"], f"{c.x['minutes_on_site']:.1f}".replace(".", ","), c.x["industry"], f"{c.x['employees']:,}".replace(",", "."), "geeignet" if c.label == "hot" else "ungeeignet", f"{max(c.scores):.4f}".replace(".", ",")] for i, c in enumerate(got)]
    return {"Vorauswahl.csv": csv_text(["Erfasst am", "Bearbeiter/in", "Bewerbungsnr.", "Besuche", "Minuten", "Branche", "Mitarbeiter", "Empfehlung", "Sicherheit"], rows, delimiter=";")}, [truth(c, time=int(ep(c.at)) // 60 * 60 * 10**6, x={**c.x, "minutes_on_site": float(f"{c.x['minutes_on_site']:.1f}")}, label="geeignet" if c.label == "hot" else "ungeeignet", scores=[max(c.scores)], ms=None) for c in got]


@shop
def envoy_ext_proc():
    got = asked(CLAIM, 512)
    rows = [{"@timestamp": iso(c.at), "authority": "claims.ml", "method": "POST", "path": "/v2/models/claims/infer", "response_code": "200", "duration": str(int(c.ms)), "x-consumer": c.who, "request_body": json.dumps({"inputs": [{"name": "f", "shape": [1, 2], "datatype": "FP32", "data": [c.x["claim_amount"], c.x["vehicle_age"]]}]}), "response_body": json.dumps({"outputs": [{"name": "p", "shape": [1, 2], "datatype": "FP32", "data": c.scores}]})} for c in got]
    return {"proc.jsonl": jl(rows)}, [truth(c, x=[c.x["claim_amount"], c.x["vehicle_age"]], label="*", ms=("or none", int(c.ms))) for c in got]


@shop
def ids_of_everything():
    got = asked(ROUTE, 513)
    rows = [[i + 1, iso(c.at, 0), f"S{i % 7}", f"{c.id[:8]}-aaaa", c.who, 3000 + i % 5, *c.x.values(), c.label, max(c.scores), "v3"] for i, c in enumerate(got)]
    return {"shipments.tsv": csv_text(["row", "predicted_at", "depot_code", "shipment_uuid", "api_client", "driver_id", *got[0].x, "prediction", "prediction_confidence", "model_version"], rows, delimiter="\t")}, [truth(c, time=int(ep(c.at)) * 10**6, x={**c.x, "depot": f"S{i % 7}"}, scores=[max(c.scores)], ms=None) for i, c in enumerate(got)]


@shop
def go_slog_text():
    got = asked(ADS, 514)
    lines = [f"time={iso(c.at)} level=INFO msg=\"bid scored\" req.bidder={c.who} " + " ".join(f"features.{k}={v}" for k, v in c.x.items()) + f" out.class={c.label} out.p={c.scores[0]} took={c.ms}ms" for c in got]
    return {"slog.txt": "\n".join(lines).encode()}, [truth(c, scores=[c.scores[0]]) for c in got]


@shop
def rust_tracing():
    got = asked(PUMP, 515)
    rows = [{"timestamp": iso(c.at, 6), "level": "INFO", "fields": {"message": "inference", "client": c.who, **c.x, "state": c.label, "confidence": max(c.scores)}, "target": "pump::score", "span": {"name": "score", "id": i}, "spans": [{"name": "score", "id": i}]} for i, c in enumerate(got)]
    return {"tracing.jsonl": jl(rows)}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def dotnet_console():
    got = asked(CHURN, 516)
    lines = [f"{c.at:%Y-%m-%d %H:%M:%S}.{c.at.microsecond // 1000:03d} +00:00 [INF] Scored {{\"Features\": {json.dumps(c.x)}, \"Decision\": \"{c.label}\", \"Score\": {max(c.scores)}}} for {c.who}" for c in got]
    return {"serilog.txt": "\n".join(lines).encode()}, [truth(c, who="*", scores=[max(c.scores)], ms=None) for c in got]
