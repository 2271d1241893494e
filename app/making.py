"""The application, made of settings, a database, a queue and keys; and of what answers people where it does."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from flask import Flask

from app import (
    logs,
    models,  # noqa: F401 a table that refers to another one finds it
)
from app.config import Settings
from app.core import failpoints, pool, sealing, valkey
from app.core.database import db
from app.core.stored_json import read_stored_json
from app.queries import trust

SERVING = ("web", "live")
OPERATOR = "operator"  # no process of the Procfile: who has something done on the command line


def made(process: str, overrides: dict[str, Any]) -> Flask:
    """The application of this kind of process."""
    settings = Settings(**overrides)
    logs.configure(settings.log_level, process)
    app = _empty(process)
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
    if process == OPERATOR:
        import_module("app.cli").init_app(app)
    return app


def _empty(process: str) -> Flask:
    kind = _serving().Oversing if process in SERVING else Flask
    app: Flask = kind("app", static_folder=None)
    return app


def _serve(app: Flask, settings: Settings, process: str) -> None:
    if process == "web":
        _serving().serve_pages(app, settings)
    else:
        _serving().serve_sockets(app, settings)


def _serving() -> Any:
    """What answers people, loaded where it is needed: worker, signer and clock start the sooner without it."""
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
