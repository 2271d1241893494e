"""Every address needs somebody who is signed in, unless it stands here."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing.converters import NumberConverter

# Who may see these without saying who they are, and why.
PUBLIC = {
    "sessions.root": "the way in",
    "sessions.new": "the sign-in page",
    "sessions.create": "signing in",
    "sessions.choose": "where one belongs; whoever is signed out is sent to sign in",
    "sessions.second_step": "the second of two steps of signing in",
    "sessions.take_second_step": "the second of two steps of signing in",
    "passkeys.ask_to_sign_in": "signing in with a passkey",
    "passkeys.sign_in": "signing in with a passkey",
    "passkeys.ask_for_second_step": "the second of two steps of signing in",
    "passkeys.take_second_step": "the second of two steps of signing in",
    "sessions.delete": "signing out must always work",
    "mails.index": "mails on a developer's own machine; nowhere else is there anything",
    "mails.show": "one of them",
    "styleguide.index": "the component library of developers and tests; it shows nothing of anybody",
    "invitations.show": "whoever was invited may have no account yet; the token is the permission",
    "invitations.accept": "the same",
    "sign_ups.new": "whoever signs up is nobody yet",
    "sign_ups.create": "the same",
    "sign_ups.show": "the token in the mail is the permission",
    "sign_ups.confirm": "the same",
    "password_resets.new": "who has forgotten their password cannot say who they are",
    "password_resets.create": "the same",
    "password_resets.take": "the token in the mail is the permission",
    "password_resets.edit": "the same, kept in a cookie by now",
    "password_resets.update": "the same",
    "csp_reports.create": "browsers report without saying who sits before them",
    "installed_app.manifest": "the same for everybody, and asked for by browsers of their own accord",
    "installed_app.service_worker": "the same",
    "installed_app.offline": "the same",
    "health.healthz": "asked by whatever watches the process",
    "health.readyz": "asked by whatever watches the process",
    "api.get_trust_root": "public keys, for everybody who wants to check a certificate",
}
PERSONAL = "/account"
NEEDS_NOTHING = {name for name in PUBLIC if name.startswith(("health.", "installed_app."))}


def test_only_these_addresses_are_public(web_app: Flask):
    found = {name for name, view in web_app.view_functions.items() if getattr(view, "is_public", False)}
    assert found == set(PUBLIC)


def test_only_pages_of_ones_own_account_need_a_person_and_no_organisation(web_app: Flask):
    found = {name for name, view in web_app.view_functions.items() if getattr(view, "is_personal", False)}
    assert found
    assert found == {rule.endpoint for rule in web_app.url_map.iter_rules() if rule.rule.startswith(PERSONAL)}


def test_only_probes_and_what_installs_the_app_are_answered_without_looking_at_host_or_session(web_app: Flask):
    found = {name for name, view in web_app.view_functions.items() if getattr(view, "needs_nothing", False)}
    assert found == NEEDS_NOTHING


def test_pages_of_an_organisation_lie_under_its_name(web_app: Flask):
    """The organisation is part of the address, so that it can be checked before any view is called."""
    places = ("/o/<slug>/", "/api/v1/", PERSONAL)
    outside = {rule.endpoint for rule in web_app.url_map.iter_rules() if not rule.rule.startswith(places)}
    assert outside == PUBLIC.keys() - {"api.get_trust_root"}


def test_no_address_holds_a_number_or_text_that_could_be_guessed(web_app: Flask):
    """Things are named by UUIDs; people by the number that the seed gives them, always within an organisation."""
    kinds = {
        (argument, type(converter).__name__)
        for rule in web_app.url_map.iter_rules()
        for argument, converter in rule._converters.items()
    }
    assert {kind for kind in kinds if kind[1] != "UUIDConverter"} <= {
        ("slug", "UnicodeConverter"),
        ("secret", "UnicodeConverter"),  # 256 random bits
        ("user_id", "IntegerConverter"),
    }


def test_every_number_in_an_address_has_a_most(web_app: Flask):
    """PostgreSQL takes no number beyond 64 bits, and JSON none beyond 53: such an address is nobody's, not an error."""
    numbers = [
        (rule.rule, converter.max)
        for rule in web_app.url_map.iter_rules()
        for converter in rule._converters.values()
        if isinstance(converter, NumberConverter)
    ]
    assert numbers
    assert [rule for rule, most in numbers if most != 2**53 - 1] == []


def test_nothing_is_debugged_in_public(web_app: Flask):
    assert not web_app.debug
    assert not web_app.testing
    assert not web_app.config["PROPAGATE_EXCEPTIONS"]
    assert not web_app.config["TRAP_HTTP_EXCEPTIONS"]
