"""What the pages of the audit trail show: events in sentences, values in the reader's words, exports as files."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from typing import Any

from flask import Response, current_app, request, url_for

from app.core import tenancy
from app.core.actor import Actor
from app.core.database import db, fresh_session
from app.queries.audit_exports import part_of
from app.queries.audit_reading import AuditEvent
from app.web.audit_values import shown_changes, shown_value
from app.web.built_in import called
from app.web.languages import translated as _
from app.web.sentences import in_words, told_of_event, told_of_oneself
from app.web.visible_text import visible

_PAGES = {
    "Task": ("tasks.show", "task_id"),
    "TaskComment": ("tasks.show", "task_id"),
    "Program": ("programs.show", "program_id"),
    "Certification": ("certifications.show", "certification_id"),
    "GovernancePolicy": ("policies.show", "policy_id"),
    "UserGroup": ("user_groups.show", "group_id"),
    "AccessRole": ("access_roles.show", "access_role_id"),
}


def shown_events(events: list[AuditEvent]) -> list[dict[str, Any]]:
    """Events as templates show them."""
    return [shown_event(event, in_short=True) for event in events]


def shown_event(event: AuditEvent, *, in_short: bool = False) -> dict[str, Any]:
    """One event: who did what in words, to what, when, how it came, and what changed.

    `object` is the thing where the sentence goes on with it, `thing` always.
    """
    whole, thing = told_of_oneself(event), visible(_name_of(event)) if event.thing else None
    nameless = _("somebody") if event.entity_type == "User" else None
    return {
        "event_id": event.event_id,
        "event_type": event.event_type,
        "actor_name": visible(event.actor_name or "")
        or ("Oversing" if event.actor_user_id is None else _("Somebody who has left")),
        "sentence": whole or told_of_event(event),
        "object": None if whole else thing or nameless,
        "thing": thing,
        "thing_url": _page_of(event),
        "way": _way(event),
        "network": event.network,
        "request_id": event.request_id,
        "created_at": event.created_at,
        "changes": shown_changes(event, in_short=in_short),
        "facts": [
            {"name": in_words(name), "value": shown_value(event, name, value)} for name, value in event.facts.items()
        ],
        "entity_type": in_words(_spaced(event.entity_type)),
        "entity_id": event.entity_id,
    }


def _name_of(event: AuditEvent) -> str:
    name = event.thing.name if event.thing else ""
    return called(name) if event.entity_type == "AccessRole" else name


def _page_of(event: AuditEvent) -> str | None:
    thing = event.thing
    if thing is None or thing.page_id is None or event.entity_type not in _PAGES:
        return None
    endpoint, parameter = _PAGES[event.entity_type]
    return url_for(endpoint, **{parameter: thing.page_id})


def _way(event: AuditEvent) -> str:
    if event.via == "api_key":
        return f"{_('API key')} {event.key_prefix}…" if event.key_prefix else _("API key")
    return {"session": _("browser session"), "system": _("job of the system")}.get(event.via, _("command line"))


def _spaced(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def export_file(export: Any, actor: Actor) -> Response:
    """The file of an export, sent part by part: as it is kept, compressed, and plain where the reader takes no gzip."""
    kinds = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson; charset=utf-8"}
    packed = "gzip" in request.accept_encodings
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def sent() -> Iterator[bytes]:
        for number in range(1, export.parts + 1):
            # Each part in a context of its own: a slow reader holds no connection, and no transaction.
            with app.app_context(), fresh_session(), tenancy.entered(db.session, actor.tenant_id):
                part = part_of(export, actor.tenant_id, number)
            yield part if packed else gzip.decompress(part)

    answer = Response(sent(), content_type=kinds[export.format])
    answer.headers["Content-Disposition"] = f'attachment; filename="audit-{export.id}.{export.format}"'
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Vary"] = "Accept-Encoding"
    if packed:
        answer.headers["Content-Encoding"] = "gzip"
    return answer
