"""Request loggers of services, as those who run them write them."""
# fmt: off
# ruff: noqa: B905, C408, E501, E701, E702, E741, PERF401, UP031

import base64
import gzip
import json
import random
import struct
from datetime import timedelta
from urllib.parse import urlencode

from telemetry.strangers.calls import calls, dist, ep, iso, jl, shop, truth


@shop
def fastapi_structlog():
    got, rows = calls("loan", 1, fail=(7, 19)), []
    for c in got:
        body = {"decision": c.label, "proba": dist(c, "loan")} if c.label else {"detail": "internal error"}
        rows.append({"event": "request", "timestamp": iso(c.at, 6), "level": "info", "path": "/v1/score", "method": "POST", "client": {"host": c.ip, "port": 40000 + int(c.ms)},
                     "user": {"id": c.who, "role": "analyst"}, "req": {"body": c.x}, "res": {"status": c.status, "body": body}, "elapsed_ms": c.ms})
    return {"app.jsonl": jl(rows)}, [truth(c) for c in got]


@shop
def flask_printed_dicts():
    got, lines = calls("loan", 2), []
    for c in got:
        lines.append(f"{c.at:%Y-%m-%d %H:%M:%S},{c.at.microsecond // 1000:03d} INFO [scoring.py:61] predict user={c.who} payload={c.x!r} -> {dict(label=c.label, score=max(c.scores))!r}")
    return {"flask.log": "\n".join(lines).encode()}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def express_winston():
    got, rows = calls("vector", 3), []
    for c in got:
        rows.append({"message": "prediction served", "level": "info", "timestamp": iso(c.at), "meta": {"req": {"method": "POST", "url": "/classify", "headers": {"x-tenant-id": c.who, "content-type": "application/json"},
                     "body": {"features": c.x}}, "res": {"statusCode": 200, "body": {"predictedClass": c.label, "confidence": max(c.scores)}}, "responseTime": c.ms}})
    return {"combined.log": jl(rows)}, [truth(c, scores=[max(c.scores)]) for c in got]


@shop
def spring_logstash():
    got, rows = calls("fraud", 4, model="txn-risk"), []
    for c in got:
        x = {"amount": c.x["amount"], "hour": c.x["hour"], "merchantType": c.x["merchant_type"], "cardPresent": c.x["card_present"], "distanceKm": c.x["distance_km"]}
        rows.append((c, x, {"@timestamp": c.at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+00:00", "@version": "1", "logger_name": "com.shop.risk.ScoringController", "thread_name": "http-nio-8080-exec-%d" % (len(rows) % 9),
                    "level": "INFO", "level_value": 20000, "message": "scored", "apiClient": c.who, "modelName": "txn-risk", "features": x, "score": c.scores[0], "decision": c.label, "durationMs": c.ms}))
    return {"risk.log": jl(r for _, _, r in rows)}, [truth(c, x=x, scores=[c.scores[0]]) for c, x, _ in rows]


@shop
def go_zap():
    got = calls("vector", 5)
    rows = [{"level": "info", "ts": ep(c.at), "caller": f"serve/handler.go:{88 + i % 2}", "msg": "inference", "tenant": c.who, "input": c.x, "output": c.label, "probs": c.scores, "took": c.ms / 1000} for i, c in enumerate(got)]
    return {"svc.log": jl(rows)}, [truth(c) for c in got]


@shop
def pino_http():
    got = calls("flower", 6)
    rows = [{"level": 30, "time": int(ep(c.at) * 1000), "pid": 1, "hostname": "iris-7f9c", "req": {"id": i + 1, "method": "POST", "url": "/predict", "headers": {"authorization": f"Bearer tok_{c.who}_9f8e7d6c5b4a", "user-agent": "axios/1.6"}, "remoteAddress": "10.0.0.9", "body": c.x},
             "res": {"statusCode": 200, "body": {"species": c.label, "probabilities": dist(c, "flower")}}, "responseTime": c.ms, "msg": "request completed"} for i, c in enumerate(got)]
    return {"pino.ndjson": jl(rows)}, [truth(c) for c in got]


@shop
def serilog_compact():
    got = calls("house", 7)
    rows = [{"@t": c.at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z", "@mt": "Valued {Area} for {Account}", "Account": c.who, "Input": {"AreaM2": c.x["area_m2"], "Rooms": c.x["rooms"], "YearBuilt": c.x["year_built"], "District": c.x["district"]},
             "PredictedPrice": c.value, "ElapsedMilliseconds": c.ms, "SourceContext": "Valuation.Api", "RequestId": c.id} for c in got]
    return {"valuation.clef": jl(rows)}, [truth(c, x=r["Input"]) for c, r in zip(got, rows)]


