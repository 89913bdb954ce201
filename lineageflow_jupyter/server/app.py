"""`LineageFlowServer`: the extension of the Jupyter server, and where its parts are put together."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from tornado.ioloop import PeriodicCallback
from traitlets import Bool, Float

from lineageflow_jupyter.server.asking import Surroundings
from lineageflow_jupyter.server.events import SCHEMAS
from lineageflow_jupyter.server.handlers import SETTINGS, handlers
from lineageflow_jupyter.server.kernels import Kernels
from lineageflow_jupyter.server.paths import ServerPaths
from lineageflow_jupyter.server.repositories import Repositories
from lineageflow_jupyter.server.watching import Watcher


class LineageFlowServer(ExtensionApp):
    """Answers questions about the repositories beside this server's notebooks, and tells what happens in them."""

    name = "lineageflow_jupyter"
    description = "History, lineage and live events of the DataFrames that notebooks version with LineageFlow."
    load_other_extensions = True

    events = Bool(True, help="Whether what happens in repositories is told as events, to whoever listens.").tag(
        config=True
    )
    interval = Float(
        0.2, min=0.02, help="Seconds between two looks at the repositories, while somebody listens to events."
    ).tag(config=True)

    _watching: PeriodicCallback | None = None
    _repositories: Repositories | None = None

    def initialize_settings(self) -> None:
        """Put the parts together. Nothing is opened or looked at yet."""
        server: Any = self.serverapp
        paths = ServerPaths(Path(server.root_dir).absolute())
        self._repositories = Repositories(paths.root)
        kernels = Kernels(server.session_manager, server.kernel_manager, paths)
        self.settings[SETTINGS] = Surroundings(paths, self._repositories, kernels)
        for schema in SCHEMAS.values():
            server.event_logger.register_event_schema(schema)
        if self.events:
            watcher = Watcher(self._repositories, kernels, server.event_logger, self.log)
            self._watching = PeriodicCallback(watcher.look, self.interval * 1000)
            self._watching.start()

    def initialize_handlers(self) -> None:
        """Add the routes."""
        self.handlers.extend(handlers())

    async def stop_extension(self) -> None:
        """Look no more, and close what is open."""
        if self._watching is not None:
            self._watching.stop()
        around: Surroundings | None = self.settings.get(SETTINGS)
        if around is not None:
            around.kernels.look_away(at_once=True)
        if self._repositories is not None:
            await asyncio.to_thread(self._repositories.close)
