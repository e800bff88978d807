"""A guard inside a FastAPI or Starlette application, begun and ended with it."""

from pathlib import Path
from typing import Any

from caponier.app.guard.run import Guard
from caponier.app.workspace.workspace import require_workspace
from caponier.guard.bodies import Receive
from caponier.guard.middleware import App, Scope, Send
from caponier.guard.settings import GuardSettings
from caponier.records.inventory import Workspace


class GuardInside:
    """ASGI middleware for `app.add_middleware(GuardInside)`: what the application answers is guarded, all else passes.

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
        self.guard = Guard(home, settings, app=app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see the ASGI specification, version 3."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await self.guard(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin before the application does, and end when it has ended: whatever it answers is looked at."""
        self.guard.start()

        async def ended(message: Any) -> None:
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed", "lifespan.startup.failed"):
                self.guard.close()
            await send(message)

        await self._app(scope, receive, ended)
