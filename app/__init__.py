"""Oversing: where an organisation runs its work, and has what models wrote certified before it is acted on."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from app.core import rubbish

if TYPE_CHECKING:
    from flask import Flask


def create_app(process: str = "web", **overrides: Any) -> Flask:
    """The application as one kind of process needs it: web, live, worker, signer, clock; or an operator.

    `overrides` replace settings of the environment, for tests. Raises SystemExit, saying what to set, where one is
    missing. What it is made of is loaded here: whoever needs no application, as `make run` does, is there the sooner.
    """
    with rubbish.none_yet():
        made: Flask = import_module("app.making").made(process, overrides)
    return made
