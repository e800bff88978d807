"""Names that services give to the fields of their logs; a third of each list is held out.

Written from what services are called and log, and not from the vocabulary of the readers. The third name of every
three is held out: it is drawn only for logs on which a first sight is measured.
"""

from random import Random
from typing import Final

_LISTS: Final[dict[str, str]] = {
    "time": "timestamp ts at|@timestamp created_at eventTime|logged_at time received|request_time datetime when"
    "|occurred_at date_created stamp|asctime requestTimestamp tstamp|Zeitpunkt horodatage fecha_hora",
    "date": "date day log_date|Datum event_date request_day",
    "clock": "time clock log_time|Uhrzeit event_time request_time_of_day",
    "user": "user user_id username|customer_id client account_id|uid userId login|requester tenant member_id"
    "|caller actor partner|Benutzer utilisateur usuario",
    "ip": "client_ip ip remote_addr|source_ip clientIp peer|ip_address remoteAddr from_ip",
    "key": "api_key apikey_hash token_id|key_id apiKey credential|access_key token_fingerprint key_digest",
    "header": "x-user-id x-client-id x-consumer|x-tenant x-account x-api-client|x-user x-caller-id x-principal",
    "auth": "auth.sub auth.user identity.sub|jwt.sub claims.sub principal.id|session.user token.subject oidc.sub",
    "session": "session_id session sid|sessionId conversation visit_id|sess session_token browser_session",
    "features": "features input instance|inputs x data|feature_vector record observation|attributes sample row"
    "|variables params point|Merkmale entrada eingabe",
    "outer": "request payload body|req input event|call query request_body|invocation in message",
    "rows": "instances rows inputs|records batch data|samples examples items|dataframe_records points entries",
    "text": "text input prompt|comment sentence body|message review utterance|content document query",
    "label": "prediction label predicted_class|pred class outcome|result decision predicted_label|verdict y_pred"
    " category|predicted answer target|Vorhersage classe resultado",
    "probabilities": "probabilities probs scores|proba class_probabilities probability|predict_proba softmax"
    " confidences|class_scores likelihoods distribution",
    "score": "score probability proba|risk_score prob fraud_score|p risk likelihood|y_score model_score raw_score",
    "confidence": "confidence score probability|prob conf certainty|top_score max_prob winning_score",
    "value": "prediction estimate predicted_value|forecast y_hat predicted|result output value|estimation pred"
    " amount_predicted",
    "answers": "predictions outputs results|answers preds labels|scores outcomes responses",
    "ranked": "top_k predictions top|candidates ranking top_classes|top5 results classes",
    "class_of": "label class name|category className id|tag label_name class_name",
    "score_of": "score probability confidence|prob p value|weight conf likelihood",
    "response": "response prediction output|result inference reply|answer res out|model_output resp return",
    "model": "model model_name modelName|service endpoint predictor|deployment model_id algorithm",
    "version": "model_version version modelVersion|revision model_rev build|model_tag release artifact_version",
    "latency": "latency_ms duration_ms elapsed_ms|took_ms response_time_ms inference_ms|processing_ms exec_time_ms"
    " runtime_ms|Dauer_ms duree_ms duracion_ms",
    "latency_s": "latency_s duration_seconds elapsed_s|took_seconds processing_time_s secs|time_taken_s runtime_s"
    " inference_seconds",
    "status": "status status_code http_status|code response_code statusCode|rc httpStatus result_code",
    "request_id": "request_id req_id requestId|trace_id correlation_id id|uuid transaction_id event_id",
    "pod": "pod host hostname|instance_id node container|worker replica machine",
    "envelope": "data event payload|record log message|fields body inference",
    "logger": "predict inference app.serving|service.api scoring main|uvicorn.app prediction_logger ml",
    "models": "credit-risk fraud-v2 churn_model|scorer iris-clf house_prices|pump-anomaly tagger default-model",
}
NAMES: Final = {role: [one.split() for one in text.split("|")] for role, text in _LISTS.items()}


class Names:
    """Draws names by role, from the open two thirds of each list or from the third that is held out."""

    def __init__(self, random: Random, *, held_out: bool) -> None:
        self._random, self._held_out = random, held_out

    def draw(self, role: str) -> str:
        """Return a name for a field."""
        triples = NAMES[role]
        if self._held_out:
            return self._random.choice([triple[2] for triple in triples])
        return self._random.choice([name for triple in triples for name in triple[:2]])
