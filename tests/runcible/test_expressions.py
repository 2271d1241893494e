"""CEL: only true is true, and nothing runs away."""

import pytest

from runcible.governance.expressions import ExpressionInvalid, compile_expression
from runcible.governance.validators import Undecidable
from tests.effort import readings

FACTS = {
    "output": {
        "text": "sekret words",
        "length": 12,
        "media_type": "text/plain",
        "json": {"list": [1, 2.5, None], "yes": True},
    },
    "input": {"captured": "none"},
    "model": {"provider": "acme", "name": "m"},
    "findings": {"cards": {"verdict": "fail", "count": 2}},
}


@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        ("output.length <= 12", True),
        ("output.length > 12", False),
        ("output.json.yes", True),
        ("output.json.list.size() == 3", True),
        ("output.text.matches('(?i)SEKRET')", True),
        ("findings['cards'].count > 1", True),
        ("has(input.text)", False),
        ("model.provider in ['acme', 'other']", True),
        ("[1, 2].all(x, x < 3)", True),
        ("output.text.without('s[a-z]+t ').matches('sekret')", False),
        ("output.text.without('words').matches('sekret')", True),
        ("output.text.without('').without('x*').without('[(]|$') == output.text", True),
    ],
)
def test_true_and_false(source, outcome):
    assert compile_expression(source).decide(FACTS) is outcome


@pytest.mark.parametrize(
    "source",
    [
        "input.text == 'x'",
        "output.json.nothing",
        "output.json.list",
        "output.text",
        "output.length",
        "output.length / 0 == 1",
        "output.json.list[7] == 1",
        "output.text + output.length == 'x'",
        "output.text.matches('(')",
        "output.text.without('(') == 'x'",
        "model[output.text] == 1",
        "findings['emails'].count == 0",
        "output.json.list[2]",
    ],
)
def test_everything_else_is_undecidable(source):
    with pytest.raises(Undecidable) as told:
        compile_expression(source).decide(FACTS)
    assert "sekret" not in told.value.reason


NEVER_TRUE = {
    "nothing": "",
    "unknown name": "weather",
    "a number": "1 + 1",
    "a text": "'true'",
    "unfinished": "output.length <",
    "a list": "[true]",
    "unfinished or": "true || ",
    "types apart": "1.0 == 1",
    "too deep": "(" * 100 + "true" + ")" * 100,
    "a long sum": "+".join(["1"] * 2000) + " == 1",
    "too long": "true //" + " " * 4000,
    "half a surrogate pair": "\ud800",
    "int": "int('5')",
}


@pytest.mark.parametrize("source", NEVER_TRUE.values(), ids=NEVER_TRUE)
def test_what_can_never_be_true_is_refused(source):
    with pytest.raises(ExpressionInvalid):
        compile_expression(source)


def undecided(expression, facts):
    with pytest.raises(Undecidable):
        expression.decide(facts)


def test_nested_loops_are_stopped():
    facts = {**FACTS, "output": {**FACTS["output"], "json": list(range(300))}}
    expression = compile_expression("output.json.all(a, output.json.all(b, output.json.all(c, true)))")
    assert readings(lambda: undecided(expression, facts)) < 10


def test_loops_over_a_long_text_are_not_begun():
    facts = {**FACTS, "output": {**FACTS["output"], "text": "x" * 1_000_000, "json": list(range(5000))}}
    expression = compile_expression("output.json.all(n, !output.text.matches('(a|b)*c'))")
    assert readings(lambda: undecided(expression, facts)) < 10


def test_the_pattern_that_ruins_other_engines_is_harmless():
    facts = {**FACTS, "output": {**FACTS["output"], "text": "a" * 1_000_000 + "!"}}
    expression = compile_expression("output.text.matches('(a+)+$')")
    assert expression.decide(facts) is False
    assert readings(lambda: expression.decide(facts)) < 10


def test_deep_json_does_no_harm():
    value = 1
    for _ in range(32):
        value = [value]
    facts = {**FACTS, "output": {**FACTS["output"], "json": value}}
    assert compile_expression("output.json.size() == 1").decide(facts) is True
