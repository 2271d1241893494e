"""The pages, one noun a file, and the JSON API beside them.

A view reads the request, calls one thing, shows the result.
"""

from flask import Flask

from app.blueprints import (
    access_explanation,
    access_grants,
    access_roles,
    account,
    api_keys,
    api_origins,
    audit_events,
    audit_exports,
    certifications,
    csp_reports,
    health,
    home,
    installed_app,
    invitations,
    mails,
    organisations,
    page_speed,
    passkeys,
    password_resets,
    policies,
    profiles,
    programs,
    sessions,
    shared_texts,
    sign_ups,
    styleguide,
    task_comments,
    tasks,
    trash,
    user_groups,
    users,
    workspaces,
)
from app.blueprints.api import api


def init_app(app: Flask) -> None:
    """Put every noun at its address."""
    app.register_blueprint(health.bp)
    app.register_blueprint(installed_app.bp)
    app.register_blueprint(sessions.bp)
    app.register_blueprint(mails.bp)
    app.register_blueprint(invitations.bp)
    app.register_blueprint(sign_ups.bp)
    app.register_blueprint(password_resets.bp)
    app.register_blueprint(account.bp)
    app.register_blueprint(profiles.bp)
    app.register_blueprint(passkeys.bp)
    app.register_blueprint(csp_reports.bp)
    app.register_blueprint(api)
    if app.config["SETTINGS"].styleguide:  # closed unless it is opened: elsewhere the address does not exist
        app.register_blueprint(styleguide.bp)
    for noun in (
        organisations,
        access_roles,
        access_explanation,
        api_keys,
        api_origins,
        home,
        programs,
        tasks,
        task_comments,
        shared_texts,
        trash,
        certifications,
        policies,
        audit_events,
        user_groups,
        users,
        access_grants,
        audit_exports,
        page_speed,
        workspaces,
    ):
        app.register_blueprint(noun.bp, url_prefix="/o/<slug>")
