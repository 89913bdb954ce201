"""Server paths of notebooks and the files behind them: workspaces are known by files, the front end by server paths."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lineageflow_jupyter.errors import InvalidName


@dataclass(frozen=True, slots=True)
class ServerPaths:
    """Translates between paths as the server shows them, with ``/`` between names, and files below its root.

    Parameters
    ----------
    root : Path
        The folder that the server shows, absolute.

    Examples
    --------
    >>> paths = ServerPaths(Path("/home/ada"))
    >>> paths.file("work/a b.ipynb"), paths.path("/home/ada/work/a b.ipynb"), paths.path("/srv/other.ipynb")
    ('/home/ada/work/a b.ipynb', 'work/a b.ipynb', '')
    """

    root: Path

    def file(self, path: str) -> str:
        """File of a server path, spelled as the server tells it to the kernel of a notebook: links stay as they are.

        Raises
        ------
        InvalidName
            If the path leads out of the server's folder.
        """
        parts = [part for part in path.split("/") if part]
        file = os.path.normpath(self.root.joinpath(*parts))
        odd = "\0" in path or (os.sep != "/" and os.sep in path)
        if odd or not Path(file).is_relative_to(self.root):
            raise InvalidName(f"{path!r} is no path below this server's folder", remedy="Name it as the server does")
        return file

    def path(self, file: str) -> str:
        """Server path of a file; ``""`` where it does not lie below the root."""
        found = Path(file)
        for root in dict.fromkeys((self.root, self.root.resolve())):
            if found.is_absolute() and found.is_relative_to(root):
                return found.relative_to(root).as_posix()
        return ""

    def holds(self, folder: Path) -> bool:
        """Whether a folder is the root or lies below it, after links were followed."""
        return folder.resolve().is_relative_to(self.root.resolve())
