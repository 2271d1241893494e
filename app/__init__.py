"""Oversing: where an organisation runs its work, and has what models wrote certified before it is acted on."""

from __future__ import annotations

from functools import partial
from typing import Any

import structlog
from flask import Flask
from flask_compress import Compress
from flask_migrate import Migrate
from whitenoise import WhiteNoise

from app import blueprints, cli, logs
from app.blueprints import health, live
from app.config import Settings
from app.core import failpoints, pool, sealing, valkey
from app.core.database import db
from app.queries import trust
from app.web import assets, door, errors, gateway, templating
from app.web.parsing import StrictRequest

log = structlog.get_logger(__name__)

# What a browser needs to know of a file: its type is what we say, it is for our pages only, and it comes over TLS.
STATIC_HEADERS = frozenset({"X-Content-Type-Options", "Cross-Origin-Resource-Policy", "Strict-Transport-Security"})


class Oversing(Flask):
    """Flask with a request that has limits, and with templates of ours."""

    request_class = StrictRequest
    jinja_environment = templating.Templates


def create_app(process: str = "web", **overrides: Any) -> Oversing:
    """The application as one kind of process needs it: web, live, worker, signer, clock.

    `overrides` replace settings of the environment, for tests. Raises SystemExit, saying what to set, where one is
    missing.
    """
    settings = Settings(**overrides)
    logs.configure(settings.log_level, process)
    app = Oversing(__name__, static_folder=None)
    app.config.update(SETTINGS=settings, PROCESS=process)
    _use_database(app, settings, process)
    valkey.configure(settings.needed_redis_url())
    if process != "clock":
        sealing.configure(settings.sealing_key())
    trust.configure(settings.trust_root_file)
    if settings.failpoint:
        failpoints.arm(settings.failpoint)
    cli.init_app(app)
    if process == "web":
        _serve_pages(app, settings)
    elif process == "live":
        _serve_sockets(app, settings)
    return app


def _use_database(app: Flask, settings: Settings, process: str) -> None:
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.database_url_of(process),
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_size": settings.database_pool,
            "max_overflow": settings.database_pool,
            "pool_timeout": 1.5,  # who waits longer is told to come back: an overload is answered within two seconds
            "pool_use_lifo": True,  # few connections that know their statements, rather than many that seldom work
            "hide_parameters": True,  # an error in a log must not tell what somebody typed
            "connect_args": {"connect_timeout": 5, "application_name": f"oversing-{process}"},
        },
    )
    db.init_app(app)
    with app.app_context():
        pool.watch(db.engine)
    Migrate(app, db, directory="migrations")


def _serve_pages(app: Flask, settings: Settings) -> None:
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
    blueprints.init_app(app)
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=assets.STATIC,
        prefix="/static/",
        immutable_file_test=assets.is_immutable,
        allow_all_origins=False,
        add_headers_function=partial(_guard_file, app),
    )


def _serve_sockets(app: Flask, settings: Settings) -> None:
    gateway.init_app(app, settings)
    door.init_app(app)
    errors.init_app(app)
    app.register_blueprint(health.bp)
    live.init_app(app)


def _guard_file(app: Flask, headers: Any, _path: str, _url: str) -> None:
    for name in STATIC_HEADERS & app.config["HEADERS"].keys():
        headers[name] = app.config["HEADERS"][name]
