"""What is only slow once, done before anybody waits for it: a process that writes pages is there only then."""

from __future__ import annotations

from contextlib import suppress

from flask import Flask

from app.core.languages import NotCompiledError, catalogue_of, languages, usual_locale
from app.web import dates
from app.web.assets import AssetsNotBuilt, asset


def warm_up(app: Flask) -> None:
    """Have at hand every template of pages, the addresses of files, and the words and numbers of each language."""
    for name in app.jinja_env.list_templates(filter_func=_is_of_pages):
        app.jinja_env.get_template(name)
    with suppress(AssetsNotBuilt, NotCompiledError):  # whoever asks for a page is told what is missing
        asset("app.css")
        for language in languages():
            catalogue_of(language)
            dates.read_manner(usual_locale(language))


def _is_of_pages(name: str) -> bool:
    """Mails are written by a Jinja of their own (app/adapters/letters.py)."""
    return name.endswith(".html") and not name.startswith("mails/")
