"""Put a guard before a model server."""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final

from caponier.app.guard.alerting import Alerting
from caponier.app.guard.callers import RecentCallers
from caponier.app.guard.failures import Failures, Tell
from caponier.app.guard.giving_way import GivingWay
from caponier.app.guard.listener import AT_ONCE, Listener
from caponier.app.guard.log import SPILLED, GuardLog, cut_back
from caponier.app.guard.newcomers import Newcomers
from caponier.app.guard.order import EventOrder
from caponier.app.guard.response import UNTIL_STORED, GuardResponse
from caponier.app.guard.retention import Retention
from caponier.app.guard.unanswered import told, unanswered
from caponier.app.guard.unreadable import UnreadableQueries
from caponier.app.guard.warming import Warming
from caponier.app.guard.watchdog import BEHIND, DEAD, WELL, Watchdog
from caponier.app.guard.work import GuardWork
from caponier.app.incidents.correlate import settings_of as respond_settings_of
from caponier.app.incidents.findings import unknown_findings
from caponier.app.inference.live import LiveFindings
from caponier.app.inference.load import enrichments_of
from caponier.app.inference.plan import DetectionSettings
from caponier.app.workspace.erasure import forgotten
from caponier.detect.detector import EventDetector, Signal
from caponier.errors import CaponierError, InputError
from caponier.extras import needs
from caponier.guard.behind_proxies import BehindProxies
from caponier.guard.decisions import Decisions
from caponier.guard.events import Row, queries_of
from caponier.guard.exchange import Exchange
from caponier.guard.metrics import Metrics, label
from caponier.guard.middleware import App, Middleware
from caponier.guard.model_names import ModelNames
from caponier.guard.own_paths import OwnPaths
from caponier.guard.proven import ProvenCallers, is_within
from caponier.guard.query_reader import QueryReader
from caponier.guard.servers import BY_NAME, Server, probe
from caponier.guard.settings import GuardSettings, read_settings
from caponier.guard.spool import free_spools
from caponier.guard.token_keys import Tokens, read_keys
from caponier.guard.upstream import Upstream
from caponier.records.inventory import Workspace
from caponier.respond.settings import RespondSettings
from caponier.telemetry.column_layouts import ColumnLayouts
from caponier.telemetry.principals import principal_of, proven_principal

if TYPE_CHECKING:
    from caponier.app.guard.connections import ConnectionLimits

START_S: Final = 10.0
SWITCH_S: Final = 0.0002
GRACE_S: Final = 5
UNSEEN: Final = frozenset({Signal.COST, Signal.FEEDBACK})
"""What no request that passes through a guard carries."""
KEEP_ALIVE_S: Final = 65
"""Longer than load balancers keep a connection, so that it is they who close it."""


def settings_of(workspace: Workspace) -> GuardSettings:
    """Read the section `[guard]` of a workspace.

    Raises:
        InputError: If a key of it is unknown, or a value cannot be meant.
    """
    return read_settings(workspace.guard, str(workspace.file))


