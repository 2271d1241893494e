"""An authority of one's own over HTTP: the good one is believed, and of the bad ones nothing is ever kept."""

from __future__ import annotations

import pytest

from runcible.certification.keys import open_ring
from tests import stage
from tests.processes.authority import MANNERS, Authority
from tests.processes.customers import assert_each_decided_once, soon_decided
from tests.processes.stack import soon

BAD = sorted(set(MANNERS) - {"honest"}, key=lambda manner: manner != "drips")  # who drips holds up all that comes after
ATTEMPTS = "SELECT subject_id, attempts, last_error FROM outbox WHERE subject_id = %s AND job = 'certifications.sign'"
REFUSALS = ("TimestampUnavailable", "TimestampInvalid")
STANDING = """
    SELECT certification_status AS status, timestamp_token AS token, decided_at FROM runcible.certifications
    WHERE id = %s"""


@pytest.fixture
def authority():
    """An authority that the trust root knows."""
    home = stage.home_of_run()
    authority = Authority(open_ring(home / "signing-keys", stage.PASSPHRASE).tsa)
    authority.behave("honest")
    yield authority
    authority.close()


@pytest.fixture
def stamped_elsewhere(stack, authority):
    """The stack with a signer that asks this authority."""
    stack.kill("signer")
    stack.start("signer", TSA_URL=authority.url)
    yield stack
    stack.kill("signer")


def test_a_good_authority_is_believed_and_a_bad_one_is_waited_out(stamped_elsewhere, product, customer, authority):
    asker, acknowledged = customer(), {}
    acknowledged["honest"] = asker.certify(key="honest")
    soon_decided(asker, 1)
    assert authority.asked["honest"] >= 1
    for manner in BAD:
        authority.behave(manner)
        acknowledged[manner] = asker.certify(key=manner)
        assert tried(stamped_elsewhere, acknowledged[manner]).last_error in REFUSALS, manner
        (row,) = stamped_elsewhere.rows(STANDING, acknowledged[manner])
        assert (row.status, row.token, row.decided_at) == ("validating", None, None), manner
    authority.behave("honest")
    soon_decided(asker, len(acknowledged))
    assert_each_decided_once(product, asker, acknowledged)


def tried(stack, certification_id):
    """The outbox row of the signing, once a try has failed."""
    return soon(
        lambda: next((row for row in stack.rows(ATTEMPTS, certification_id) if row.attempts), None), "it has been tried"
    )
