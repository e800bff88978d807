"""The guard as middleware: what passes, what is refused, and what is recorded of it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, IncompleteRead
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.guard import Middleware, middleware
from caponier.guard.call import Call
from caponier.guard.events import events_of
from caponier.guard.exchange import Caller, Exchange
from caponier.guard.upstream import Upstream
from caponier.guard.verdict import PASS, REFUSE, GuardVerdict, Measure
from caponier.telemetry.body_limits import LIMITS
from guard.loopback import Reply, ask, serving
from guard.upstreams import Echo, Troubled, lifespan
from pace import HANG, wait_for

INFER = "/v2/models/digits/infer"


@dataclass
class Standing:
    """A guard before an upstream, with what it recorded."""

    url: str
    direct: str
    echo: Echo
    seen: list[Exchange] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def recorded(self, n: int = 1) -> list[Exchange]:
        """Wait for n exchanges: they are recorded after their answers have left."""
        wait_for(lambda: len(self.seen) >= n)
        assert len(self.seen) == n
        return self.seen


@contextmanager
def standing(
    decide: Callable[..., GuardVerdict] = lambda *_: PASS, app: Any = None, **options: Any
) -> Iterator[Standing]:
    echo = Echo()
    seen: list[Exchange] = []
    failures: list[Exception] = []
    with serving(app or echo) as direct:
        guard = Middleware(
            Upstream(direct, timeout=options.pop("timeout", HANG), on_failure=failures.append),
            decide=decide,
            record=options.pop("record", seen.append),
            principal_of=lambda credential: f"k:{credential}",
            on_failure=failures.append,
            **options,
        )
        with serving(guard) as url:
            yield Standing(url, direct, echo, seen, failures)


@pytest.fixture(scope="module")
def observed() -> Iterator[Standing]:
    with standing() as one:
        yield one


def end_to_end(reply: Reply) -> Reply:
    return Reply(reply.status, [header for header in reply.headers if header[0].lower() != "connection"], reply.body)


def received(echo: Echo) -> dict[str, Any]:
    asked = dict(echo.asked[-1])
    gone = ("host", "x-forwarded-for", "accept-encoding")
    asked["headers"] = [header for header in asked["headers"] if header[0] not in gone]
    return asked


TOKEN = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12).map(lambda name: f"x-{name}")
VALUE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)


class TestObserving:
    @settings(max_examples=60, deadline=None)
    @given(
        body=st.one_of(st.none(), st.binary(max_size=2_000)),
        headers=st.lists(st.tuples(TOKEN.filter(lambda name: name != "x-status"), VALUE), max_size=5),
        method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]),
        path=st.sampled_from([INFER, "/", "/a%2Fb//c/../d;x=1", "/%E4%F6", "/v2/models/m/versions/2/infer"]),
        query=st.sampled_from(["", "?a=%20b&a=c", "?", "?x=%ff+y"]),
    )
    def test_changes_nothing_byte_for_byte(
        self, observed: Standing, body: bytes | None, headers: Any, method: str, path: str, query: str
    ) -> None:
        sent = [("Content-Type", "application/json"), *headers]
        direct = ask(observed.direct, path + query, body, method, sent)
        asked = received(observed.echo)
        guarded = ask(observed.url, path + query, body, method, sent)
        assert end_to_end(guarded) == end_to_end(direct)
        mine = received(observed.echo)
        # A length of nothing may be said or left out.
        for one in (asked, mine):
            one["headers"] = sorted(header for header in one["headers"] if header != ("content-length", "0"))
        assert mine == asked

    @pytest.mark.parametrize("status", [204, 304, 400, 404, 500, 503])
    def test_passes_every_status_on(self, observed: Standing, status: int) -> None:
        sent = [("x-status", str(status))]
        assert end_to_end(ask(observed.url, "/x", None, headers=sent)) == end_to_end(
            ask(observed.direct, "/x", None, headers=sent)
        )

    def test_passes_compressed_answers_on_as_they_are(self, observed: Standing) -> None:
        sent = [("Accept-Encoding", "gzip")]
        direct, guarded = (ask(url, "/x", headers=sent) for url in (observed.direct, observed.url))
        assert guarded.body == direct.body
        assert guarded.header("content-encoding") == "gzip"

    def test_asks_only_for_what_it_can_unpack(self, observed: Standing) -> None:
        ask(observed.url, "/x", headers=[("Accept-Encoding", "br, zstd")])
        assert ("accept-encoding", "identity") in observed.echo.asked[-1]["headers"]

    def test_keeps_headers_of_one_connection_to_it(self, observed: Standing) -> None:
        sent = [("Connection", "x-secret"), ("X-Secret", "1"), ("TE", "trailers"), ("Proxy-Authorization", "x")]
        ask(observed.url, "/x", headers=sent)
        assert not {name for name, _ in observed.echo.asked[-1]["headers"]} & {
            "connection", "x-secret", "te", "proxy-authorization"
        }  # fmt: skip

    def test_keeps_the_host_and_tells_who_asked(self, observed: Standing) -> None:
        ask(observed.url, "/x")
        headers = dict(observed.echo.asked[-1]["headers"])
        assert headers["host"] == observed.url.removeprefix("http://")
        assert headers["x-forwarded-for"] == "127.0.0.1"

    def test_gives_no_caller_the_cookie_of_another(self, observed: Standing) -> None:
        for _ in range(2):
            ask(observed.url, "/x")
        assert "cookie" not in dict(observed.echo.asked[-1]["headers"])

    def test_keeps_connections_alive(self, observed: Standing) -> None:
        host, port = observed.url.removeprefix("http://").split(":")
        connection = HTTPConnection(host, int(port), timeout=HANG)
        ask(observed.url, "/x", connection=connection)
        first = connection.sock
        ask(observed.url, INFER, b"{}", connection=connection)
        assert connection.sock is first
        connection.close()

    @pytest.mark.parametrize("method", ["CONNECT", "connect", "post", "Get", "hEAD"])
    def test_lets_no_method_become_another_one(self, observed: Standing, method: str) -> None:
        # A tunnel is asked for by an address in place of the path; and GET is GET in capitals alone.
        before = len(observed.echo.asked)
        assert ask(observed.url, INFER, b"{}", method=method).status == 400
        assert len(observed.echo.asked) == before

    @pytest.mark.parametrize("target", ["@evil.example/x", "http://evil.example/x", "x", "/v2/models/digits/infer#x"])
    def test_lets_no_target_name_another_server(self, observed: Standing, target: str) -> None:
        before = len(observed.echo.asked)
        assert ask(observed.url, target).status == 400
        assert len(observed.echo.asked) == before

    def test_a_verdict_changes_nothing_but_is_recorded(self) -> None:
        with standing(lambda *_: REFUSE) as one:
            assert ask(one.url, INFER, b"{}").status == 200
            assert one.recorded()[-1].verdict is REFUSE


class TestTrouble:
    def test_an_upstream_that_is_down_is_a_502(self) -> None:
        guard = Middleware(
            Upstream("http://127.0.0.1:9"), decide=lambda *_: PASS, record=lambda _: None, principal_of=lambda _: None
        )
        with serving(guard) as url:
            reply = ask(url, INFER, b"{}")
        assert reply.status == 502
        assert orjson.loads(reply.body) == {"error": "the model server cannot be reached"}

    def test_an_upstream_that_is_slow_is_a_504(self) -> None:
        with standing(app=Troubled(), timeout=0.3) as one:
            reply = ask(one.url, "/late")
            assert (reply.status, one.recorded()[-1].status) == (504, 504)
            assert one.failures

    def test_a_stream_passes_as_it_comes_and_is_kept(self) -> None:
        with standing(app=Troubled(), timeout=1) as one:
            assert ask(one.url, "/pieces").body == b"01234done"
            assert one.recorded()[-1].answer == b"01234done"

    def test_an_answer_beyond_the_limit_passes_but_is_not_kept(self) -> None:
        with standing(app=Troubled(), body_limit=2**20) as one:
            assert len(ask(one.url, "/large").body) == 40 * 2**17 + 4
            assert one.recorded()[-1].answer == b""

    def test_an_answer_that_breaks_off_breaks_off_for_the_caller_too(self) -> None:
        with standing(app=Troubled()) as one:
            with pytest.raises(IncompleteRead):
                ask(one.url, "/broken")
            assert ask(one.url, "/pieces").status == 200, "the guard goes on"

    def test_a_body_beyond_the_limit_is_a_413(self) -> None:
        with standing(body_limit=1_000) as one:
            assert ask(one.url, INFER, b"x" * 1_001).status == 413
            assert ask(one.url, INFER, b"x" * 1_000).status == 200
            assert [exchange.status for exchange in one.recorded(2)] == [413, 200]
            assert len(one.echo.asked) == 1

    def test_a_chunked_body_beyond_the_limit_is_a_413(self) -> None:
        with standing(body_limit=1_000) as one:
            host, port = one.url.removeprefix("http://").split(":")
            connection = HTTPConnection(host, int(port), timeout=HANG)
            connection.request("POST", INFER, iter([b"x" * 600, b"x" * 600]), encode_chunked=True,
                               headers={"Transfer-Encoding": "chunked"})  # fmt: skip
            assert connection.getresponse().status == 413
            connection.close()
            assert not one.echo.asked

    def test_a_caller_who_hangs_up_asks_nothing(self) -> None:
        with standing() as one:
            host, port = one.url.removeprefix("http://").split(":")
            connection = HTTPConnection(host, int(port), timeout=HANG)
            connection.putrequest("POST", INFER)
            connection.putheader("Content-Length", "100")
            connection.endheaders(b"half")
            connection.close()
            assert ask(one.url, "/x").status == 200
            assert {exchange.status for exchange in one.recorded(2)} == {200, 499}
            assert len(one.echo.asked) == 1


def broken(*_: Any) -> GuardVerdict:
    raise RuntimeError("no decision")


class TestEnforcing:
    def test_a_refusal_looks_like_an_ordinary_limit(self) -> None:
        with standing(lambda *_: REFUSE, enforce=True) as one:
            reply = ask(one.url, INFER, b"{}")
            assert reply.status == 429
            assert orjson.loads(reply.body) == {"error": "rate limit exceeded"}
            assert 1 <= int(reply.header("retry-after") or 0) <= 60
            assert not one.echo.asked
            assert one.recorded()[-1].status == 429

    @pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", "/v2/models/digits/ready"])
    def test_health_is_never_refused(self, path: str) -> None:
        for decide in (lambda *_: REFUSE, broken):
            with standing(decide, enforce=True, fail_closed=True) as one:
                assert ask(one.url, path).status == 200
                assert ask(one.url, path, b"{}").status == 429, "but only as a question"

    @pytest.mark.parametrize(("closed", "status"), [(False, 200), (True, 429)])
    def test_a_broken_decision_fails_as_configured(self, closed: bool, status: int) -> None:
        with standing(broken, enforce=True, fail_closed=closed) as one:
            assert ask(one.url, INFER, b"{}").status == status
            assert isinstance(one.failures[0], RuntimeError)

    def test_what_cannot_be_counted_is_beyond_every_rate(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(middleware, "queries_of", broken)
        counted: list[int] = []

        def decide(_caller: Caller, _call: Call, queries: Callable[[], int]) -> GuardVerdict:
            counted.append(queries())
            return REFUSE

        with standing(decide, enforce=True) as one:
            assert ask(one.url, INFER, b"{}").status == 429
            assert isinstance(one.failures[0], RuntimeError)
        assert counted == [sys.maxsize]

    def test_a_limit_counts_as_many_examples_as_the_values_of_a_body_make(self) -> None:
        """One picture is one, however it is nested; five thousand rows in a list more are five thousand."""
        counted: list[int] = []

        def decide(_caller: Caller, _call: Call, queries: Callable[[], int]) -> GuardVerdict:
            counted.append(queries())
            return PASS

        with standing(decide, size_of={"digits": 4}.get) as one:
            ask(one.url, "/v1/models/digits:predict", b'{"instances":[[[1,2],[3,4]]]}')
            ask(one.url, "/v1/models/digits:predict", orjson.dumps({"instances": [[[1, 2, 3, 4]] * 5_000]}))
            ask(one.url, "/v1/models/other:predict", b'{"instances":[[[1,2],[3,4]]]}')
        assert counted == [1, 5_000, 2]

    def test_a_broken_decision_refuses_nobody_while_observing(self) -> None:
        with standing(broken, fail_closed=True) as one:
            assert ask(one.url, INFER, b"{}").status == 200

    def test_a_broken_record_is_survived(self) -> None:
        def record(_: Exchange) -> None:
            raise OSError("disk full")

        with standing(record=record) as one:
            assert ask(one.url, INFER, b"{}").status == 200
            wait_for(lambda: one.failures)
            assert isinstance(one.failures[0], OSError)

    def test_rounds_what_the_caller_gets_and_records_what_the_model_said(self) -> None:
        with standing(lambda *_: GuardVerdict(Measure.ROUND, 1), app=Answering(SCORES), enforce=True) as one:
            reply = ask(one.url, INFER, b"{}")
            assert orjson.loads(reply.body)["outputs"][0]["data"] == [0.1, 0.8]
            assert reply.header("content-length") == str(len(reply.body))
            assert orjson.loads(one.recorded()[-1].answer)["outputs"][0]["data"] == [0.1234, 0.8123]

    def test_an_answer_that_cannot_be_rounded_does_not_go_out(self) -> None:
        with standing(lambda *_: GuardVerdict(Measure.ROUND, 1), app=Answering(b"\x00binary"), enforce=True) as one:
            assert ask(one.url, INFER, b"{}").status == 429
            assert one.recorded()[-1].answer == b"\x00binary"
            assert ask(one.url, "/v2/models/digits").body == b"\x00binary"

    def test_an_answer_too_large_to_be_held_back_does_not_go_out_empty(self) -> None:
        with standing(lambda *_: GuardVerdict(Measure.ROUND, 1), app=Troubled(), body_limit=2**20, enforce=True) as one:
            assert ask(one.url, "/large").status == 429
            assert one.recorded()[-1].answer_too_large

    def test_lists_in_lists_are_not_rounded(self) -> None:
        deep = b'{"predictions":' + b"[" * 990 + b"0.123" + b"]" * 990 + b"}"
        with standing(lambda *_: GuardVerdict(Measure.ROUND, 1), app=Answering(deep), enforce=True) as one:
            assert ask(one.url, INFER, b"{}").status == 429

    def test_a_repeated_credential_is_refused(self) -> None:
        sent = [("Authorization", "Bearer a"), ("Authorization", "Bearer b")]
        with standing(enforce=True) as one:
            assert ask(one.url, INFER, b"{}", headers=sent).status == 400
        with standing() as one:
            assert ask(one.url, INFER, b"{}", headers=sent).status == 200

    @pytest.mark.parametrize(
        ("sent", "status"),
        [
            ([("authorization", "Bearer a"), ("x-api-key", "b")], 400),
            ([("authorization", "Bearer a b")], 400),
            ([("authorization", "Digest a")], 400),
            ([("authorization", "Bearer a"), ("x-api-key", "a")], 200),
            ([("authorization", "Bearer"), ("x-api-key", "a")], 200),
            ([], 200),
        ],
    )
    def test_credentials_that_the_server_could_take_otherwise_are_refused(
        self, sent: list[tuple[str, str]], status: int
    ) -> None:
        with standing(enforce=True) as one:
            assert ask(one.url, INFER, b"{}", headers=sent).status == status
            assert one.recorded()[-1].unclear == (status == 400)
            assert len(one.echo.asked) == (status == 200)
            assert ask(one.url, "/v2/health/live", headers=sent).status == 200, "health is never refused"
        with standing() as one:
            assert ask(one.url, INFER, b"{}", headers=sent).status == 200


SCORES = orjson.dumps({"outputs": [{"name": "p", "datatype": "FP32", "shape": [1, 2], "data": [0.1234, 0.8123]}]})


class Answering:
    """Answers always the same."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(self._body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})


