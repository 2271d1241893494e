"""A certificate on paper: what it states, and nothing of the product around it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.windows import verdict
from tests.factories import HONEST


@pytest.fixture
def paper(visit, scene):
    """The page of a certificate, as it is printed."""
    page = visit(scene.alice).go(f"/certifications/{scene.certifications['certified']}")
    page.emulate_media(media="print")
    return page


def test_a_printed_certificate_has_text_verdict_and_proof(paper):
    expect(paper.get_by_text("Certificate of an output")).to_be_visible()
    expect(paper.get_by_text("Acme states that the text below")).to_be_visible()
    expect(paper.get_by_role("region", name="Output")).to_contain_text(HONEST)
    expect(verdict(paper).get_by_role("heading", name="Certified")).to_be_visible()
    number = paper.locator(".on-paper .certificate__number")
    expect(number).to_be_visible()
    expect(number).to_have_text(paper.title().split(" ")[0])
    for told in ("SHA-256 of the output", "RSA-SHA256, by the key", "RFC 3161 token"):
        expect(paper.get_by_text(told)).to_be_visible()
    digest = paper.locator(".proof .digest").first
    assert digest.evaluate("e => e.scrollWidth <= e.clientWidth"), "The hash is cut off at the margin."


def test_nothing_of_the_product_is_printed(paper):
    expect(paper.get_by_role("navigation")).to_have_count(0)
    expect(paper.get_by_role("banner")).to_have_count(0)
    expect(paper.get_by_role("button")).to_have_count(0)
    for word in ("Download bundle", "Sign out", "Skip to the content", "Verify now"):
        expect(paper.get_by_text(word)).to_be_hidden()


def test_a_revoked_certificate_says_on_paper_who_took_it_back_and_why(visit, scene):
    page = visit(scene.alice).go(f"/certifications/{scene.certifications['revoked']}")
    reason = verdict(page).get_by_role("heading", name="Why it was revoked").locator("+ p").inner_text()
    page.emulate_media(media="print")
    head = page.locator(".on-paper").first
    expect(head).to_contain_text("Revoked certificate of an output")
    expect(head).to_contain_text("Alice revoked it on")
    expect(head).to_contain_text(f"The reason given: {reason}")


def test_a_rejected_output_is_not_printed_as_a_certificate(visit, scene):
    page = visit(scene.alice).go(f"/certifications/{scene.certifications['rejected']}")
    page.emulate_media(media="print")
    expect(page.get_by_text("Record of an output")).to_be_visible()
    expect(page.get_by_text("Certificate of an output")).to_have_count(0)
    expect(page.locator("mark", has_text="guaranteed").first).to_be_visible()
