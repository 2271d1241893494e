"""Find a Chromium for the browser tests, or bring one; never go on without."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from app.local.home import LocalError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SHELL = "chromium-headless-shell"


def find_or_install() -> str:
    """Return the path of a Chromium that starts.

    CHROMIUM names one; else one on PATH is taken; else one is installed: by apt as root, else by Playwright.
    Raises LocalError, which says what to do, when there is none in the end.
    """
    if named := os.environ.get("CHROMIUM"):
        if not starts(named):
            raise LocalError(f"CHROMIUM={named} does not start. Name the program file of a Chromium or Chrome.")
        return named
    if found := on_path():
        return found
    print("> No Chromium on this machine; installing one for the browser tests ...", flush=True)
    for install in (by_apt, by_playwright):
        if found := install():
            print(f"  {found}", flush=True)
            return found
    raise LocalError(
        "The browser tests need Chromium, and it could not be installed (why stands above). Install it by hand:\n"
        "  Debian, Ubuntu: sudo apt-get install chromium (Ubuntu: chromium-browser)\n"
        "  elsewhere: .venv/bin/playwright install --with-deps chromium\n"
        "or name one that you have: make test CHROMIUM=/path/to/chrome"
    )


def without_windows(chromium: str) -> str:
    """Return the shell of Chromium where there is one: no windows around its pages, and two fifths less work for each.

    It is the same engine, but judges nothing that is about windows. Else, or if CHROMIUM names one, return that one.
    """
    shell = None if os.environ.get("CHROMIUM") else shutil.which(SHELL)
    return shell if shell and starts(shell) else chromium


def on_path() -> str | None:
    """Return the first Chromium on PATH that starts."""
    candidates = (shutil.which(name) for name in NAMES)
    return next((path for path in candidates if path and starts(path)), None)


def starts(path: str) -> bool:
    """Tell whether this program says its version; Ubuntu has a `chromium-browser` that only points to a store."""
    try:
        said = subprocess.run(
            [path, "--version"], check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.returncode == 0


def by_apt() -> str | None:
    """Install Debian's Chromium with a font, and its shell where Debian has that, as root only; return its path."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["install", "-y", "-qq", "--no-install-recommends"]
    for command in (["update", "-qq"], [*install, "chromium", "fonts-liberation"], [*install, SHELL]):
        subprocess.run(
            ["apt-get", *command], env=environment, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
    return on_path()


def by_playwright() -> str | None:
    """Let Playwright download its own Chromium, and return its path."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 only installed for tests

    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False, stdin=subprocess.DEVNULL)
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if starts(path) else None
