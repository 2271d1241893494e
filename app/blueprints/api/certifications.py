"""Certifications in JSON."""

from flask import url_for

from app.blueprints.api import api
from app.commands import certifications as commands
from app.core import clock
from app.core.idempotency import once
from app.core.transaction import answering
from app.models.certifications import Certification
from app.queries import certifications as queries
from app.queries.certification_proofs import bundle_of, verification_of
from app.queries.history import certification_events
from app.schemas.certifications import (
    CertificationOut,
    CertificationSummary,
    CustodyOut,
    NewCertification,
    Revocation,
    VersionOut,
)
from app.web.actors import current_actor
from app.web.bundles import bundle_response
from app.web.fieldsets import with_fields
from app.web.listing import one_page, whole_list
from app.web.parsing import (
    choice_parameter,
    idempotent_request,
    if_match,
    read_json,
    read_nothing,
    read_paging,
    read_parameters,
    uuid_parameter,
)
from app.web.resources import one_resource
from app.web.responses import data


@api.get("/certifications")
def list_certifications():
    """A page of certifications, without their content."""
    given = read_parameters("status", "task_id", "cursor", "limit", "fields")
    filters = queries.CertificationFilters(
        status=choice_parameter(given, "status", queries.STATUSES), task_id=uuid_parameter(given, "task_id")
    )
    page = queries.list_certifications(current_actor(), filters, read_paging(given))
    rows = with_fields(given, CertificationSummary, [_listed(row) for row in page.rows])
    return one_page(page, rows, given)


@api.post("/certifications")
def create_certification():
    """Ask for an output to be certified. The verdict follows within moments, at the address in `Location`."""
    actor, new = current_actor(), read_json(NewCertification)
    with answering(actor):
        made = once(actor, idempotent_request(), Certification, lambda: commands.request_certification(actor, new))
        address = url_for(".get_certification", certification_id=made.id)
        return _one(actor, made.id, status=201, location=address)


@api.get("/certifications/<uuid:certification_id>")
def get_certification(certification_id):
    """One certification with its content and its evaluation."""
    given = read_parameters("fields")
    actor = current_actor()
    commands.note_reading(actor, certification_id)
    return _one(actor, certification_id, given=given)


@api.post("/certifications/<uuid:certification_id>/verify")
def verify_certification(certification_id):
    """Check signatures, time and content again, now."""
    read_nothing()
    report = verification_of(queries.get_certification(current_actor(), certification_id))
    checks = [
        {"name": check.name, "outcome": check.verdict, "required": check.required, "detail": check.reason}
        for check in report.checks
    ]
    said = report.document
    named = {"issuer": said["issuer"], "requested_by": said["requested_by"]}
    return data({"valid": report.ok, "authentic": report.authentic, **named, "checks": checks})


@api.get("/certifications/<uuid:certification_id>/versions")
def list_versions(certification_id):
    """Every version of the output."""
    actor = current_actor()
    read_parameters()
    certification = queries.get_certification(actor, certification_id)
    rows = queries.list_versions(actor, certification)
    return whole_list([VersionOut.of(row) for row in rows])


@api.post("/certifications/<uuid:certification_id>/revoke")
def revoke_certification(certification_id):
    """Take a certificate back."""
    actor = current_actor()
    commands.revoke_certification(actor, certification_id, read_json(Revocation), version=if_match())
    return _one(actor, certification_id)


@api.post("/certifications/<uuid:certification_id>/retry")
def retry_certification(certification_id):
    """Try again to complete a certification that failed for a technical reason."""
    read_nothing()
    actor = current_actor()
    commands.retry_certification(actor, certification_id, version=if_match())
    return _one(actor, certification_id)


@api.get("/certifications/<uuid:certification_id>/audit")
def certification_audit(certification_id):
    """A page of the chain of custody, from its beginning."""
    actor = current_actor()
    given = read_parameters("cursor", "limit")
    commands.note_custody_reading(actor, certification_id)
    page = certification_events(actor, certification_id, read_paging(given))
    return one_page(page, [CustodyOut.of(row) for row in page.rows], given)


@api.get("/certifications/<uuid:certification_id>/bundle")
def get_bundle(certification_id):
    """The bundle file, which a stranger can check."""
    actor = current_actor()
    certification = queries.get_certification(actor, certification_id)
    content = bundle_of(certification)
    commands.note_reading(actor, certification_id, "downloaded")
    return bundle_response(certification, content)


def _one(actor, certification_id, **told):
    certification = queries.get_certification(actor, certification_id)
    statement = queries.statement_of(certification)
    computed = {
        "output_content": queries.content_of(actor, certification),
        "certification_status": certification.status_at(clock.now()),
        "evaluation": statement.evaluation.document if statement else None,
    }
    columns = {name: getattr(certification, name) for name in CertificationOut.model_fields if name not in computed}
    response = one_resource(CertificationOut.model_validate(columns | computed), **told)
    response.headers["Cache-Control"] = "no-store"
    return response


def _listed(row):
    return CertificationSummary.model_validate({name: row._mapping[name] for name in CertificationSummary.model_fields})
