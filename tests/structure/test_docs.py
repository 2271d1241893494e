"""What the documents say of the product is true."""

from __future__ import annotations

import re

from flask import Flask

from app.core.errors import DomainError
from tests.stage import ROOT

BASE = "/api/v1"
OF_FORMS = {"CSRF_FAILED"}  # the API takes no cookie
SPAN = re.compile("`([A-Z]+(?:, [A-Z]+)*) (/[^` ]*)`")


def test_the_document_of_the_api_lists_every_route_and_no_other(web_app: Flask):
    table = (ROOT / "docs/api.md").read_text().split("## Resources")[1].split("\n## ")[0]
    told = {
        (method, re.sub(r"\{[^}]*\}", "{}", path))
        for row in table.splitlines()
        if row.startswith("| `")
        for methods, path in SPAN.findall(row.split(" | ")[0])
        for method in methods.split(", ")
    }
    there = {
        (method, re.sub("<[^>]*>", "{}", rule.rule).removeprefix(BASE))
        for rule in web_app.url_map.iter_rules()
        if rule.rule.startswith(f"{BASE}/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {"missing": there - told, "not there": told - there} == {"missing": set(), "not there": set()}


def test_the_document_of_the_api_tells_every_code_of_an_error(web_app: Flask):
    told = set(re.findall("`([A-Z][A-Z_]+)`", (ROOT / "docs/api.md").read_text()))
    there = {each.code for each in _below(DomainError)}
    assert there - told == OF_FORMS


def _below(kind: type[DomainError]) -> set[type[DomainError]]:
    found = set(kind.__subclasses__())
    return found.union(*map(_below, found))
