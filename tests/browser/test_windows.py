"""What a window notices by itself, so that no test has to look for it."""

from __future__ import annotations

import pytest

ELSEWHERE = '<img src="http://elsewhere.example/pixel.png">'


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [({"status": 500}, "500"), ({"status": 200, "content_type": "text/html", "body": ELSEWHERE}, "elsewhere.example")],
    ids=["a server that fails", "a request to somebody else"],
)
def test_what_goes_wrong_is_complained_of(visit, alice, script, answer, complaint):
    window = visit(alice, script=script)
    window.page.route("**/tasks", lambda route: route.fulfill(**answer))
    window.go("/tasks")
    told = window.end()
    assert len(told) == 1
    assert complaint in told[0]
