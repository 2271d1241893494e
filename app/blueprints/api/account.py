"""Who a key acts for, and where that person is signed in. Their keys are in api_keys.py."""

from app.blueprints.api import api
from app.commands import accounts as commands
from app.core.permissions import oneself
from app.queries import accounts as queries
from app.queries.identity import tasks_by_role
from app.schemas.accounts import SessionOut, WhoAmI
from app.web.actors import current_actor
from app.web.fieldsets import with_fields
from app.web.listing import whole_list
from app.web.parsing import read_parameters
from app.web.responses import data, nothing


@api.get("/auth")
def who_am_i():
    """Who asks, where, by what, and what they may do with it."""
    read_parameters()
    actor = current_actor()
    return _private(data(WhoAmI.of(actor, tasks_by_role(actor))))


@api.get("/auth/sessions")
def list_sessions():
    """The browsers in which one is signed in."""
    given = read_parameters("fields")
    person = oneself(current_actor(), "user_session.view_own")
    sessions = [SessionOut.of(each) for each in queries.list_sessions(person)]
    return _private(whole_list(with_fields(given, SessionOut, sessions)))


@api.delete("/auth/sessions")
def end_all_sessions():
    """Sign out everywhere. Keys go on: they are revoked one by one."""
    commands.end_other_sessions(oneself(current_actor(), "user_session.delete_own"))
    return nothing()


@api.delete("/auth/sessions/<uuid:session_id>")
def end_session(session_id):
    """Sign out of one browser."""
    commands.end_own_session(oneself(current_actor(), "user_session.delete_own"), session_id)
    return nothing()


def _private(response):
    """An answer about a person as such, which nothing on the way keeps."""
    response.headers["Cache-Control"] = "no-store"
    return response
