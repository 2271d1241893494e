"""The statement is read in each version's own shape, and in no mixture of them."""

import copy
import json

import pytest

from runcible.canonical import canonical_json
from runcible.certification.statement import FIRST_PREDICATE_TYPE, Issuer, Statement
from runcible.errors import BundleInvalid

TENANT = "01939f5e-7b1a-7000-8000-000000000002"


@pytest.fixture
def second(certified):
    return json.loads(certified.envelope.payload)


@pytest.fixture
def first(second):
    """The same, as it was said before issuers and requesters were named."""
    document = copy.deepcopy(second)
    del document["predicate"]["issuer"], document["predicate"]["requested_by"]
    document["predicate"]["tenant_id"] = TENANT
    return document | {"predicateType": FIRST_PREDICATE_TYPE}


def read(document):
    return Statement.read(canonical_json(document))


def test_it_names_the_issuer_and_who_asked(second):
    statement = read(second)
    assert statement.issuer == Issuer(TENANT, "Acme Ltd", "acme")
    assert statement.requested_by == "user:7"


def test_the_first_version_is_still_read(first):
    assert read(first).issuer == Issuer(TENANT)
    assert read(first).requested_by is None


def test_what_nobody_asked_for_was_asked_for_by_the_system(second):
    second["predicate"]["requested_by"] = "system"
    assert read(second).requested_by == "system"


@pytest.mark.parametrize("name", ["issuer", "requested_by", "tenant_id"])
def test_each_version_has_its_own_members_and_no_others(first, second, name):
    given = {**first["predicate"], **second["predicate"]}
    wrong = second if name == "tenant_id" else first
    wrong["predicate"][name] = given[name]
    with pytest.raises(BundleInvalid):
        read(wrong)


@pytest.mark.parametrize("name", ["issuer", "requested_by"])
def test_the_second_version_lacks_nothing(second, name):
    del second["predicate"][name]
    with pytest.raises(BundleInvalid):
        read(second)


@pytest.mark.parametrize(
    "issuer",
    [
        None,
        "acme",
        {},
        {"id": TENANT, "name": "Acme Ltd"},
        {"id": TENANT, "name": "Acme Ltd", "slug": "acme", "url": "x"},
        {"id": TENANT, "name": "", "slug": "acme"},
        {"id": TENANT, "name": None, "slug": "acme"},
        {"id": 7, "name": "Acme Ltd", "slug": "acme"},
    ],
    ids=str,
)
def test_an_issuer_of_another_shape_is_refused(second, issuer):
    second["predicate"]["issuer"] = issuer
    with pytest.raises(BundleInvalid):
        read(second)


@pytest.mark.parametrize(
    "requester",
    [None, 7, "", "7", "user:", "user:0", "user:07", "user:x", "user:7 ", "user:-1", "user:\u0667", "Alice", "SYSTEM"],
    ids=ascii,
)
def test_nobody_is_named_but_by_a_number(second, requester):
    second["predicate"]["requested_by"] = requester
    with pytest.raises(BundleInvalid):
        read(second)
