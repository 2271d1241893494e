"""What ships in English as data has words in other languages: policies, and why a check came to what it did."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from app.web import check_reasons, shipped_policies
from runcible.certification import record_checks, signature_checks
from runcible.governance import packs
from tests.structure.sources import ROOT, tree

KNOWN = [*check_reasons.PLAIN, *(re.sub(r"%\(\w+\)s", "X", text) for text in check_reasons.FILLED_IN)]


def test_every_shipped_policy_has_them():
    told = set()
    for pack in map(packs.read, packs.names()):
        told |= {pack["title"], pack["description"]}
        told |= {rule[name] for rule in pack["policy_rules"]["rules"] for name in ("title", "message", "remedy")}
    assert told == set(shipped_policies.WORDS)


@pytest.mark.parametrize("module", [record_checks, signature_checks], ids=lambda module: module.__name__)
def test_every_reason_of_a_check_has_them(module):
    """Those with something filled in too."""
    reasons = list(reasons_in(tree(ROOT / f"{module.__name__.replace('.', '/')}.py")))
    assert len(reasons) > 10
    assert [text for text in reasons if not any(re.fullmatch(text, known) for known in KNOWN)] == []


def reasons_in(source: ast.AST) -> Iterator[str]:
    """Each sentence that is passed or raised, as a pattern: what is filled in may be anything."""
    said = [node for node in ast.walk(source) if isinstance(node, ast.Call) and node.args]
    for call in said:
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name == "passed" or name[:1].isupper():
            yield from map(pattern_of, sentences(call.args[0]))


def sentences(node: ast.AST) -> Iterator[ast.expr]:
    """The text of an argument, or both where it chooses one. A method of a text changes its letters at most."""
    if isinstance(node, ast.IfExp):
        yield from (*sentences(node.body), *sentences(node.orelse))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield from sentences(node.func.value)
    elif isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        yield node


def pattern_of(text: ast.expr) -> str:
    parts = text.values if isinstance(text, ast.JoinedStr) else [text]
    return "".join(re.escape(part.value) if isinstance(part, ast.Constant) else ".*" for part in parts)
