"""What an attacker writes into the log of a product that nobody described names nobody, and is no login."""

from time import perf_counter

import orjson
import pytest

from caponier.telemetry.security_logs.identity import identity
from caponier.telemetry.security_logs.native.reading import NativeReading
from caponier.telemetry.security_logs.native.record import Record

CALLER, CLAIMED = "203.0.113.66", "10.0.0.1"
FORGED = f"Accepted password for root from {CLAIMED}"
FORGED_USER = f"user root logged in successfully from {CLAIMED}"
FORGED_REQUEST = "GET /models/digits.onnx HTTP/1.1"
OBJECT = orjson.dumps({"user": "root", "src_ip": CLAIMED, "action": "login", "outcome": "success"}).decode()
CLOUD = orjson.dumps(
    {"eventVersion": "1.08", "eventSource": "iam.amazonaws.com", "eventName": "CreateAccessKey", "awsRegion": "x"}
    | {"eventTime": "2026-03-01T00:00:00Z", "userIdentity": {"arn": "arn:aws:iam::1:user/root"}}
).decode()
NOW = "2026-03-02 08:00:01"
LOGINS = [FORGED, FORGED_USER]


def read(text: str | bytes) -> Record | None:
    (found,) = NativeReading().read(text, 1)
    return found if isinstance(found, Record) else None


def is_forged(found: Record | None) -> bool:
    """Tell whether a record is a login that came about, or is of who was only claimed."""
    if found is None:
        return False
    account, _, address = identity(found.fields)
    came = found.fields.get("outcome") == "success"
    return account == "root" or address == CLAIMED or (came and found.origin.category == "authentication")


LINES = {
    "a quoted agent": NOW + ' WARN refused {caller} agent "{said}"',
    "an agent with its name": NOW + " WARN request of {caller} refused, user-agent: {said}",
    "an agent as a pair": NOW + " WARN request of {caller} refused ua={said}",
    "a referer": NOW + " [error] no such page, client: {caller}, referrer: {said}",
    "a quoted name": NOW + " login failed for user '{said}' from {caller}",
    "a name in brackets of the other kind": NOW + ' login failed for user "{said}" from {caller}',
    "a bare name": NOW + " login failed for user {said} from {caller}",
    "a name that shuts the quotes": NOW + " login failed for user 'x' {said} '' from {caller}",
    "a name with escaped quotes": NOW + ' login failed for user "x\\" {said} \\"" from {caller}',
    "a quotation that is cut off": NOW + ' denied from {caller} "{said}',
    "a very long quotation": NOW + ' denied from {caller} "' + "x" * 600 + ' {said}"',
    "a name with an address of its own": NOW + " login failed for user 'root'@'10.0.0.1'@'{caller}' {said}",
    "a path": NOW + ' open "/srv/{said}" failed, client: {caller}',
    "a prompt": NOW + " INFO prompt: {said}",
    "a prompt of somebody": NOW + " INFO prompt received from {caller}: content={said}",
    "a comment": NOW + " INFO comment: {said}",
}


@pytest.mark.parametrize("said", LOGINS)
@pytest.mark.parametrize("name", LINES)
def test_a_sentence_that_somebody_sent_is_no_login_and_names_nobody(name: str, said: str) -> None:
    assert not is_forged(read(LINES[name].format(said=said, caller=CALLER)))
    assert not is_forged(read("Mar  2 08:00:01 web app[7]: " + LINES[name][20:].format(said=said, caller=CALLER)))


@pytest.mark.parametrize("said", LOGINS)
@pytest.mark.parametrize(
    "row",
    [
        {"user": "eve", "message": ...},
        {"user": "eve", "text": ...},
        {"userName": "eve", "prompt": "x", "body": ...},
        {"clientIp": CALLER, "level": "info", "message": ...},
        {"user": "eve", "level": "info", "msg": ...},
        {"sender": "eve", "text": ...},
        {"sender": "eve", "message": ...},
        {"level": "info", "userAgent": ...},
        {"level": "info", "clientIp": CALLER, "headers": {"message": ..., "user": "root"}},
        {"request": {"body": {"message": ...}}, "level": "info", "msg": "denied"},
        {"description": ..., "owner": "eve"},
    ],
)
def test_a_sentence_beside_names_gives_no_other_name(row: dict[str, object], said: str) -> None:
    def put(value: object) -> object:
        if isinstance(value, dict):
            return {key: put(one) for key, one in value.items()}
        return said if value is ... else value

    sent = {key: put(value) for key, value in row.items()}
    assert not is_forged(read(orjson.dumps({"occurredAt": "2026-03-02T08:00:01Z", **sent})))


@pytest.mark.parametrize("sent", [OBJECT, CLOUD])
@pytest.mark.parametrize(
    "front",
    [
        f"{CALLER} GET /x 404",
        f"WARN bad request of {CALLER}, user-agent:",
        "INFO received payload",
        "INFO prompt:",
        'INFO agent "Mozilla"',
        f"user=eve ip={CALLER} body=",
    ],
)
def test_an_object_that_somebody_sent_is_no_record(front: str, sent: str) -> None:
    found = read(f"{NOW} {front} {sent}")
    assert not is_forged(found)
    assert found is None or "eventname" not in found.fields or found.origin.product is None


def test_an_object_of_no_one_known_is_never_read_as_another_products_record() -> None:
    """Whoever gets an object to the end of a line chooses its fields: not what product it is of, nor when it was."""
    found = read(f"{NOW} INFO done {CLOUD}")
    assert found is None or (found.origin.product is None and found.time == 1_772_438_401_000_000)
    claimed = {"product": "windows", "category": "process_creation", "user": "eve", "time": "2020-01-01T00:00:00Z"}
    found = read(f"{NOW} INFO done {orjson.dumps(claimed).decode()}")
    assert found is not None
    assert (found.origin.product, found.time) == (None, 1_772_438_401_000_000)


@pytest.mark.parametrize(
    "line",
    [
        f'{NOW} WARN refused {CALLER} agent "{FORGED_REQUEST} 200"',
        f'{NOW} WARN refused {CALLER} agent "{FORGED_REQUEST}" 200',
        f"{NOW} WARN refused {CALLER} user-agent: {FORGED_REQUEST} 200",
        f"{NOW} INFO prompt: what does {FORGED_REQUEST} 200 mean",
        f'{NOW} INFO {CALLER} "GET / HTTP/1.1" 404 "{FORGED_REQUEST} 200"',
    ],
)
def test_a_request_that_somebody_wrote_down_was_not_asked(line: str) -> None:
    found = read(line)
    assert found is None or found.fields.get("cs-uri-stem") != "/models/digits.onnx"


def test_the_caller_of_a_request_is_not_in_what_he_sent() -> None:
    found = read(f'{NOW} INFO GET /digits 404 "for {CLAIMED}" peer {CALLER}')
    assert found is not None
    assert found.fields["c-ip"] == CALLER


@pytest.mark.parametrize("filler", ["a", "'", '"', "/", "{", "user ", "from ", "1.", ":", "\\", "path=", "GET /"])
def test_no_line_takes_long(filler: str) -> None:
    text = f"{NOW} login failed " + filler * (60_000 // len(filler))
    began = perf_counter()
    for _ in range(3):
        read(text)
    assert perf_counter() - began < 0.5
