"""Learn when a library is imported, so that a cell that imports and uses it at once is seen too."""

from __future__ import annotations

import importlib.machinery
import logging
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_LOG = logging.getLogger("lineageflow_jupyter")


class Arrivals:
    """Calls something once for each of some modules: at once if it is imported, else when it has been.

    Parameters
    ----------
    wanted : mapping of str to callable
        What to call, by name of the module.
    """

    def __init__(self, wanted: Mapping[str, Callable[[], None]]) -> None:
        self._wanted = dict(wanted)

    def begin(self) -> None:
        """Call what can be called, and wait for the others."""
        for name in list(self._wanted):
            module = sys.modules.get(name)
            # A module that is being imported right now lacks its later half.
            if module is not None and not getattr(module.__spec__, "_initializing", False):
                self.arrived(name)
        sys.meta_path.insert(0, self)

    def end(self) -> None:
        """Wait no longer."""
        self._wanted.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def arrived(self, name: str) -> None:
        """Call what waits for this module. Never raises: an import of the user is going on."""
        call = self._wanted.pop(name, None)
        try:
            if call is not None:
                call()
        except Exception:  # as promised above: the import goes on, unrecorded
            _LOG.warning("calls of %s are not recorded", name, exc_info=True)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find the module as all others would, with a loader that tells us when it is done."""
        if name not in self._wanted or self not in sys.meta_path:
            return None
        # Those before have been asked; another recorder's among them would ask us again, without an end.
        for finder in sys.meta_path[sys.meta_path.index(self) + 1 :]:
            if not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    spec.loader = _Telling(spec.loader, self)  # type: ignore[assignment]
                return spec
        return None


class _Telling:
    """A loader that tells when its module is done, and then leaves no trace of itself."""

    def __init__(self, loader: Any, arrivals: Arrivals) -> None:
        self._loader, self._arrivals = loader, arrivals

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        spec.loader = self._loader
        made: types.ModuleType | None = self._loader.create_module(spec)
        spec.loader = self  # type: ignore[assignment]
        return made

    def exec_module(self, module: types.ModuleType) -> None:
        spec = module.__spec__
        if spec is not None:
            spec.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._arrivals.arrived(module.__name__)
