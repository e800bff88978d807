"""A server on loopback that says, byte for byte, what a test tells it to, and hangs up."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread

Answer = Callable[[bytes], bytes]
"""From the request's first line and headers to everything that is sent back."""


def http_answer(body: bytes, status: str = "200 OK", *, announced: int | None = None, more: str = "") -> bytes:
    """Return an answer, of which another length may be announced than it has."""
    length = len(body) if announced is None else announced
    return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{more}\r\n".encode() + body


@contextmanager
def answering(answer: Answer) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the address, and what was asked so far."""
    asked: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            connection, _ = listening.accept()
            # Who is given up is hung up on, too.
            with connection, suppress(OSError):
                connection.settimeout(5)
                said = b""
                while b"\r\n\r\n" not in said:
                    lot = connection.recv(65_536)
                    if not lot:
                        break
                    said += lot
                if not said:
                    return
                asked.append(said)
                connection.sendall(answer(said))

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        port = listening.getsockname()[1]
        yield f"http://127.0.0.1:{port}", asked
    finally:
        # Who connects and says nothing ends it.
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        thread.join(5)
        listening.close()
