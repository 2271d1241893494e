"""Certifications: ask for one, read it, check it, take its bundle along, revoke it."""

from flask import Blueprint, url_for

from app.commands import certifications as commands
from app.core.errors import Conflict, Invalid
from app.core.permissions import require
from app.queries import certifications as queries
from app.queries.certification_proofs import bundle_of
from app.queries.governance_policies import active_policies
from app.queries.history import certification_events
from app.queries.tasks import get_task
from app.schemas.certifications import CertificationForm, Revocation
from app.web.actors import current_actor
from app.web.built_in import choices_called
from app.web.bundles import bundle_response
from app.web.certification_pages import certification_context, checks_context, content_text
from app.web.languages import translated as _
from app.web.listing import PLACES, page_context
from app.web.parsing import choice_parameter, form_values, read_form, read_paging, read_parameters, uuid_parameter
from app.web.responses import Said, go_on, show
from app.web.sentences import told_of_certification

bp = Blueprint("certifications", __name__)


@bp.get("/certifications")
def index():
    """All certifications, newest first."""
    given = read_parameters("status", *PLACES, "limit")
    filters = queries.CertificationFilters(status=choice_parameter(given, "status", queries.STATUSES))
    page = queries.list_certifications(current_actor(), filters, read_paging(given))
    fragment = "certifications/_chunk.html" if "last" in given else "certifications/_list.html"
    return show("certifications/index.html", fragment, page=page_context(page), filters=page.filters)


@bp.get("/tasks/<uuid:task_id>/certifications/new")
def new(task_id):
    """The form to have an output of a task certified; with `parent`, a corrected version of one."""
    actor = current_actor()
    task = get_task(actor, task_id)
    require(actor, "certification.create", task.program_id, task.id)
    parent_id = uuid_parameter(read_parameters("parent"), "parent")
    parent = queries.get_certification(actor, parent_id) if parent_id else None
    values = {}
    if parent is not None:
        commands.note_reading(actor, parent.id)
        content = queries.content_of(actor, parent)
        values = {
            "llm_provider": parent.llm_provider,
            "model_name": parent.model_name,
            "input_hash": parent.input_hash,
            "governance_policy_id": str(parent.governance_policy_id),
            "parent_certification_id": str(parent.id),
            "format": "json" if content and "json" in content else "text",
            "output_content": content_text(content),
        }
    return _form(actor, task_id, parent, values)


@bp.post("/tasks/<uuid:task_id>/certifications")
def create(task_id):
    """Ask for certification."""
    actor = current_actor()
    try:
        given = read_form(CertificationForm)
        certification = commands.request_certification(actor, given.request(task_id))
    except Invalid as refused:
        return _form(actor, task_id, None, form_values(), errors=refused.fields, status=422)
    except Conflict as refused:
        return _form(actor, task_id, None, form_values(), errors={"_": refused.message}, status=409)
    return go_on(url_for(".show", certification_id=certification.id))


@bp.get("/certifications/<uuid:certification_id>", endpoint="show")
def show_certification(certification_id):
    """One certification: the text, the verdict and the proof."""
    actor = current_actor()
    commands.note_reading(actor, certification_id)
    page = show(
        "certifications/show.html",
        "certifications/_certification.html",
        **certification_context(actor, certification_id),
    )
    page.headers["Cache-Control"] = "no-store"
    return page


@bp.post("/certifications/<uuid:certification_id>/verification")
def verify(certification_id):
    """Check the signatures, the time and the content again, now."""
    actor = current_actor()
    commands.note_reading(actor, certification_id)
    context = certification_context(actor, certification_id) | checks_context(actor, certification_id)
    page = show("certifications/show.html", "certifications/_checks.html", **context)
    page.headers["Cache-Control"] = "no-store"
    return page


@bp.get("/certifications/<uuid:certification_id>/bundle")
def bundle(certification_id):
    """The bundle file, which a stranger can check."""
    actor = current_actor()
    certification = queries.get_certification(actor, certification_id)
    content = bundle_of(certification)
    commands.note_reading(actor, certification_id, "downloaded")
    return bundle_response(certification, content)


@bp.get("/certifications/<uuid:certification_id>/revoke")
def confirm_revoke(certification_id):
    """Ask why, before a certificate is taken back."""
    actor = current_actor()
    certification = queries.get_certification(actor, certification_id, "certification.revoke")
    return show("certifications/revoke.html", certification=certification, values={}, errors={})


@bp.post("/certifications/<uuid:certification_id>/revocation")
def revoke(certification_id):
    """Take a certificate back."""
    actor = current_actor()
    try:
        commands.revoke_certification(actor, certification_id, read_form(Revocation))
    except Invalid as refused:
        certification = queries.get_certification(actor, certification_id)
        return show(
            "certifications/revoke.html",
            status=422,
            certification=certification,
            values=form_values(),
            errors=refused.fields,
        )
    return go_on(url_for(".show", certification_id=certification_id), Said(_("Certificate revoked.")))


@bp.post("/certifications/<uuid:certification_id>/retry")
def retry(certification_id):
    """Try again to complete a certification that failed for a technical reason."""
    commands.retry_certification(current_actor(), certification_id)
    return go_on(url_for(".show", certification_id=certification_id))


@bp.get("/certifications/<uuid:certification_id>/versions")
def versions(certification_id):
    """Every version of the output."""
    actor = current_actor()
    certification = queries.get_certification(actor, certification_id)
    rows = queries.list_versions(actor, certification)
    return show(
        "certifications/versions.html",
        "certifications/_versions.html",
        certification=certification,
        versions=rows,
    )


@bp.get("/certifications/<uuid:certification_id>/audit")
def audit(certification_id):
    """The chain of custody, newest first."""
    actor = current_actor()
    given = read_parameters("cursor", "limit")
    commands.note_custody_reading(actor, certification_id)
    certification = queries.get_certification(actor, certification_id)
    page = certification_events(actor, certification_id, read_paging(given), newest_first=True)
    events = [told_of_certification(row, certification.revocation_reason) for row in page.rows]
    context = {"certification": certification, "events": events, "page": page_context(page)}
    return show("certifications/audit.html", "certifications/_audit.html", **context)


def _form(actor, task_id, parent, values, *, errors=None, status=200):
    page = show(
        "certifications/new.html",
        "certifications/_form.html",
        status=status,
        task=get_task(actor, task_id),
        policies=choices_called(active_policies(actor)),
        parent=parent,
        values=values,
        errors=errors or {},
    )
    page.headers["Cache-Control"] = "no-store"
    return page
