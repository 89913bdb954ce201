"""Where the browser of the browser tests is. Run as a program, prints it, or fails; `make test` asks this way."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Arguments that keep a browser from looking for what only a desktop has, and from calling home."""


def arguments() -> list[str]:
    """Command line of a headless browser; Chromium has no sandbox for root."""
    return [*QUIET, "--no-sandbox"] if os.getuid() == 0 else [*QUIET]


def find() -> str | None:
    """Path of ``LF_CHROMIUM``, else of an installed Chromium or Chrome, else of the one that Playwright installed."""
    named = os.environ.get("LF_CHROMIUM")
    if named:
        return shutil.which(named)
    for candidate in (*NAMES, *APPLICATIONS):
        found = shutil.which(candidate)
        if found:
            return found
    return _playwright()


def _playwright() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return str(path) if path.exists() else None


if __name__ == "__main__":
    browser = find()
    if browser is None:
        sys.exit("no Chromium or Chrome found")
    print(browser)
