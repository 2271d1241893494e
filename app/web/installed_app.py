"""How the site is installed as an app, and what its service worker is told.

A version is the files of the first load and the page for when nothing is reached: whichever changes, browsers find
another script at the next look, and with it all of them.
"""

from __future__ import annotations

import hashlib
from functools import cache

import orjson
from flask import render_template, url_for

from app.web.app_icons import ICONS
from app.web.assets import asset, built
from app.web.languages import language
from app.web.languages import translated as _

GROUND = "#f9f9fb"  # --paper of tokens.css, as the <meta name="theme-color"> of each page; dark pages say their own
FIRST_LOAD = ("app.css", "app.js", "favicon.svg", "icons.svg")


def described() -> bytes:
    """The web app manifest."""
    return orjson.dumps(
        {
            "id": "/",
            "name": "Oversing",
            "short_name": "Oversing",
            "description": _("Work, governed and certified."),
            "lang": language(),
            "dir": "auto",
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "theme_color": GROUND,
            "background_color": GROUND,
            "categories": ["business", "productivity"],
            "icons": [_icon(name) for name in ICONS if not name.startswith("apple")],
        }
    )


def _icon(name: str) -> dict[str, str]:
    kind, _dash, pixels = name.removesuffix(".png").partition("-")
    purpose = "maskable" if kind == "maskable" else "any"
    return {"src": asset(name), "type": "image/png", "sizes": f"{pixels}x{pixels}", "purpose": purpose}


def service_worker_script() -> bytes:
    """The service worker, with what it has to know written before it, for those who read this language."""
    return _script(language())


@cache
def _script(_language: str) -> bytes:
    """The same in every process: the language is a part of the version, as it is of the page that is kept."""
    files = [asset(name) for name in FIRST_LOAD]
    code = built("sw.js")
    parts = [code, *(file.encode() for file in files), render_template("installed_app/offline.html").encode()]
    version = hashlib.sha256(b"\0".join(parts)).hexdigest()[:10]
    shipped = {"version": version, "files": files, "page": url_for("installed_app.offline")}
    return b"self.shipped=" + orjson.dumps(shipped) + b";\n" + code