@shop
def rails_lograge():
    got, lines = calls("loan", 8), []
    for c in got:
        ruby = "{" + ", ".join(f'"{k}"=>' + (f'"{v}"' if isinstance(v, str) else str(v)) for k, v in c.x.items()) + "}"
        lines.append(f"I, [{c.at:%Y-%m-%dT%H:%M:%S.%f} #4242]  INFO -- : method=POST path=/loans/score format=json controller=LoansController action=score status=200 duration={c.ms} view=0.21 user_id={c.who} params={ruby} prediction={c.label} probability={max(c.scores)}")
    return {"production.log": "\n".join(lines).encode()}, [truth(c, scores=[max(c.scores)]) for c in got]


@shop
def nginx_request_body():
    got, lines = calls("flower", 9, tick=1000000), []
    for c in got:
        body = json.dumps(c.x).replace("\\", "\\x5C").replace('"', "\\x22")
        lines.append(f'{c.ip} - {c.who} [{c.at:%d/%b/%Y:%H:%M:%S} +0000] "POST /v1/models/iris:predict HTTP/1.1" 200 61 "-" "python-requests/2.31" "{body}" rt={c.ms / 1000:.3f}')
    return {"access.log": "\n".join(lines).encode()}, [truth(c, label=None, scores=None, ms=None) for c in got]


@shop
def iis_w3c():
    got, lines = calls("loan", 10, tick=1000000), []
    for i, c in enumerate(got):
        if i % 17 == 0: lines += ["#Software: Microsoft Internet Information Services 10.0", "#Version: 1.0", f"#Date: {c.at:%Y-%m-%d %H:%M:%S}", "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken"]
        lines.append(f"{c.at:%Y-%m-%d %H:%M:%S} 10.0.0.4 GET /api/score {urlencode(c.x)} 443 CORP\\{c.who} {c.ip} Mozilla/5.0+(Windows+NT+10.0) - 200 0 0 {int(c.ms)}")
    return {"u_ex260302.log": "\r\n".join(lines).encode()}, [truth(c, label=None, scores=None, ms=int(c.ms)) for c in got]


@shop
def graphql_gateway():
    got = calls("loan", 11)
    rows = [{"time": iso(c.at), "sub": c.who, "request": {"operationName": "Score", "query": "mutation Score($input: LoanInput!) { score(input: $input) { label probability } }", "variables": {"input": c.x}},
             "response": {"data": {"score": {"label": c.label, "probability": max(c.scores)}}}, "durationMs": c.ms} for c in got]
    return {"graphql.jsonl": jl(rows)}, [truth(c, scores=[max(c.scores)]) for c in got]


@shop
def printed_datetimes():
    got, lines = calls("vector", 12), []
    for c in got:
        t = c.at
        lines.append(f"{{'ts': datetime.datetime({t.year}, {t.month}, {t.day}, {t.hour}, {t.minute}, {t.second}, {t.microsecond}, tzinfo=datetime.timezone.utc), 'user': '{c.who}', 'x': {c.x}, 'y': '{c.label}', 'p': {max(c.scores)}}}")
    return {"debug.log": "\n".join(lines).encode()}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def base64_tensors():
    got, rows = calls("vector", 13, width=8), []
    for c in got:
        rows.append({"at": iso(c.at, 6), "client_id": c.who, "tensor": {"dtype": "float32", "shape": [1, 8], "data": base64.b64encode(struct.pack("<8f", *c.x)).decode()}, "prediction": c.label, "scores": c.scores})
    return {"tensors.jsonl": jl(rows)}, [truth(c, ms=None) for c in got]


@shop
def batch_rows_with_columns():
    got, rows, i, want = calls("flower", 14, n=48), [], 0, []
    sizes = random.Random(3)
    while i < len(got):
        part = got[i:i + sizes.choice([1, 2, 3])]; i += len(part); c = part[0]
        rows.append({"ts": iso(c.at), "account": c.who, "request": {"columns": list(c.x), "rows": [list(p.x.values()) for p in part]}, "response": {"predictions": [p.label for p in part]}})
        want += [truth(p, time=round(c.at.timestamp() * 1e6), who=c.who, scores=None, ms=None) for p in part]
    return {"batches.jsonl": jl(rows)}, want


@shop
def sparse_dicts():
    got, rows, rng = calls("vector", 15), [], random.Random(8)
    out = []
    for c in got:
        x = {f"term_{k}": round(rng.random(), 3) for k in sorted(rng.sample(range(30), 5))}
        rows.append({"timestamp": iso(c.at), "customer_id": c.who, "features": x, "class": c.label, "confidence": max(c.scores)})
        out.append(truth(c, x=x, scores=[max(c.scores)], ms=None))
    return {"sparse.jsonl.gz": gzip.compress(jl(rows))}, out


