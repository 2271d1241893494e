"""Every form of a page either asks again who one is before it acts, or says here why it need not."""

from __future__ import annotations

from flask import Flask

from app.web.dangerous_acts import gives_power, group_brings_power, person_has_power, takes_power

ALWAYS = {
    "account.start_app",
    "account.confirm_app",
    "account.remove_app",
    "account.make_codes",
    "passkeys.add",
    "passkeys.ask_for_new",
    "passkeys.create",
    "passkeys.delete",
    "api_keys.create",
    "api_keys.rotate",
    "api_origins.update",
    "access_roles.update",
    "access_roles.delete",
    "audit_exports.create",
    "organisations.close",
}
WHERE = {
    "access_grants.give_in_program": gives_power,
    "access_grants.give_on_task": gives_power,
    "access_grants.give_to_person": gives_power,
    "access_grants.give_to_group": gives_power,
    "users.create_invitation": gives_power,
    "access_grants.take_in_program": takes_power,
    "access_grants.take_on_task": takes_power,
    "access_grants.take_from_person": takes_power,
    "access_grants.take_from_group": takes_power,
    "user_groups.add_member": group_brings_power,
    "user_groups.remove_member": group_brings_power,
    "user_groups.delete": group_brings_power,
    "users.deactivate": person_has_power,
    "users.reactivate": person_has_power,
}
WORK = "everyday work, which its history or the trash takes back"
BRAKE = "it only ends something at once: what one reaches for in an emergency is never held up"
KEPT = "what is certified is kept for good anyway, and each step is in its custody"
NEWCOMER = "whoever sends it is not signed in yet, or is just about to be somebody else"
LAYOUT = "which pages stand beside each other: it opens none of them to anybody"
HARMLESS = {
    "account.update_password": "the form itself asks for the old password",
    "account.end_session": BRAKE,
    "account.end_other_sessions": BRAKE,
    "profiles.update": "how one is called, and has times written",
    "profiles.change_picture": "how one looks to others",
    "profiles.remove_picture": BRAKE,
    "users.update": "how somebody is called; it opens nothing",
    "api_keys.revoke": BRAKE,
    "users.withdraw_invitation": BRAKE,
    "users.resend_invitation": "it goes to the address, and with the role, that were confirmed when it was made",
    "access_roles.create": "a new role gives nobody anything until it is given",
    "user_groups.create": "a new group brings nobody anything",
    "user_groups.update": "its name and description",
    "workspaces.create": LAYOUT,
    "workspaces.update": LAYOUT,
    "workspaces.arrange": LAYOUT,
    "workspaces.choose_default": LAYOUT,
    "workspaces.clear_default": LAYOUT,
    "workspaces.delete": LAYOUT,
    "organisations.update": "how the organisation is called and counts its days",
    "organisations.keep": "it takes a closing back",
    "programs.create": WORK,
    "programs.update": WORK,
    "programs.delete": WORK,
    "programs.restore": WORK,
    "tasks.create": WORK,
    "tasks.update": WORK,
    "shared_texts.save_task": WORK,
    "shared_texts.save_program": WORK,
    "tasks.move": WORK,
    "tasks.place": WORK,
    "tasks.assign": WORK,
    "tasks.unassign": WORK,
    "tasks.delete": WORK,
    "tasks.restore": WORK,
    "comments.create": WORK,
    "certifications.create": KEPT,
    "certifications.retry": KEPT,
    "certifications.verify": KEPT,
    "certifications.revoke": BRAKE,
    "passkeys.update": "what it is called",
    "passkeys.ask_to_confirm": "it is how one is asked again",
    "passkeys.ask_to_sign_in": NEWCOMER,
    "passkeys.sign_in": NEWCOMER,
    "passkeys.ask_for_second_step": NEWCOMER,
    "passkeys.take_second_step": NEWCOMER,
    "sessions.create": NEWCOMER,
    "sessions.take_second_step": NEWCOMER,
    "sessions.delete": BRAKE,
    "sign_ups.create": NEWCOMER,
    "sign_ups.confirm": NEWCOMER,
    "password_resets.create": NEWCOMER,
    "password_resets.update": "the secret out of the mail is the proof, and nobody is signed in by it",
    "invitations.accept": NEWCOMER,
    "csp_reports.create": "browsers send it, and nothing is changed by it",
    "page_speed.create": "pages send it, and it counts how quick they were",
}


def forms(app: Flask) -> dict[str, object]:
    """The views of pages that change something, by name. Programs call with keys, which cannot be asked anything."""
    return {
        rule.endpoint: app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.rule.startswith("/api/")
    }


def test_every_form_is_known_as_dangerous_or_as_harmless(web_app: Flask):
    sides = [set(ALWAYS), set(WHERE), set(HARMLESS)]
    assert set(forms(web_app)) == set().union(*sides)
    assert sum(map(len, sides)) == len(set().union(*sides))


def test_dangerous_forms_ask_again_who_one_is(web_app: Flask):
    guarded = {
        name: view.needs_fresh_sign_in for name, view in forms(web_app).items() if hasattr(view, "needs_fresh_sign_in")
    }
    assert {name for name, is_dangerous in guarded.items() if is_dangerous not in WHERE.values()} == ALWAYS
    assert {name: is_dangerous for name, is_dangerous in guarded.items() if name not in ALWAYS} == WHERE
