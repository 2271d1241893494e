"""One answer to every refusal: a page, a fragment or JSON, in words for the person who can act on it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson
import structlog
from flask import Flask, Response, current_app, g, redirect, render_template, request, url_for
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError

from app.core import errors
from app.core.database import db
from app.core.errors import DomainError
from app.core.phrases import phrase
from app.queries.access_explanation import ASKABLE
from app.web import panels
from app.web.actors import is_api, known_actor
from app.web.languages import translated as _
from app.web.notices import is_noticed_here, waiting_notices
from app.web.parsing import hear_out
from app.web.responses import wants_fragment
from app.web.sign_in import safe_next, started_from

log = structlog.get_logger(__name__)

_FROM_HTTP: dict[int, type[DomainError]] = {
    400: errors.Malformed,
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    406: errors.NotAcceptable,
    413: errors.TooLarge,
    415: errors.UnsupportedMediaType,
}
_TITLES = {
    400: phrase("That request could not be read"),
    401: phrase("Please sign in"),
    403: phrase("You may not do this"),
    404: phrase("Nothing to see here"),
    405: phrase("That does not work here"),
    409: phrase("This has changed in the meantime"),
    412: phrase("Somebody else was faster"),
    413: phrase("That is too large"),
    415: phrase("That format is not read here"),
    422: phrase("Some of that will not do"),
    429: phrase("Not so fast"),
    503: phrase("One moment, please"),
}
_UNTITLED = phrase("Something went wrong")
_TITLES_OF = {"TENANT_SUSPENDED": phrase("This organisation is suspended")}
# SQLSTATEs that say "not now": out of connections, shutting down, read only, disk full, lock or statement time-out.
_NOT_NOW = ("08", "53", "57", "58", "25006", "55P03", "40001", "40P01")


class InternalError(DomainError):
    """A defect of ours. The reference finds it in the log."""

    code, status = "INTERNAL_ERROR", HTTPStatus.INTERNAL_SERVER_ERROR
    message = phrase("Something went wrong on our side. Nothing was changed by it.")


def init_app(app: Flask) -> None:
    """Answer every exception by the one handler."""
    app.register_error_handler(Exception, answer)


def answer(error: Exception) -> Response:
    """The answer to `error`, in the form that the client reads."""
    if isinstance(error, HTTPException) and error.code is not None and 300 <= error.code < 400:
        return error.get_response()  # type: ignore[return-value]
    refusal = as_refusal(error)
    db.session.rollback()
    hear_out()
    if is_api(request):
        response = _as_json(refusal)
    elif isinstance(refusal, errors.Unauthenticated):
        response = _to_sign_in()
    else:
        response = _as_html(refusal)
    for name, value in refusal.headers.items():
        response.headers[name] = value
    response.headers["Cache-Control"] = "no-store"
    return response


def as_refusal(error: Exception) -> DomainError:
    """What an exception means to a client. What nobody expected is logged with its traceback, and told as a 500."""
    if isinstance(error, errors.StaleVersion) and "If-Match" in request.headers:
        return errors.PreconditionFailed(error.current)
    if isinstance(error, DomainError):
        return error
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        return as_refusal(error.original_exception)  # it was raised beside the views, as by saving a session
    if isinstance(error, HTTPException):
        return _from_http(error)
    if _is_passing(error):
        log.warning("database.unavailable", error=type(error).__name__)
        return errors.Unavailable()
    if isinstance(error, DBAPIError) and _sqlstate(error) == "42501":
        log.error("database.refused", exc_info=error)
        return errors.Forbidden()
    log.error("request.failed", exc_info=error)
    return InternalError()


def _from_http(error: HTTPException) -> DomainError:
    code = error.code or 500
    kind = _FROM_HTTP.get(code)
    if kind is None:
        kind = errors.Malformed if 400 <= code < 500 else InternalError
    refusal = kind()
    if isinstance(refusal, errors.MethodNotAllowed) and getattr(error, "valid_methods", None):
        refusal.headers["Allow"] = ", ".join(sorted(error.valid_methods))  # type: ignore[attr-defined]
    return refusal


def _is_passing(error: Exception) -> bool:
    if isinstance(error, PoolTimeout | InterfaceError):
        return True
    if isinstance(error, OperationalError) and _sqlstate(error) is None:
        return True  # the connection itself was lost
    return isinstance(error, DBAPIError) and (_sqlstate(error) or "").startswith(_NOT_NOW)


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _as_json(refusal: DomainError) -> Response:
    body: dict[str, Any] = {"code": refusal.code, "message": refusal.message, "details": refusal.details}
    if isinstance(refusal, InternalError):
        body["reference"] = g.get("request_id", "")
    response = Response(orjson.dumps({"error": body}), refusal.status, content_type="application/json; charset=utf-8")
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Oversing"'
    return response


def _to_sign_in() -> Response:
    """To the sign-in page and back again; htmx is told by a header, as it would swap the page into a fragment."""
    back = request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else ""
    target = url_for("sessions.new") + (f"?next={quote(back)}" if safe_next(back) else "")
    if "HX-Request" in request.headers:
        return Response(status=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": target})
    return redirect(target, HTTPStatus.SEE_OTHER)  # type: ignore[return-value]


def _way_back(refusal: DomainError) -> dict[str, str] | None:
    """Where a refused action can be thought over: the page it was started from, else that of the thing it is about.

    A page has its own way back, and of what is not there is none.
    """
    if request.method in ("GET", "HEAD") or refusal.status == HTTPStatus.NOT_FOUND or known_actor() is None:
        return None
    started, about = started_from(), _page_of_the_thing()
    if about is None or (started is not None and started != about["url"]):
        return {"url": started, "label": _("Back")} if started else None
    return about


def _ask_why(refusal: DomainError) -> str | None:
    """Where it is explained why this was refused, for who may see roles."""
    permission, actor = getattr(refusal, "permission", None), known_actor()
    if permission not in ASKABLE or actor is None or not actor.may_somewhere("access_role.view"):
        return None
    ids = request.view_args or {}
    things = [str(ids[name]) for name in ("certification_id", "task_id", "program_id") if name in ids]
    about = {"thing": things[0]} if things else {}
    return url_for("access_explanation.index", user_id=actor.user_id, permission=permission, **about)


def _page_of_the_thing() -> dict[str, str] | None:
    """The page that shows what the action is about, by the parameter of the action's address."""
    pages = {
        "certification_id": ("certifications.show", _("Back to the certification")),
        "task_id": ("tasks.show", _("Back to the task")),
        "program_id": ("programs.show", _("Back to the program")),
    }
    for name, (endpoint, label) in pages.items():
        if name in (request.view_args or {}):
            return {"url": url_for(endpoint, **{name: (request.view_args or {})[name]}), "label": label}
    return None


