"""Oversing: where an organisation runs its work, and has what models wrote certified before it is acted on."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from app.core import rubbish

with rubbish.none_yet():
    from flask import Flask

    from app import logs, models
    from app.config import Settings
    from app.core import failpoints, pool, sealing, valkey
    from app.core.database import db
    from app.core.stored_json import read_stored_json
    from app.queries import trust

__all__ = ["create_app", "models"]

SERVING = ("web", "live")


def create_app(process: str = "web", **overrides: Any) -> Flask:
    """The application as one kind of process needs it: web, live, worker, signer, clock.

    `overrides` replace settings of the environment, for tests. Raises SystemExit, saying what to set, where one is
    missing.
    """
    settings = Settings(**overrides)
    logs.configure(settings.log_level, process)
    app = _made(process)
    app.config.update(SETTINGS=settings, PROCESS=process)
    _use_database(app, settings, process)
    valkey.configure(settings.needed_redis_url())
    if process != "clock":
        sealing.configure(settings.sealing_key())
    trust.configure(settings.trust_root_file)
    if settings.failpoint:
        failpoints.arm(settings.failpoint)
    if process in SERVING:
        _serve(app, settings, process)
    return app


def _made(process: str) -> Flask:
    kind = _serving().Oversing if process in SERVING else Flask
    app: Flask = kind(__name__, static_folder=None)
    return app


def _serve(app: Flask, settings: Settings, process: str) -> None:
    if process == "web":
        _serving().serve_pages(app, settings)
    else:
        _serving().serve_sockets(app, settings)


def _serving() -> Any:
    """What answers people, loaded where it is needed: worker, signer and clock start the sooner without it."""
    with rubbish.none_yet():
        return import_module("app.serving")


def _use_database(app: Flask, settings: Settings, process: str) -> None:
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.database_url_of(process),
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_size": settings.database_pool,
            "max_overflow": settings.database_pool,
            "pool_timeout": 1.5,  # who waits longer is told to come back: an overload is answered within two seconds
            "pool_use_lifo": True,  # few connections that know their statements, rather than many that seldom work
            "json_deserializer": read_stored_json,
            "hide_parameters": True,  # an error in a log must not tell what somebody typed
            "connect_args": {"connect_timeout": 5, "application_name": f"oversing-{process}"},
        },
    )
    db.init_app(app)
    with app.app_context():
        pool.watch(db.engine)
