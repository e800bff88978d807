"""A guard inside a FastAPI or Starlette application, begun and ended with it."""

import asyncio
import atexit
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from caponier.app.guard.run import Guard
from caponier.app.workspace.workspace import require_workspace
from caponier.errors import CaponierError
from caponier.guard.bodies import Receive
from caponier.guard.middleware import App, Scope, Send
from caponier.guard.settings import GuardSettings
from caponier.records.inventory import Workspace


class GuardInside:
    """ASGI middleware for `app.add_middleware(GuardInside)`: what the application answers is guarded, all else passes.

    It begins with the application. One that nobody tells of its beginning, such as one that is mounted in another, or
    is served without a lifespan, has it begin with the first request, and end with the process.

    Args:
        app: The application.
        workspace: Whose inventory, baselines, store and lake are used, or its folder; by default that of the command
            line, see `app.workspace.workspace.load_workspace`.
        settings: What to do; those of the workspace by default.

    Raises:
        InputError: If the workspace cannot be used.
    """

    def __init__(
        self, app: App, workspace: Workspace | Path | str | None = None, settings: GuardSettings | None = None
    ) -> None:
        place = None if workspace is None or isinstance(workspace, Workspace) else Path(workspace)
        home = workspace if isinstance(workspace, Workspace) else require_workspace(place)
        self._app = app
        self._made = partial(Guard, home, settings, app=app)
        self.guard = self._made()
        self._begun = self._ended = False
        self._beginning = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see the ASGI specification, version 3."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        if not self._begun and scope["type"] == "http":
            await asyncio.to_thread(self._begin)
        await self.guard(scope, receive, send)

    def _begin(self) -> None:
        with self._beginning:
            if self._begun:
                return
            if self._ended:
                # An application may live more than once in a process, as in tests; a guard does not.
                self.guard = self._made()
            self.guard.start()
            self._begun = True
            # Nobody may ever say that it is over.
            atexit.register(self.guard.close)

    def close(self) -> None:
        """End; for whoever has begun it without a lifespan and goes on without it."""
        with self._beginning:
            if self._begun:
                atexit.unregister(self.guard.close)
                self.guard.close()
            self._begun, self._ended = False, True

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin before the application does, and end when it has ended: whatever it answers is looked at."""
        try:
            self._begin()
        except CaponierError as failed:
            # Raised, it would tell some servers that this application knows of no beginning: they would go on without.
            await receive()
            await send({"type": "lifespan.startup.failed", "message": str(failed)})
            return

        async def ended(message: Any) -> None:
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed", "lifespan.startup.failed"):
                self.close()
            await send(message)

        await self._app(scope, receive, ended)