def _is_closed_behind(refusal: DomainError) -> bool:
    """Whether a change was made after which the person does not see its page any more: they gave up the right to.

    Something still waits to be said, on this very page.
    """
    if request.method != "GET" or wants_fragment() or refusal.status not in (403, 404):
        return False
    return is_noticed_here()


def _behind(refusal: DomainError) -> Response:
    """The page that says so, loaded as a whole: the frame around it may be another one now."""
    if "HX-Request" in request.headers and panels.asked_for() is None:
        return Response(headers={"HX-Redirect": request.full_path.rstrip("?")})
    html = render_template("errors/behind.html", said_now=waiting_notices())
    return Response(html, int(refusal.status), mimetype="text/html")


def _refused_panel() -> Response:
    """The panel of a page that is not there or may not be seen: nobody can tell which. It takes the place of the whole.

    What was shown before, and what it was called, goes with it.
    """
    response = Response(render_template("errors/refused.html"), HTTPStatus.NOT_FOUND, mimetype="text/html")
    if wants_fragment():
        response.headers.update({"HX-Retarget": panels.page_target(), "HX-Reswap": "outerSync"})
    return response


def _as_html(refusal: DomainError) -> Response:
    if _is_closed_behind(refusal):
        return _behind(refusal)
    if panels.asked_for() and request.method == "GET" and refusal.status in (403, 404):
        return _refused_panel()
    template = "errors/_error.html" if wants_fragment() else "errors/page.html"
    status = int(refusal.status)
    try:
        html = render_template(
            template,
            status=status,
            code=refusal.code,
            title=_(_TITLES_OF.get(refusal.code) or _TITLES.get(status, _UNTITLED)),
            message=_(refusal.message),
            help="",
            details=refusal.details,
            back=_way_back(refusal),
            why=_ask_why(refusal),
            reference=g.get("request_id", ""),
        )
    except Exception:
        current_app.logger.exception("The error page itself failed.")
        html = f"<!doctype html><title>{status}</title><p>{refusal.message}</p>"
    return Response(html, status, mimetype="text/html")
