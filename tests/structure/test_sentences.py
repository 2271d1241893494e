"""What happens is told in a sentence wherever it is shown, and nowhere as the name of an event."""

from __future__ import annotations

import ast

from app.commands import identity_events
from app.web import sentences
from tests.structure.sources import called, calls, files, tree


def test_whatever_becomes_of_an_account_has_its_sentences():
    found = {
        given.value
        for path in files("app/commands")
        for call in calls(tree(path))
        if called(call) == "happened"
        for given in call.args
        if isinstance(given, ast.Constant) and str(given.value).startswith("user.")
    }
    assert len(found) > 5
    assert found - sentences._OF_ACCOUNTS.keys() == set(), "The person is not told in words."
    assert found - identity_events._PRIVATE - sentences._OF_THE_TRAIL.keys() == set(), "The trail does not say it."
