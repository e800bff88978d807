"""The head of an answer leaves together with what follows it, and never waits for what does not come."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Event, Thread
from typing import Any

import pytest

from caponier.app.guard.connections import MOST_JOINED, _AnswerInOne
from caponier.app.guard.run import collector_server
from caponier.guard.settings import GuardSettings
from pace import HANG, wait_for


class Transport:
    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        # As asyncio's own: nothing is no packet.
        if data:
            self.sent.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


class Later:
    """What is to be done after a while, unless it is cancelled."""

    def __init__(self, _: float, does: Callable[[], None]) -> None:
        self.does, self.cancelled = does, False

    def cancel(self) -> None:
        self.cancelled = True


class TestOneConnection:
    def made(self, begins: bool = True) -> tuple[Transport, _AnswerInOne]:
        self.waiting: list[Later] = []

        def later(seconds: float, does: Callable[[], None]) -> Any:
            self.waiting.append(Later(seconds, does))
            return self.waiting[-1]

        transport = Transport()
        return transport, _AnswerInOne(transport, lambda: begins, later)

    def test_a_head_that_nothing_follows_leaves_after_a_while(self) -> None:
        transport, one = self.made()
        one.write(b"head")
        self.waiting[0].does()
        assert transport.sent == [b"head"]
        one.write(b"first")
        one.ended()
        assert transport.sent == [b"head", b"first"]

    def test_nothing_waits_any_more_once_the_head_has_left(self) -> None:
        for ends in (lambda one: one.write(b"a"), lambda one: one.ended(), lambda one: one.close()):
            _, one = self.made()
            one.write(b"head")
            ends(one)
            assert [later.cancelled for later in self.waiting] == [True]

    def test_head_and_body_are_one_piece_and_the_rest_goes_as_it_comes(self) -> None:
        transport, one = self.made()
        for part in (b"head ", b"a", b"b", b""):
            one.write(part)
        assert transport.sent == [b"head a", b"b"]

    def test_each_answer_of_a_connection_has_its_head(self) -> None:
        transport, one = self.made()
        for _ in range(2):
            one.write(b"head ")
            one.write(b"a")
            one.ended()
        assert transport.sent == [b"head a", b"head a"]

    def test_an_answer_that_ends_with_its_head_leaves(self) -> None:
        transport, one = self.made()
        one.write(b"head")
        assert transport.sent == []
        one.ended()
        assert transport.sent == [b"head"]
        one.ended()
        assert transport.sent == [b"head"]

    def test_what_ends_in_the_middle_has_sent_what_it_had(self) -> None:
        transport, one = self.made()
        one.write(b"head")
        one.close()
        assert (transport.sent, transport.closed, one.is_closing()) == ([b"head"], True, True)

    def test_a_word_before_the_answer_does_not_wait(self) -> None:
        transport, one = self.made(begins=False)
        one.write(b"100")
        assert transport.sent == [b"100"]

    def test_a_large_body_is_not_copied(self) -> None:
        transport, one = self.made()
        body = bytes(MOST_JOINED + 1)
        one.write(b"head")
        one.write(body)
        assert transport.sent == [b"head", body]


class Model:
    """Answers by the path that is asked."""

    def __init__(self) -> None:
        self.goes_on = Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        if path == "/waits":
            await receive()
        status = 204 if path == "/none" else 200
        headers = [] if path in ("/none", "/stream") else [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if path == "/fails":
            raise RuntimeError("in the middle")
        if path == "/late":
            while not self.goes_on.is_set():
                await asyncio.sleep(0.005)
        if path == "/stream":
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
            while not self.goes_on.is_set():
                await asyncio.sleep(0.005)
        await send({"type": "http.response.body", "body": b"" if path == "/none" else b"{}"})


@contextmanager
def standing(model: Model) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        server = collector_server(model, GuardSettings(port=0))
        thread = Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        wait_for(lambda: server.started)
        try:
            with closing(socket.create_connection(listener.getsockname(), timeout=HANG)) as made:
                yield made
        finally:
            server.should_exit = True
            thread.join(HANG)


def read_to(made: socket.socket, end: bytes) -> bytes:
    found = b""
    while not found.endswith(end):
        part = made.recv(10_000)
        assert part, found
        found += part
    return found


def asked(path: bytes, method: bytes = b"GET", more: bytes = b"") -> bytes:
    return method + b" " + path + b" HTTP/1.1\r\nHost: x\r\n" + more + b"\r\n"


def test_answers_of_all_kinds_come_one_after_another_on_one_connection() -> None:
    with standing(Model()) as made:
        for _ in range(2):
            made.sendall(asked(b"/"))
            assert read_to(made, b"{}").startswith(b"HTTP/1.1 200 OK\r\n")
            for one in (asked(b"/", b"HEAD"), asked(b"/none")):
                made.sendall(one)
                read_to(made, b"\r\n\r\n")
        # Two at once, of which the second waits for the first.
        made.sendall(asked(b"/") + asked(b"/"))
        both = read_to(made, b"{}")
        while both.count(b"{}") < 2:
            both += made.recv(10_000)
        assert both.count(b"HTTP/1.1 200 OK") == 2


def test_whoever_waits_to_be_told_to_go_on_is_told() -> None:
    with standing(Model()) as made:
        made.sendall(asked(b"/waits", b"POST", b"Content-Length: 2\r\nExpect: 100-continue\r\n"))
        assert read_to(made, b"\r\n\r\n").startswith(b"HTTP/1.1 100")
        made.sendall(b"{}")
        assert read_to(made, b"{}").startswith(b"HTTP/1.1 200")


def test_the_first_part_of_a_stream_does_not_wait_for_the_second() -> None:
    model = Model()
    with standing(model) as made:
        made.sendall(asked(b"/stream"))
        assert b"HTTP/1.1 200" in read_to(made, b"first\r\n")
        model.goes_on.set()
        assert read_to(made, b"0\r\n\r\n").startswith(b"2\r\n{}")


def test_the_head_of_a_stream_does_not_wait_for_its_first_part() -> None:
    """A browser calls a stream of events open by its head: a language model may think for a minute before the rest."""
    model = Model()
    with standing(model) as made:
        made.sendall(asked(b"/late"))
        assert read_to(made, b"\r\n\r\n").startswith(b"HTTP/1.1 200")
        model.goes_on.set()
        assert read_to(made, b"{}") == b"{}"


@pytest.mark.parametrize("sent", [asked(b"/fails"), b"no request at all\r\n\r\n"], ids=["model", "caller"])
def test_what_goes_wrong_is_told_and_ends_the_connection(sent: bytes) -> None:
    with standing(Model()) as made:
        made.sendall(sent)
        found = b""
        while part := made.recv(10_000):
            found += part
        assert found.startswith(b"HTTP/1.1 200 OK" if b"/fails" in sent else b"HTTP/1.1 400 ")
