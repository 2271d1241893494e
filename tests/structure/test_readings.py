"""Every page and every answer either is noted when somebody reads it, or says here why it need not be (R-41)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from app.commands.audit_events import SENSITIVE
from app.core import clock
from app.core.audit import READINGS
from app.core.database import fresh_session
from app.web.sentences import _OF_THE_TRAIL
from tests.security.world import ACCESS, World
from tests.structure.sources import for_each
from tests.trail import as_auditor

NOTED = {
    "GET /o/<slug>/audit": "audit_trail.viewed",
    "GET /o/<slug>/audit/<uuid:event_id>": "audit_trail.viewed",
    "GET /api/v1/audit": "audit_trail.viewed",
    "GET /api/v1/audit/<uuid:event_id>": "audit_trail.viewed",
    "GET /o/<slug>/audit/exports/<uuid:export_id>/content": "audit_export.downloaded",
    "GET /api/v1/audit/exports/<uuid:export_id>/content": "audit_export.downloaded",
    "GET /o/<slug>/api-keys": "api_keys.viewed",
    "GET /api/v1/auth/keys": "api_keys.viewed",
    "GET /o/<slug>/people": "people.viewed",
    "GET /o/<slug>/people/<int(max=9007199254740991):user_id>": "people.viewed",
    "GET /api/v1/users": "people.viewed",
    "GET /api/v1/users/<int(max=9007199254740991):user_id>": "people.viewed",
    "GET /o/<slug>/certifications/<uuid:certification_id>": "certification.viewed",
    "GET /api/v1/certifications/<uuid:certification_id>": "certification.viewed",
    "GET /o/<slug>/certifications/<uuid:certification_id>/bundle": "certification.downloaded",
    "GET /api/v1/certifications/<uuid:certification_id>/bundle": "certification.downloaded",
    "GET /o/<slug>/certifications/<uuid:certification_id>/audit": "certification.custody_viewed",
    "GET /api/v1/certifications/<uuid:certification_id>/audit": "certification.custody_viewed",
}
WORK = "everyday work of those who may see it, who would read nothing else in the trail"
OWN = "one's own"
RULES = "what everybody goes by, with no word about anybody"
AFTER = "a form of what the page before it has shown, which was noted"
NAMES = "names of those one works with, as each of their tasks shows them"
NOTHING_YET = "nobody is known yet, and nothing is shown"
UNNOTED = {
    r"/|/organisations|/healthz|/readyz|/app.webmanifest|/sw.js|/offline": NOTHING_YET,
    r"/sign-in.*|/sign-up.*|/password-reset.*|/new-password": NOTHING_YET,
    r"/invitations/<secret>": "the invitation of whoever holds the link",
    r"/styleguide": "of nobody and nothing",
    r"/mail.*": "of a developer's machine alone",
    r"/account.*|/api/v1/auth|/api/v1/auth/sessions|/api/v1/users/me": OWN,
    r"/(o/<slug>|api/v1)/audit/exports(/<uuid:export_id>)?": OWN,
    r"/api/v1/audit/head": "a hash",
    r"/(o/<slug>|api/v1)/page-speed": "how long things took, of nobody in particular",
    r"/o/<slug>/audit/news": "a number",
    r"/o/<slug>/|/o/<slug>/trash": WORK,
    r"/(o/<slug>|api/v1)/workspaces(/.*)?": "addresses of pages, of which each notes that it was read",
    r"/o/<slug>/w": "each panel of it notes what it shows, as the page that it is",
    r"/(o/<slug>|api/v1)/(tasks|programs)(/<uuid:\w+>)?": WORK,
    r"/(o/<slug>|api/v1)/(tasks|programs)/(new|<uuid:\w+>/(history|comments|edit|description|delete|board|card))": WORK,
    r"/o/<slug>/tasks/<uuid:task_id>/row": WORK,
    r"/o/<slug>/tasks/<uuid:task_id>/certifications/new": "noted where it shows the content of an earlier version",
    r"/(o/<slug>|api/v1)/certifications": "numbers and verdicts, without content",
    r"/(o/<slug>|api/v1)/certifications/<uuid:\w+>/versions": "numbers and verdicts, without content",
    r"/o/<slug>/certifications/<uuid:\w+>/revoke": AFTER,
    r"/o/<slug>/api-keys/(new|<uuid:key_id>/(revoke|rotate))": AFTER,
    r"/o/<slug>/people/(invite|<.*>/(edit|deactivate|picture/<uuid:avatar_id>))": AFTER,
    r"/(o/<slug>|api/v1)/(policies|roles|access-roles)(/<uuid:\w+>(/edit|/delete)?|/new)?": RULES,
    r"/api/v1/(access-permissions|trust-root|organisation)|/o/<slug>/(settings(/close)?|api-origins)": RULES,
    r"/(o/<slug>|api/v1)/(groups|user-groups)(/<uuid:\w+>(/edit|/delete|/members)?|/new)?": NAMES,
    r"/api/v1/access-grants|/o/<slug>/(tasks|programs)/<uuid:\w+>/(access|assignment)": NAMES,
    r"/o/<slug>/access|/api/v1/access/explanation": NAMES,
}
READ = [name for name in ACCESS if name.startswith("GET ")]


def test_every_reading_that_is_noted_is_told_in_words_and_made_somewhere():
    assert set(NOTED.values()) == set(READINGS)
    assert {f"{what}.viewed" for what in SENSITIVE} <= set(READINGS)
    assert set(READINGS) - set(_OF_THE_TRAIL) <= {"audit_export.downloaded"}, "the trail has no sentence for it"


@for_each(name=READ)
def test_what_can_be_read_is_noted_or_says_why_not(name):
    reasons = [reason for pattern, reason in UNNOTED.items() if re.fullmatch(pattern, name.removeprefix("GET "))]
    assert (name in NOTED) + len(reasons) == 1, f"{name}: noted, or why not? {reasons}"


@pytest.mark.parametrize("name", NOTED)
def test_reading_what_is_sensitive_is_noted(world: World, name):
    alice = world.people["alice"]

    def readings():
        return len(
            as_auditor(
                "SELECT 1 FROM audit.audit_events WHERE application_instance_id = %s AND event_type = %s"
                " AND action = 'read' AND actor_user_id = %s",
                world.acme.id, NOTED[name], alice.user_id,
            )
        )  # fmt: skip

    with world.app.app_context(), fresh_session():
        before = readings()
        with clock.stopped(clock.now() + timedelta(minutes=20)):  # whatever was read before in this world
            assert world.send(world.route(name), "alice", world.things).status_code == 200
        assert readings() == before + 1
