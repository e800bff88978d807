"""Names under which loggers, frameworks and people write what an inference event needs; the surest come first."""

import re
from functools import lru_cache
from typing import Final
from unicodedata import combining, normalize

from caponier.telemetry.framing.amounts import MILLISECONDS
from caponier.telemetry.readers import other_languages

ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "time": (
        "time",
        "timestamp",
        "ts",
        "event_time",
        "request_time",
        "datetime",
        "date_time",
        "request_timestamp",
        "time_local",
        "timestamp_ms",
        "timestamp_us",
        "time_ms",
        "epoch",
        "epoch_ms",
        "created_at",
        "received_at",
        "logged_at",
        "time_iso8601",
        "asctime",
        "event_timestamp",
        "inference_time",
        "logging_time",
        "start_time",
        "created",
        "occurred_at",
        "instant",
        "received",
        "sent",
        "zeitstempel",
        "zeitpunkt",
        "zeit",
        "datum",
        "date",
        "horodatage",
        "fecha",
        "at",
        "when",
        "marca_de_tiempo",
        "fecha_hora",
        "data_ora",
        "date_heure",
        "momento",
    ),
    "event_id": ("event_id",),
    "input_digest": ("input_digest",),
    "request_id": (
        "request_id",
        "requestid",
        "x_request_id",
        "x_correlation_id",
        "correlation_id",
        "correlationid",
        "xrequestid",
        "trace_id",
        "inference_id",
        "prediction_id",
        "request_uuid",
        "uuid",
        "guid",
    ),
    "operation": ("operation",),
    "model": (
        "model",
        "model_name",
        "model_id",
        "served_model",
        "served_model_name",
        "deployment",
        "deployment_name",
        "endpoint_name",
        "model_spec_name",
        "modell",
        "modele",
        "modelo",
        "modello",
        "nom_modele",
        "inference_service",
        "inferenceservicename",
        "ce_inferenceservicename",
        "trace_name",
        "modellname",
    ),
    "model_version": ("model_version", "version", "served_model_version", "model_spec_version"),
    "system": ("system",),
    "principal": (
        "principal",
        "api_key",
        "apikey",
        "x_api_key",
        "user_api_key_hash",
        "email",
        "user_email",
        "user_arn",
        "authorization",
        "token",
        "access_token",
        "client_id",
        "client",
        "user_id",
        "user",
        "username",
        "user_name",
        "account",
        "account_id",
        "caller",
        "consumer",
        "tenant",
        "tenant_id",
        "subject",
        "sub",
        "customer_id",
        "customer",
        "remote_user",
        "requester",
        "distinct_id",
        "usr_id",
        "usr",
        "uid",
        "userid",
        "login",
        "peer",
        "kunde",
        "kunden_id",
        "kundennummer",
        "nutzer",
        "benutzer",
        "mandant",
        "auftraggeber",
        "aufrufer",
        "utilisateur",
        "usuario",
        "utente",
        "benutzername",
        "benutzer_id",
        "nutzer_id",
        "kundennr",
        "identifiant",
        "client_identifiant",
        "cliente",
        "cliente_id",
    ),
    "session": (
        "session",
        "session_id",
        "sessionid",
        "on_behalf_of",
        "conversation_id",
        "end_user",
        "sitzung",
        "sesion",
        "sessione",
    ),
    "source_ip": (
        "source_ip",
        "client_ip",
        "remote_addr",
        "remote_ip",
        "ip",
        "ip_address",
        "x_forwarded_for",
        "remote_address",
        "client_host",
        "client_address",
        "caller_ip",
        "caller_ip_address",
    ),
    "status": ("status", "status_code", "http_status", "response_code", "http_status_code", "response_status"),
    "latency_ms": (
        "latency_ms",
        "duration_ms",
        "elapsed_ms",
        "execution_time_ms",
        "execution_duration_ms",
        "response_time_ms",
        "took_ms",
        "latency_s",
        "duration_s",
        "latency_seconds",
        "duration_seconds",
        "elapsed_seconds",
    ),
    "cost": ("cost", "total_tokens", "tokens"),
    "user_agent": ("user_agent", "useragent", "http_user_agent"),
    "feedback": (
        "feedback",
        "feedback_label",
        "user_feedback",
        "correct_label",
        "corrected_label",
        "correct_class",
        "user_label",
        "correction",
    ),
    "label": (
        "label",
        "predicted_label",
        "predict",
        "predicted_class",
        "prediction",
        "predictions",
        "prediction_label",
        "prediction_class",
        "predicted_value",
        "prediction_value",
        "pred",
        "class",
        "class_name",
        "y_pred",
        "preds",
        "predicted_labels",
        "yhat",
        "labels",
        "y_hat",
        "top_class",
        "output",
        "outputs",
        "result",
        "answer",
        "decision",
        "response",
        "predicted",
        "vorhersage",
        "ergebnis",
        "klasse",
        "entscheidung",
        "klassifikation",
        "resultat",
        "classe",
        "resultado",
        "prediccion",
        "clase",
        "esito",
        "previsione",
        "voorspelling",
        "cls",
        "argmax",
        "sentiment",
        "intent",
        "emotion",
        "verdict",
        "recommendation",
        "empfehlung",
        "einstufung",
        "outcome",
        "etiqueta",
        "etichetta",
        "etiquette",
        "antwort",
        "respuesta",
        "reponse",
        "risposta",
        "risultato",
        "classificatie",
        "uitkomst",
        "forecast",
        "estimate",
        "estimated_value",
        "prognose",
        "schatzung",
        "schaetzung",
        "estimation",
        "stima",
        "prevision",
        "pronostico",
    ),
    "scores": (
        "scores",
        "probabilities",
        "probs",
        "proba",
        "probas",
        "predict_proba",
        "class_probabilities",
        "prediction_probabilities",
        "probability",
        "confidence",
        "confidences",
        "score",
        "prob",
        "logits",
        "wahrscheinlichkeit",
        "wahrscheinlichkeiten",
        "probabilite",
        "prediction_score",
        "prediction_scores",
        "prediction_proba",
        "prediction_probability",
        "predicted_proba",
        "predicted_probability",
        "probabilites",
        "probabilidad",
        "probabilidades",
        "probabilita",
        "puntuacion",
        "puntaje",
        "punteggio",
        "konfidenz",
        "confiance",
        "confianza",
        "kans",
    ),
}
"""A column to the names it goes by, as `normal` writes them."""
ALIASES.update({column: (*ALIASES[column], *words) for column, words in other_languages.WORDS.items()})
LOGSTASH: Final = "@version"
"""The version of the form of Logstash's records, and of no model."""
INPUTS: Final = (
    "features",
    "inputs",
    "instances",
    "input",
    "instance",
    "feature_vector",
    "dataframe_records",
    "model_input",
    "input_features",
    "request_body",
    "request",
    "body",
    "payload",
    "data",
    "x",
    "row",
    "vector",
    "vec",
    "text",
    "prompt",
    "image",
    "pixels",
    "messages",
    "query",
    "question",
    "sample",
    "sequence",
    "merkmale",
    "eingabe",
    "eingaben",
    "eingabedaten",
    "anfrage",
    "nachricht",
    "texte",
    "texto",
    "testo",
    "daten",
    "datos",
    "entrada",
    "entradas",
    "caracteristicas",
    "donnees",
    "entree",
    "entrees",
    "caracteristiques",
    "dati",
    "ingresso",
    "embedding",
    "embeddings",
    "rows",
    "samples",
    "examples",
    "window",
    "series",
    "signal",
    "readings",
    "observation",
    "spectrum",
    "tokens",
    "token_ids",
    "input_ids",
    "pixel_values",
    "predictors",
    "covariates",
    *other_languages.INPUTS,
)
"""Under these stands what the model was asked."""
OWN: Final = frozenset((*INPUTS, *ALIASES["principal"], *ALIASES["session"], *ALIASES["label"], *ALIASES["scores"])) - {
    "input",
    "labels",
    "message",
    "text",
}
"""What a record has and no carrier: an object with one of them is the record itself, whatever text it holds besides.
Else a caller whose question is logged as `message` could write a record of somebody else's into it."""
PERHAPS: Final = ("arguments", "args", "kwargs", "params", "parameters", "context", "record", "variables")
"""Under these it may stand, where it stands under none of those: what says who asked does, too."""
BODIES: Final = ("request", "body", "request_body", "payload", "data")
"""Of these, where what was sent stands as it came."""
CREDENTIALS: Final = frozenset(
    (
        *("api_key", "apikey", "x_api_key", "authorization", "token", "access_token", "refresh_token", "id_token"),
        *("email", "user_email", "cookie", "set_cookie", "password", "passwd", "secret", "client_secret", "bearer"),
    )
)
"""By these somebody gets in or is written to: no model takes them, and they stand in no event as they are."""
TOKENS: Final = re.compile(
    r"(?:.+_)?(?:secret|password|passwd|passphrase|credentials?|cookie|jwt|authorization"
    r"|(?:api|auth|authentication|access|refresh|session|bearer|id|csrf|xsrf|security|sas|user|client|app|service|device"
    r"|push|customer|tenant|account|personal|login)_?token"
    r"|(?:api|auth|private|secret|access|subscription|license|licence)_?key|secret_access_key)"
)
"""How a field is called besides that holds a text by which somebody gets in; as a number it says something of it."""
IDS: Final = ("_id", "_key", "email", "user", "account", "customer", "client")
"""How names end that say who somebody is, and no model takes."""
SEVERAL: Final = ("instances", "dataframe_records", "rows", "records", "samples", "batch", "examples")
"""Under these stand several examples, one after the other."""
UNIONS: Final = frozenset(("string", "int", "long", "float", "double", "boolean", "S", "N", "BOOL"))
"""Names of types that Avro writes around the value of a union in JSON, and DynamoDB around every value."""
ASIDE: Final = frozenset(
    ("headers", "header", "http_headers", "cookies", "metadata", "meta", "auth", "trace", "span", "options", "config")
)
"""Objects beside features that hold none."""
COUNTERS: Final = frozenset(
    (
        "",
        "index",
        "id",
        "row",
        "row_id",
        "rownum",
        "row_number",
        "nr",
        "lfd_nr",
        "unnamed_0",
        "index_level_0",
        "level",
        "logger",
        "msg",
        "message",
        "method",
        "path",
        "url",
        "endpoint",
        "host",
        "hostname",
        "pid",
        "line",
        "ground_truth",
        "actual",
        "target",
        "seq",
        "extra",
    )
)
"""Fields beside features that are none."""
SCORE_STEMS: Final = ("prob", "proba", "probability", "score", "p")
SHARES: Final = ("p", "conf", "certainty", "sicherheit", "konfidenz", "certitude")
"""What else the score of an answer may be called, where it is a share beside it."""
SCORE_PARTS: Final = re.compile(rf"(?:{'|'.join(SCORE_STEMS)})_(.+)")
_NO_INPUT: Final = (
    "event_id",
    "request_id",
    "session",
    "source_ip",
    "user_agent",
    "latency_ms",
    "time",
    "input_digest",
)
NO_FEATURES: Final = frozenset(name for column in _NO_INPUT for name in ALIASES[column]) | {
    "span_id",
    "parent_id",
    "parent_span_id",
    "message_id",
}
"""What says of a call when, from where and under which id it came, and is no feature beside others either."""
FEATURE_PARTS: Final = re.compile(r"(?:features?|feat|inputs?)_.+")
"""How columns are called that say that they are features."""
CALLED: Final = frozenset(
    [
        "path",
        "uri",
        "url",
        "request_uri",
        "request_path",
        "http_path",
        "url_path",
        "request_url",
        "resource_path",
        "endpoint",
        "route",
    ]
)
"""Under these an access log has what was called."""
OPERATIONS: Final = {
    "explain": "explain",
    "explanations": "explain",
    "feedback": "feedback",
    "corrections": "feedback",
    "metadata": "metadata",
    "info": "metadata",
    "schema": "metadata",
    "signature": "metadata",
    "config": "metadata",
    "versions": "metadata",
    "version": "metadata",
    "models": "metadata",
    "openapi.json": "metadata",
    "docs": "metadata",
    "health": "health",
    "healthz": "health",
    "readyz": "health",
    "livez": "health",
    "ping": "health",
    "ready": "health",
    "live": "health",
    "metrics": "other",
    "favicon.ico": "other",
}
"""What the last word of a path says that was asked for."""
TOLD_BY_PATH: Final = re.compile(rf"[/:]({'|'.join(map(re.escape, OPERATIONS))})/?(?:[?#].*)?$")
OF_CALLS: Final = re.compile(
    r"(?:request_)?(?:uri|method)|request_(?:path|url|protocol|length|size|bytes)|response_(?:size|length|bytes)"
    r"|(?:request|response)_(?:payload|body|content)_(?:size|length|bytes)|query_string|(?:http|ssl|upstream|nginx)_.+|(?:body_)?bytes_sent|referr?er"
    r"|(?:pod|container|thread|process)_name|lineno|func_name|levelname"
    r"|(?:request|response|result)_(?:signature|type|time)|trace_state"
    r"|ms|millis|(?:.+_)?(?:latency|elapsed(?:_time)?|took|(?:response|processing|inference|execution)_time)"
)
"""What a log says of calls and of itself, and no model takes."""
ANSWERS: Final = re.compile(
    r"(?:res|resp|responses?|reply|outputs?|answers?|predictions?|results?|endpoint_output"
    r"|ausgaben?|antwort(?:en)?|ergebnisse?|vorhersagen?|sorties?|reponses?|resultats?|salidas?|respuestas?"
    rf"|resultados?|predicciones|prediccion|risposta|risultat[oi]|previsioni?|{other_languages.ANSWERS}"
    r"|(?:predict|prediction|infer|inference|score|scoring|model|api)_(?:response|result|reply))(?:_.*)?"
)
"""Under these stands what the model answered."""
_SPANS: Final = (
    r"(?:grpc|rpc|backend|response|processing|inference|execution|prediction|predict|scoring|handler|model|total"
    r"|compute)"
)
"""Of what services say how long it took. A bare `duration` may as well be that of a telephone call."""
LIKE: Final = {
    "time": re.compile(
        r"t|.+_(?:ts|time|timestamp|datetime|at|on|epoch|unix_nano|ticks)|ticks"
        r"|(?:.+_)?(?:t|ts|time|timestamp|epoch|unix|unix_time)_(?:s|secs?|seconds|ms|millis|us|micros|ns|nanos|utc|unix|iso)"
        r"|unix_?time|(?:scoring|score|event|log|logged|request|prediction|inference|call|created|insert|entry)_date"
    ),
    "label": re.compile(
        r"is_(?:anomal(?:y|ous)|outlier|fraud(?:ulent)?|spam|toxic|bot|malicious|defect(?:ive)?|churn|duplicate)"
        r"|y|output_(?:prediction|label|class)|(?:top|best)_(?:item|label|category|result|answer)"
        r"|recommend(?:ed|ation)(?:_item)?|top_?1|(?:pred|top_?1|final)_(?:label|class|category|value)|(?:model|ml)_(?:prediction|label|class|output|decision)"
        r"|predicted_(?!at$|on$|by$|time)[a-z]+(?:_[a-z]+){0,3}|[a-z]+(?:_[a-z]+){0,2}_(?:predicted|prediction|pred)"
        r"|[a-z]+(?:_[a-z]+){0,2}_(?:estimate|forecast)"
        rf"|{other_languages.ESTIMATED}"
    ),
    "scores": re.compile(
        r"(?:anomaly|outlier|fraud|spam|toxicity|churn|propensity)_(?:score|prob|proba|probability)"
        r"|(?:y|yhat|y_pred|pred|predicted|prediction|predict|model|output|top|top_?1|max|best|class|label)"
        r"_(?:score|scores|conf|prob|probs|proba|probas|probability|probabilities|confidence|confidences)"
    ),
    "input_digest": re.compile(
        r"(?:input|image|request|payload|body|file|sample|content)_(?:sha256|sha1|md5|hash|digest|checksum)"
    ),
    "latency_ms": re.compile(
        r"request_time|upstream_response_time|ms|millis"
        rf"|(?:.*_)?(?:latency|duration|elapsed(?:_time)?|took|time_taken|{_SPANS}_(?:time|duration|latency))"
        rf"_(?:in_)?(?:{'|'.join(MILLISECONDS)})"
        rf"|(?:.*_)?(?:latency|elapsed(?:_time)?|took|time_taken|{_SPANS}_(?:time|duration|latency))"
    ),
    "principal": re.compile(
        r"key_id|(?:.+_)?(?:api|auth|access|client|user|service|app|customer|tenant|account|subscription)_?(?:token|key)|.+_(?:api_key|client_id|user_id|account_id|customer_id|tenant_id|key_hash|key_id|user_arn|email)"
        r"|(?:api_?)?key_(?:owner|alias|name|label|user|holder|mask|masked|preview|hint)|api_key_.+"
        r"|(?:requested|called|submitted|invoked|issued|initiated|triggered|asked)_by(?:_.+)?"
        r"|(?:caller|consumer|principal|subject|end_?user|actor|identity|requester)_(?:id|name|key)"
        r"|(?:calling|caller|requesting|consuming|source|origin(?:ating)?)_"
        r"(?:service|app|application|system|team|component|workload|client|job|program|role|user|account|unit|desk|party)"
        r"|(?:user|client|customer|account|caller)_(?:pseudo|anonymous|anon|external|internal|hashed|unique)_?(?:id|key|name)?"
        r"|(?:tags?|api|app|auth|login|remote|calling|requesting|request|service|external|sso|metadata|meta|log)_"
        r"(?:user|client|account|customer|caller|tenant|consumer|username)(?:_name)?"
    ),
}
"""What else a column may be called; any name of those above is surer."""
COUNTED: Final = re.compile(r"(?:.+_)?(?:usage|tokens?|token_counts?|costs?)(?:_.+)?")
"""Under these stands how much a call took: `usage.output` is a number of tokens, and no answer."""
_HUMPS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHERS: Final = re.compile(r"[\W_]+")
_VOICED: Final = "\u3099\u309a"


@lru_cache(maxsize=10_000)
def normal(name: str) -> str:
    """Write a name in lower case with underscores, `@timestamp`, `clientIp` and `X-API-Key` too, without accents."""
    name = name[:200]
    if not name.isascii():
        # Marks that make another letter of one, in Japanese, are no accents.
        kept = (one for one in normalize("NFKD", name) if one in _VOICED or not combining(one))
        name = normalize("NFKC", "".join(kept))
    return _OTHERS.sub("_", _HUMPS.sub("_", name)).strip("_").lower().replace("time_stamp", "timestamp")