@shop
def sentiment_texts():
    got = calls("text", 16)
    rows = [{"logged_at": iso(c.at), "key_id": f"key-{c.who}", "text": c.x, "sentiment": c.label, "scores": [{"label": l, "score": s} for l, s in zip(["negative", "neutral", "positive"], c.scores)], "latency": f"{c.ms}ms"} for c in got]
    return {"sentiment.jsonl": jl(rows)}, [truth(c) for c in got]


@shop
def embedding_search():
    got, rows, rng = calls("vector", 17, width=24), [], random.Random(2)
    out = []
    for c in got:
        hits = sorted((round(rng.random(), 4) for _ in range(5)), reverse=True); docs = rng.sample([f"doc-{k}" for k in range(40)], 5)
        rows.append({"ts": int(ep(c.at) * 1000), "app": c.who, "query_embedding": c.x, "results": [{"doc": d, "score": s} for d, s in zip(docs, hits)], "took": int(c.ms)})
        out.append(truth(c, label=docs[0], scores=None, ms=None))
    return {"search.jsonl": jl(rows)}, out


@shop
def multi_label():
    got, rows, rng = calls("text", 18), [], random.Random(4)
    for c in got:
        p = {k: round(rng.random(), 3) for k in ("toxic", "spam", "insult", "threat")}
        rows.append((c, p, {"time": iso(c.at), "api_key_hash": f"{sum(map(ord, c.who)):x}{c.who[:2].encode().hex()}f0a9", "input": {"comment": c.x}, "output": {"labels": [k for k, v in p.items() if v > .5], "probabilities": p}}))
    return {"moderation.jsonl": jl(r for *_, r in rows)}, [truth(c, label="*", scores=list(p.values()), ms=None) for c, p, _ in rows]


@shop
def regression_durations():
    got = calls("house", 19)
    rows = [{"time": iso(c.at, 6), "requester": c.who, "inputs": c.x, "prediction": c.value, "duration": round(c.ms / 1000, 5)} for c in got]
    return {"valuations.jsonl": jl(rows)}, [truth(c, ms=("or none", c.ms)) for c in got]


@shop
def redacted():
    got = calls("loan", 20)
    rows = [{"ts": iso(c.at), "headers": {"authorization": "[REDACTED]", "cookie": "***", "x-consumer-username": c.who}, "body": {**c.x, "name": "[REDACTED]", "iban": "XXXXXXXX"}, "result": {"outcome": c.label, "probability": c.scores[0]}, "ms": c.ms} for c in got]
    return {"redacted.jsonl": jl(rows)}, [truth(c, scores=[c.scores[0]]) for c in got]


@shop
def halves_in_two_files():
    got, a, b = calls("fraud", 21), [], []
    for c in got:
        a.append({"timestamp": iso(c.at), "correlation_id": c.id, "direction": "in", "caller_id": c.who, "body": c.x})
        b.append({"timestamp": iso(c.at + timedelta(milliseconds=int(c.ms) + 1)), "correlation_id": c.id, "direction": "out", "body": {"label": c.label, "probabilities": c.scores}, "status": 200})
    random.Random(1).shuffle(b)
    return {"requests.jsonl": jl(a), "responses.jsonl": jl(b)}, [truth(c, ms=None) for c in got]


@shop
def pretty_array_camel():
    got = calls("loan", 22)
    rows = [{"requestTime": iso(c.at), "partnerName": c.who, "applicant": {"ageYears": c.x["age"], "annualIncome": c.x["income"]}, "loan": {"tenureMonths": c.x["tenure_months"], "purpose": c.x["purpose"]}, "outcome": {"verdict": c.label, "confidencePct": round(100 * max(c.scores), 2)}} for c in got]
    want = [truth(c, x={"ageYears": c.x["age"], "annualIncome": c.x["income"], "tenureMonths": c.x["tenure_months"], "purpose": c.x["purpose"]}, scores=None, ms=None) for c in got]
    return {"export.json": json.dumps(rows, indent=2).encode()}, want


@shop
def two_time_forms():
    got = calls("flower", 23)
    rows = [{"ts": iso(c.at) if i < 14 else int(ep(c.at) * 1000), "user_name": c.who, **c.x, "predicted": c.label} for i, c in enumerate(got)]
    return {"mixed.jsonl": jl(rows)}, [truth(c, scores=None, ms=None) for c in got]


@shop
def logfmt_plain():
    got = calls("fraud", 24)
    lines = [f'time={iso(c.at)} level=info msg="scored transaction" client={c.who} amount={c.x["amount"]} hour={c.x["hour"]} merchant_type={c.x["merchant_type"]} card_present={str(c.x["card_present"]).lower()} distance_km={c.x["distance_km"]} verdict={c.label} p_fraud={c.scores[0]} took={c.ms}ms' for c in got]
    return {"scorer.log": "\n".join(lines).encode()}, [truth(c, scores=[c.scores[0]]) for c in got]
