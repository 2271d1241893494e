"""Governance policies, to read."""

from flask import Blueprint

from app.queries.governance_policies import active_policies, get_policy
from app.web.actors import current_actor
from app.web.responses import show

bp = Blueprint("policies", __name__)


@bp.get("/policies")
def index():
    """The policies that outputs can be certified under."""
    return show("policies/index.html", "policies/_list.html", policies=active_policies(current_actor()))


@bp.get("/policies/<uuid:policy_id>", endpoint="show")
def show_policy(policy_id):
    """One policy and its rules."""
    policy = get_policy(current_actor(), policy_id)
    return show("policies/show.html", "policies/_policy.html", policy=policy, rules=policy.policy_rules["rules"])
