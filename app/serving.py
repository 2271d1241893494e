"""What answers people: pages, the API and sockets, with all that stands before them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Flask
from flask_compress import Compress
from whitenoise import WhiteNoise

from app import blueprints, cli
from app.blueprints import health, live, live_texts
from app.config import Settings
from app.web import assets, door, errors, gateway, panels, templating, warming
from app.web.parsing import StrictRequest

# What a browser needs to know of a file: its type is what we say, it is for our pages only, and it comes over TLS.
STATIC_HEADERS = frozenset({"X-Content-Type-Options", "Cross-Origin-Resource-Policy", "Strict-Transport-Security"})


class Oversing(Flask):
    """Flask with a request that has limits, and with templates of ours."""

    request_class = StrictRequest
    jinja_environment = templating.Templates

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: none of ours is a coroutine, and Flask would look a dozen times for each request."""
        return func


def serve_pages(app: Flask, settings: Settings) -> None:
    """Serve every page and the API, and offer what an operator does on the command line."""
    cli.init_app(app)
    app.config.update(
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_BR_LEVEL=4,
        COMPRESS_LEVEL=5,
        COMPRESS_MIN_SIZE=600,
        COMPRESS_MIMETYPES=["text/html", "application/json", "application/vnd.runcible.bundle.v1+json"],
    )
    Compress(app)
    gateway.init_app(app, settings)
    door.init_app(app)
    errors.init_app(app)
    templating.init_app(app)
    panels.init_app(app)
    blueprints.init_app(app)
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=assets.STATIC,
        prefix="/static/",
        immutable_file_test=assets.is_immutable,
        allow_all_origins=False,
        add_headers_function=partial(_guard_file, app),
    )


def serve_sockets(app: Flask, settings: Settings) -> None:
    """Serve sockets, and nothing else."""
    gateway.init_app(app, settings)
    door.init_app(app)
    errors.init_app(app)
    app.register_blueprint(health.bp)
    live.init_app(app, _written_pages(settings))
    live_texts.init_app(app)


def _written_pages(settings: Settings) -> Flask:
    """The pages for whoever writes an element of one: their addresses and templates. Nobody can ask it for anything."""
    pages = Oversing("app", static_folder=None)
    pages.config["SETTINGS"] = settings
    templating.init_app(pages)
    panels.init_app(pages)
    blueprints.init_app(pages)
    warming.warm_up(pages)
    return pages


def _guard_file(app: Flask, headers: Any, _path: str, _url: str) -> None:
    for name in STATIC_HEADERS & app.config["HEADERS"].keys():
        headers[name] = app.config["HEADERS"][name]