class Guard:
    """An ASGI application before a model, with all that belongs to it; between `start` and `close` it works.

    Args:
        workspace: Inventory, baselines, salt, store, lake and playbooks.
        settings: What to do; those of the workspace by default.
        app: What answers: an ASGI application in this process; `settings.upstream` by default.
        tell: Says what happened, in a line.

    Raises:
        InputError: If the workspace cannot be used, or there is nothing that answers.
    """

    def __init__(
        self,
        workspace: Workspace,
        settings: GuardSettings | None = None,
        *,
        app: App | None = None,
        tell: Tell = lambda _: None,
    ) -> None:
        self.settings = settings or settings_of(workspace)
        self._workspace, self._tell, self._inside = workspace, tell, app is not None
        self._system_of = partial(_system_of, workspace)
        self.metrics = Metrics()
        self.decisions = Decisions(
            self._system_of, lambda caller, call: self.work.callers.names.are_nothing(caller, call)
        )
        self._failed = Failures(self.metrics, tell)
        self.gives_way = GivingWay(lambda: self.work.hurries)
        terms, order = DetectionSettings.of(workspace), EventOrder()
        spools = workspace.root / self.settings.spool if self.settings.spool else None
        self._warming = Warming(Path(workspace.lake), self.settings.warm_events, spools)
        self.live = LiveFindings(
            _by_traffic_alone(terms),
            lambda seq: self._warming.id_of(seq) or order.event_id(seq),
            self._failed.detection,
            respond_settings_of(workspace).alpha,
            self.gives_way,
        )
        self.live.remarks.notes += _unrun(terms)
        enforce, limits = self.settings.mode == "enforce", self.settings.limits
        self.metrics.models = frozenset([*self.live.models, *(model.name for model in workspace.models)])
        log = GuardLog(workspace, terms.salt)
        log.coarse = self.live.coarse
        unreadable = UnreadableQueries(self.metrics, tell, self.live.models)
        shared = partial(_is_shared, respond_settings_of(workspace), self.settings)
        callers, self._newcomers = RecentCallers(self.metrics.models, shared), Newcomers(shared)
        response = self._response(callers)
        self.work = GuardWork(
            workspace, self.live, order, log, response, self.metrics, self._failed, unreadable, enforce, limits, callers
        )
        self.work.erased, self.work.crowded_s = forgotten(workspace), self.settings.lag_limit / 2
        refused = enforce and (self.settings.fail == "closed" or bool(self.settings.closed_systems))
        self.watchdog = Watchdog(
            lambda: self.work.lag_s,
            lambda: self.work.is_alive,
            self.settings.lag_limit,
            tell,
            closed="requests are refused where fail is closed" if refused else "requests pass all the same",
        )
        self._keeping = Retention(workspace, self._failed)
        self.alerting = Alerting(workspace, self.metrics, self._failed)
        self._show()
        self.reader = QueryReader(limits, self.live.size, self.live.takes, passed=self.settings.passed_paths)
        self._read_as(self.settings.server)
        guarded = self._guarded(app or self._upstream(), terms.salt)
        asgi = OwnPaths(guarded, self.metrics, self.settings.metrics_from, lambda: self.watchdog.state)
        self._asgi = BehindProxies(asgi, self.settings.proxies) if self.settings.proxies else asgi

    def _response(self, callers: RecentCallers) -> GuardResponse:
        return GuardResponse(
            self._workspace,
            self.decisions,
            self._tell,
            self._failed,
            enforce=self.settings.mode == "enforce",
            callers=callers.count,
            withheld=lambda n: self.metrics.count("withheld", n=n),
            origins=callers.names,
            found_together=self._newcomers.found_together,
            adds_up=self._newcomers.adds_up,
        )

    def _show(self) -> None:
        """Have the metrics show what goes up and down."""
        self.metrics.gauge("waiting_bytes", lambda: self.work.waiting_bytes)
        self.metrics.gauge("spilled_bytes", lambda: self.work.log.spilled)
        self.metrics.gauge("lag_seconds", lambda: self.work.lag_s)
        self.metrics.gauge("waiting_alerts", lambda: self.alerting.waiting)
        self.metrics.gauge("subjects", lambda: self.live.subjects)
        self.metrics.gauge("waiting_requests", lambda: len(self.work.backlog.queue))
        for state in (WELL, BEHIND, DEAD):
            self.metrics.gauge("detection", partial(self._is_in, state), label("state", state))

    def _is_in(self, state: str) -> int:
        return int(self.watchdog.state == state)

    def _guarded(self, app: App, salt: bytes) -> Middleware:
        settings, models = self.settings, [model.name for model in self._workspace.models]
        return Middleware(
            app,
            decide=self.decisions,
            record=self._record,
            keep=self.work.keep,
            judge_s=settings.judge_within,
            doubted_s=settings.judge_doubted,
            doubts=self._doubts,
            blocks=self.decisions.blocks,
            principal_of=partial(principal_of, salt=salt),
            enforce=settings.mode == "enforce",
            fail_closed=self._closed,
            is_well=lambda: self.watchdog.is_well,
            is_crowding=self.work.is_crowding,
            body_limit=settings.body_limit,
            bodies_limit=settings.bodies_limit,
            body_s=settings.body_timeout,
            limits=settings.limits,
            size_of=self.live.size,
            credentials=settings.credentials,
            session=settings.session,
            session_alone=settings.session_alone,
            model=settings.model or (models[0] if len(models) == 1 else None),
            proven=self._proven(salt),
            counts_as=self._newcomers,
            names=ModelNames([*self.live.models, *models]),
            reader=self.reader,
            on_failure=partial(self._failed, "request"),
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection; see the ASGI specification, version 3."""
        await self._asgi(scope, receive, send)

    def start(self) -> None:
        """Finish what a guard before this one left behind, and begin to detect.

        Raises:
            InputError: If the spool cannot be used.
        """
        self._meet()
        self._warm()
        self._take_over()
        self.alerting.start()
        self.work.start()
        self.watchdog.start()
        self._keeping.start()

    def _doubts(self, exchange: Exchange) -> bool:
        """Tell whether an answer must not leave before detection has looked at what was asked."""
        n = 1 if exchange.query is None else len(exchange.query.rows)
        return self.decisions.doubts(exchange.caller) or self.work.ahead.is_too_far(exchange.caller, n)

    def _closed(self, model: str | None) -> bool:
        """Tell whether requests to a model are refused when the guard cannot decide about them."""
        closed = self.settings.closed_systems
        # A request of which it cannot be told which model it is to may be one to any of them.
        return self.settings.fail == "closed" or (bool(closed) and (model is None or self._system_of(model) in closed))

    def _meet(self) -> None:
        """Tell what the model server is, so that requests are read as it reads them."""
        settings, notes = self.settings, self.live.remarks.notes
        if self.settings.upstream is None or self._inside:
            return
        probed = probe(self.settings.upstream, next(iter(self.live.models), None))
        server = settings.server or probed.server
        self._read_as(server)
        self.work.callers.checks_keys = probed.asks_for_keys is True
        known = "as is set" if settings.server else "as it says itself"
        notes.append(
            f"the model server is {server}, {known}" if server else "it is not known which model server this is"
        )
        if probed.asks_for_keys is False and settings.credentials:
            notes.append(
                "the model server does not turn a made-up key away: unless something before this guard does, anybody "
                "can be somebody else with every query; set credentials = [] in [guard] then: the address counts"
            )

    def _read_as(self, server: Server | None) -> None:
        self.reader.server = self.work.server = server
        # Where the server goes by the names, their order is nobody's business.
        self.reader.layouts = self.work.layouts = None if server in BY_NAME else ColumnLayouts()

    def _record(self, exchange: Exchange) -> None:
        """Take a finished exchange; called by the server, and quick."""
        self.work.record(exchange)
        self._newcomers.note(exchange)
        if exchange.caller.unproven and not exchange.stranger:
            size = self.live.size(exchange.call.model)
            self.decisions.charge(
                exchange.caller, exchange.call, partial(queries_of, exchange, self.settings.limits, size)
            )

    def _proven(self, salt: bytes) -> ProvenCallers | None:
        settings = self.settings
        if settings.token_keys is None and settings.certificate is None:
            return None
        keys = read_keys(self._workspace.root / settings.token_keys) if settings.token_keys else ()
        tokens = Tokens(keys, settings.token_claim) if keys else None
        return ProvenCallers(partial(proven_principal, salt=salt), tokens, settings.certificate, settings.proxies)

    def _warm(self) -> None:
        """Have detection know what it knew before; what it found and had no time to tell is told now."""
        began = monotonic()
        n, found = self._warming.warm(self.live, noted=self._known)
        if not n:
            return
        self.live.remarks.notes.append(f"{n:,} events of the lake were looked at again, in {monotonic() - began:.1f} s")
        self.work.response.doubt(found)
        new = unknown_findings(self._workspace, found)
        certain = self.live.certain()
        # What else the store knows was answered then, and may have been undone since.
        left = list(unanswered(self._workspace, found, self._warming.last - UNTIL_STORED))
        rare = {told(finding) for finding in certain} | {told(one) for one in left if self.work.response.answers(one)}
        sure = [finding for finding in certain if finding in new] + [one for one in left if told(one) in rare]
        if new or sure:
            self.work.response.take(new, sure)

    def _known(self, event: Row) -> None:
        self.work.callers.known(event)
        self._newcomers.known(event)

    def _take_over(self) -> None:
        """Take a spool, and look at what is in it and in others that nobody has any more."""
        if not self.settings.spool:
            return
        folder = self._workspace.root / self.settings.spool
        own, *others = free_spools(folder, self.settings.spool_limit)
        for spool in (*others, own):
            cut_back(spool.progress.file, spool.progress.size)
            self.work.backlog.spool = spool
            self.work.log.beside = spool.folder / SPILLED
            left = self.work.recover()
            if left:
                self._tell(f"note: {left:,} requests that the guard before this one had answered were recorded")
            if spool is not own:
                self.work.log.close()
                spool.close()

    def close(self) -> None:
        """Write and look at what is left, and stop."""
        self._keeping.close()
        self.watchdog.close()
        self.work.close()
        self.alerting.close()

    def _upstream(self) -> Upstream:
        if self.settings.upstream is None:
            raise InputError(
                "there is no model server to guard", hint="Give --upstream URL, or upstream in caponier.toml, [guard]"
            )
        failed = partial(self._failed, "model server")
        return Upstream(
            self.settings.upstream,
            timeout=self.settings.timeout,
            body_limit=self.settings.body_limit,
            on_failure=failed,
        )


def _system_of(workspace: Workspace, model: str) -> str | None:
    system = workspace.system_of(model)
    return system.name if system else None


@dataclass(frozen=True)
class Listening:
    """A guard that is running."""

    url: str
    guard: Guard
    thread: Thread
    """In which the requests are served."""


def run_guard(guard: Guard, *, listening: Callable[[str], None] = lambda _: None) -> None:
    """Serve until the process is told to end (SIGINT or SIGTERM); then finish what was begun.

    Args:
        guard: What to serve.
        listening: Told the address.

    Raises:
        InputError: If the address cannot be listened on.
        CaponierError: If the server does not start, or ends by itself.
    """
    ended = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    # Detection shares the interpreter with the requests: it must not keep them waiting for the usual 5 ms, and each
    # asks for the interpreter back some five times.
    sys.setswitchinterval(SWITCH_S)
    with guarding(guard) as standing:
        # What is there by now stays: to look through it for garbage again and again stops every request meanwhile.
        gc.collect()
        gc.freeze()
        listening(standing.url)
        while not ended.wait(1.0):
            if not standing.thread.is_alive():
                raise CaponierError("The guard's server ended by itself", hint="Start it again")


def run_collector(app: Any, host: str, port: int, *, listening: Callable[[str], None] = lambda _: None) -> None:
    """Serve an application that collects, until the process is told to end (SIGINT or SIGTERM).

    Args:
        app: The application.
        host: Address to listen on.
        port: To listen on; 0 is any.
        listening: Told the address.

    Raises:
        InputError: If the address cannot be listened on.
    """
    settings = GuardSettings(host=host, port=port)
    with Listener.at(settings.host, settings.port) as listener:
        server = collector_server(app, settings)
        # Whoever is told the address may connect at once.
        listener.listen()
        listening(listener.url)
        server.run([listener])


def collector_server(app: Any, settings: GuardSettings) -> Any:
    """Return a server for an application that collects, whose senders have the guard's limits on connections."""
    with needs("serve", "The collector"):
        import uvicorn

        from caponier.app.guard.connections import protocol_with
    config = uvicorn.Config(
        app, http=protocol_with(_limits(settings)), backlog=AT_ONCE, access_log=False, date_header=False,
        log_config=None, log_level="critical", proxy_headers=False, server_header=False,
        timeout_graceful_shutdown=GRACE_S, ws="none",
        lifespan="off",
    )  # fmt: skip
    return uvicorn.Server(config)


@contextmanager
def guarding(guard: Guard) -> Iterator[Listening]:
    """Serve in a thread until the block is left.

    Raises:
        InputError: If the address cannot be listened on.
        CaponierError: If the server does not start.
    """
    with Listener.at(guard.settings.host, guard.settings.port) as listener:
        server = _server(guard)
        thread = Thread(target=_serve, args=(server, listener, guard), name="caponier-guard", daemon=True)
        guard.start()
        thread.start()
        try:
            _await_start(server, thread)
            yield Listening(listener.url, guard, thread)
        finally:
            server.should_exit = True
            thread.join(START_S)
            guard.close()


def _limits(settings: GuardSettings, refused: Callable[[str], None] = lambda _: None) -> "ConnectionLimits":
    # Only here: a guard inside an application serves nothing itself, and needs no server.
    from caponier.app.guard.connections import ConnectionLimits, room_for

    return ConnectionLimits(
        room_for(settings.connections),
        settings.connections_per_address,
        settings.header_timeout,
        settings.body_timeout,
        lambda address: is_within(address, settings.proxies),
        refused,
    )


def _server(guard: Guard) -> Any:
    with needs("serve", "The guard"):
        import uvicorn

        from caponier.app.guard.connections import protocol_with
    config = uvicorn.Config(
        guard,
        http=protocol_with(
            _limits(guard.settings, lambda why: guard.metrics.count("connections_refused", label("why", why)))
        ),
        backlog=AT_ONCE,
        access_log=False,
        date_header=False,
        lifespan="auto",
        log_config=None,
        log_level="critical",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEEP_ALIVE_S,
        ws="none",
    )
    return uvicorn.Server(config)


def _serve(server: Any, listener: Listener, guard: Guard) -> None:
    with asyncio.Runner(loop_factory=guard.gives_way.loop) as runner:
        runner.run(server.serve([listener]))


def _await_start(server: Any, thread: Thread) -> None:
    deadline = monotonic() + START_S
    while not server.started:
        if not thread.is_alive() or monotonic() > deadline:
            raise CaponierError("The guard did not start", hint="Run it again; nothing was changed")
        sleep(0.005)


def _is_shared(respond: RespondSettings, settings: GuardSettings, address: str) -> bool:
    return respond.shared(address) or is_within(address, settings.proxies)


def _by_traffic_alone(terms: DetectionSettings) -> DetectionSettings:
    """Leave out the detectors that a guard cannot feed; it asks a model nothing of its own."""
    return replace(terms, detectors=[detector for detector in terms.detectors if not _unfed(detector)])


def _unfed(detector: EventDetector) -> str | None:
    """Return why a guard cannot run a detector."""
    if enrichments_of(detector):
        return "enrich its log with caponier enrich, and scan that"
    missing = sorted(detector.needs & UNSEEN)
    return f"what passes through it has no {' and no '.join(missing)}; scan a log that has" if missing else None


def _unrun(terms: DetectionSettings) -> list[str]:
    """Note those of them that the baseline knows."""
    known = {name for section in terms.baseline.models for name in section.detectors} if terms.baseline else set()
    return [
        f"{detector.name} does not run in a guard; {why}"
        for detector in terms.detectors
        if detector.name in known and (why := _unfed(detector))
    ]
