"""Suspending an organisation, and letting it go on."""

from __future__ import annotations

from app.commands.tenants import resume_tenant, suspend_tenant
from tests.cast import system
from tests.trail import as_auditor


def test_pages_say_calmly_what_is_the_matter(form, alice):
    suspend_tenant(system(alice.organisation))
    page = form(alice).get("/tasks")
    assert page.status_code == 403
    assert "This organisation is suspended" in page.text
    assert "TENANT_SUSPENDED" in page.text


def test_the_api_says_it_by_its_code(api, alice):
    suspend_tenant(system(alice.organisation))
    answer = api(alice).create_program(key="OPS", name="Operations")
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "TENANT_SUSPENDED")
    resume_tenant(system(alice.organisation))
    assert api(alice).get("/programs").json["data"] == []


def test_other_organisations_are_not_touched(form, alice, mallory):
    suspend_tenant(system(alice.organisation))
    assert form(mallory).get("/tasks").status_code == 200


def test_it_is_written_down_once(alice):
    for step in (suspend_tenant, suspend_tenant, resume_tenant, resume_tenant):
        step(system(alice.organisation))
    events = as_auditor(
        "SELECT event_type FROM audit.audit_events WHERE application_instance_id = %s ORDER BY id DESC LIMIT 2",
        alice.organisation.id,
    )
    assert [event.event_type for event in events] == ["application_instance.resumed", "application_instance.suspended"]


def test_an_operator_does_it_on_the_command_line(web_app, form, alice):
    slug = alice.organisation.slug
    told = web_app.test_cli_runner().invoke(args=["tenant", "suspend", slug])
    assert (told.exit_code, "Acme is suspended" in told.output) == (0, True)
    assert form(alice).get("/tasks").status_code == 403
    assert web_app.test_cli_runner().invoke(args=["tenant", "resume", slug]).exit_code == 0
    assert form(alice).get("/tasks").status_code == 200
    assert "no organisation called" in web_app.test_cli_runner().invoke(args=["tenant", "suspend", "nowhere"]).output
