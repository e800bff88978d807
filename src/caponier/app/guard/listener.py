"""Where callers connect: as many may wait as come at once, and few are let in at a time."""

import socket
from typing import Final, Self

from caponier.errors import InputError

MOST_WAITING: Final = 2_048
"""Connections that the system keeps until they are let in."""
AT_ONCE: Final = 16
"""Connections that are let in before those that are open have their turn again. Each takes a tenth of a millisecond,
and asyncio lets in as many at once as may wait: two thousand callers who come together, be it to say nothing, would
keep the answers of all others for a fifth of a second, and once more when they leave together."""


class Listener(socket.socket):
    """A socket that is bound, and keeps more connections waiting than are let in at once."""

    @classmethod
    def at(cls, host: str, port: int) -> Self:
        """Return one at an address.

        Raises:
            InputError: If it cannot be listened on.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # asyncio turns Nagle's algorithm off only for sockets that name their protocol; with it, answers take 40 ms.
        made = cls(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host, port))
        except OSError as failed:
            made.close()
            where, hint = f"{host}:{port}", "Choose another --port"
            raise InputError(f"cannot be listened on: {failed.strerror}", where=where, hint=hint) from None
        return made

    def listen(self, _: int = MOST_WAITING, /) -> None:
        """Let callers wait; the server's number of those is how many it lets in at once."""
        super().listen(MOST_WAITING)

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