class TestWhoAsks:
    def test_is_told_by_the_one_credential_that_is_shown(self) -> None:
        callers: list[Caller] = []

        def decide(caller: Caller, call: Call, queries: Callable[[], int]) -> GuardVerdict:
            callers.append(caller)
            assert call == Call("predict", "digits")
            assert queries() == 1
            return PASS

        with standing(decide, credentials=("X-Key", "authorization")) as one:
            for sent in (
                [("x-key", "a"), ("x-on-behalf-of", "eve")],
                [("authorization", "BEARER\t \ta"), ("x-key", " a ")],
                [("x-key", "a"), ("authorization", "Bearer")],
                [("x-api-key", "c")],
            ):
                ask(one.url, INFER, b"{}", headers=sent)
            assert [exchange.unclear for exchange in one.recorded(4)] == [False] * 4
        named = Caller("k:a", None, "127.0.0.1")
        assert callers == [Caller("k:a", "eve", "127.0.0.1"), named, named, Caller(None, None, "127.0.0.1")]

    def test_is_not_proven_by_a_token_without_its_signature(self) -> None:
        token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9."
        with standing() as one:
            for signature in ("AAAA", "BBBB"):
                ask(one.url, INFER, b"{}", headers=[("authorization", f"Bearer {token}{signature}")])
            ask(one.url, INFER, b"{}", headers=[("authorization", "Bearer key")])
            callers = [exchange.caller for exchange in one.recorded(3)]
        assert [caller.unproven for caller in callers] == [True, True, False]
        assert callers[0].principal == callers[1].principal

    @pytest.mark.parametrize(
        "sent",
        [
            [("authorization", "Bearer b"), ("x-api-key", "a")],
            [("x-api-key", "a"), ("x-api-key", "b")],
            [("authorization", "Bearer a b")],
            [("authorization", "Bearer a, Bearer b")],
        ],
    )
    def test_is_nobody_where_two_are_shown_but_what_is_in_force_holds(self, sent: list[tuple[str, str]]) -> None:
        callers: list[Caller] = []

        def decide(caller: Caller, call: Call, queries: Callable[[], int]) -> GuardVerdict:
            callers.append(caller)
            return PASS

        with standing(decide) as one:
            ask(one.url, INFER, b"{}", headers=sent)
            assert one.recorded()[-1].unclear
        assert callers[0].principal is None
        assert {"k:a", "k:b"} <= set(callers[0].possible)

    @pytest.mark.parametrize(
        ("sent", "session"),
        [
            (b"eve", "eve"),
            ("Ève".encode(), "Ève"),
            ("\u00c8ve".encode("latin-1"), "Ève"),
            (b"eve\x1f10.0.0.1", None),
            (b"\x01", None),
            ("eve\u200b".encode(), None),
            (b"eve\x85", None),
            (b"x" * 300, "x" * 200),
            (b"", None),
        ],
    )
    def test_a_session_is_printable_text_or_none(self, sent: bytes, session: str | None) -> None:
        guard = Middleware(
            Answering(SCORES), decide=lambda *_: PASS, record=lambda _: None, principal_of=lambda _: None,
            session_alone=True,
        )  # fmt: skip
        scope = {
            "method": "POST", "path": INFER, "client": None,
            "headers": [(b"x-on-behalf-of", sent), (b"user-agent", sent)],
        }  # fmt: skip
        begun = guard._begin(scope)
        assert (begun.caller.session, begun.user_agent) == (session, session)

    def test_an_application_in_the_same_process_is_guarded_alike(self) -> None:
        seen: list[Exchange] = []
        guard = Middleware(
            Answering(SCORES), decide=lambda *_: PASS, record=seen.append, principal_of=lambda credential: credential
        )
        with serving(guard) as url:
            assert ask(url, INFER, b"{}").body == SCORES
            wait_for(lambda: seen)
        assert seen[0].answer == SCORES


@pytest.mark.parametrize(("alone", "session"), [(False, None), (True, "s-1")])
def test_without_a_credential_a_session_counts_only_where_that_was_said(alone: bool, session: str | None) -> None:
    """Whoever shows no key could be a new caller with every query: HopSkipJump got 851 answers instead of 7."""
    guard = Middleware(
        Answering(SCORES), decide=lambda *_: PASS, record=lambda _: None, principal_of=str, session_alone=alone
    )
    events = []
    for key in ([], [(b"x-api-key", b"k-1")]):
        headers = [(b"x-on-behalf-of", b"s-1"), (b"user-agent", b"ua"), *key]
        scope = {"method": "POST", "path": INFER, "client": ("10.0.0.1", 1), "headers": headers}
        begun = replace(guard._begin(scope), status=200)
        assert begun.caller.session == (session if not key else "s-1")
        events += events_of(begun, LIMITS)
    without, named = events
    assert (without["session"], without["user_agent"], without["source_ip"]) == (session, None, "10.0.0.1")
    assert (named["principal"], named["session"], named["user_agent"]) == ("k-1", "s-1", "ua")
