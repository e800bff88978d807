import math
import socket
from threading import Thread
from threading import enumerate as threads
from time import perf_counter
from urllib.parse import urlsplit

import numpy as np
import pytest

from caponier.emulate.event_log import Deployment, ServerLog
from caponier.emulate.images import Images
from caponier.emulate.victims.client import RemoteModel
from caponier.emulate.victims.digits import Victim
from caponier.emulate.victims.server import serve
from emulate.conftest import Served
from pace import Stopwatch


def reachable(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname, parts.port)) == 0


def test_it_listens_on_the_loopback_address_only(served: Served) -> None:
    assert urlsplit(served.server.url).hostname == "127.0.0.1"
    assert reachable(served.server.url)


def test_it_stops_when_its_block_is_left(victim: Victim) -> None:
    before = set(threads())
    with serve(victim.predict_proba, record=lambda _: None, principal_of=lambda key: key) as server:
        assert reachable(server.url)
    assert not reachable(server.url)
    assert set(threads()) == before


def test_it_stops_although_a_client_keeps_its_connection(victim: Victim, pool: Images) -> None:
    with serve(victim.predict_proba, record=lambda _: None, principal_of=lambda key: key) as server:
        remote = RemoteModel(server.url, "alice")
        remote.predict_proba(pool[:1])
    assert not reachable(server.url)
    remote.close()


def test_it_stops_when_its_block_fails(victim: Victim) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        serve(victim.predict_proba, record=lambda _: None, principal_of=lambda key: key) as server,
    ):
        raise ZeroDivisionError
    assert not reachable(server.url)


def test_two_servers_do_not_meet(victim: Victim, pool: Images) -> None:
    logs = ServerLog(), ServerLog()
    with (
        serve(victim.predict_proba, record=logs[0].record, principal_of=lambda key: key),
        serve(
            victim.predict_proba,
            record=logs[1].record,
            principal_of=lambda key: key,
            deployment=Deployment("other", "2", "post-office"),
        ) as second,
        RemoteModel(second.url, "alice", model="other", version="2") as remote,
    ):
        remote.predict_proba(pool[:1])
    (event,) = logs[1].rows()
    assert logs[0].rows() == []
    assert (event["model"], event["model_version"], event["system"]) == ("other", "2", "post-office")


def test_many_clients_at_a_time_lose_nothing(served: Served, pool: Images) -> None:
    def ask(name: str) -> None:
        with served.remote(name) as remote:
            remote.predict_proba(pool[:50], batch=1)

    clients = [Thread(target=ask, args=(f"client-{n}",)) for n in range(8)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    events = served.log.table()
    assert events.num_rows == 400
    counts = events.group_by("principal").aggregate([("seq", "count")])["seq_count"].to_pylist()
    assert counts == [50] * 8


def test_a_thousand_single_rows_a_second(served: Served, pool: Images) -> None:
    """Measured 3,500/s on two cores that nobody else uses; of the clock the quickest row tells, as others may."""
    quickest = math.inf
    with served.remote() as remote, Stopwatch() as watch:
        for row in np.tile(pool, (2, 1))[:1_000]:
            begun = perf_counter()
            remote.predict_proba(row[None])
            quickest = min(quickest, perf_counter() - begun)
    assert watch.seconds < 5
    # Where something waits for a timer, as for an answer's acknowledgement, each of them takes 40 ms.
    assert quickest < 0.02
