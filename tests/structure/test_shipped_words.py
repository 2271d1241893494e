"""What ships in English as data has words in other languages: policies, and why a check came to what it did."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from types import ModuleType

import pytest

from app.web import check_reasons, shipped_policies
from runcible.certification import record_checks, signature_checks
from runcible.governance import expressions, packs, policy_engine
from runcible.governance.validators import json_schema
from tests.structure.sources import ROOT, tree


def known(plain: tuple[str, ...], filled_in: tuple[str, ...]) -> list[str]:
    return [*plain, *(re.sub(r"%\(\w+\)s", "X", text) for text in filled_in)]


OF_CHECKS = known(check_reasons.PLAIN, check_reasons.FILLED_IN)
OF_RULES = known(check_reasons.OF_RULES, check_reasons.OF_RULES_FILLED_IN)


def test_every_shipped_policy_has_them():
    told = set()
    for pack in map(packs.read, packs.names()):
        told |= {pack["title"], pack["description"]}
        told |= {rule[name] for rule in pack["policy_rules"]["rules"] for name in ("title", "message", "remedy")}
    assert told == set(shipped_policies.WORDS)


@pytest.mark.parametrize("module", [record_checks, signature_checks], ids=lambda module: module.__name__)
def test_every_reason_of_a_check_has_them(module):
    """Those with something filled in too."""
    reasons = list(reasons_in(tree_of(module)))
    assert len(reasons) > 10
    assert [text for text in reasons if not any(re.fullmatch(text, known) for known in OF_CHECKS)] == []


def test_every_reason_for_which_a_rule_is_undecidable_has_them():
    reasons = [reason for module in (policy_engine, expressions, json_schema) for reason in undecided(tree_of(module))]
    assert len(reasons) == len(OF_RULES)
    assert [text for text in reasons if not any(re.fullmatch(text, known) for known in OF_RULES)] == []


def test_everything_that_a_rule_may_need_has_them():
    rule = json.loads((ROOT / "runcible/governance/policy_schema.json").read_text())["$defs"]["rule"]["properties"]
    assert set(rule["needs"]["items"]["enum"]) == set(check_reasons.NEEDS)


def tree_of(module: ModuleType) -> ast.AST:
    return tree(ROOT / f"{module.__name__.replace('.', '/')}.py")


def undecided(source: ast.AST) -> set[str]:
    """Each reason why a rule is undecidable, as a pattern: raised, in an outcome, or chosen by a function."""
    given: list[ast.AST | None] = []
    for node in ast.walk(source):
        if isinstance(node, ast.FunctionDef) and node.name == "_reason":
            given += [each.value for each in ast.walk(node) if isinstance(each, ast.Return)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Undecidable":
            given.append(node.args[0])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_Outcome":
            given += [each for each in node.args[1:2] if not is_word(node.args[0], "not_applicable")]
    return {pattern_of(text) for each in given if each for text in sentences(each)}


def is_word(node: ast.AST, word: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == word


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
