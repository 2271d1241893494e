"""What people write is Markdown, and never more than that."""

from __future__ import annotations

import pytest

from tests.factories import a_program, a_task
from tests.markup import page


def rendered(form, player, text):
    """The comment as it stands on the page."""
    task = a_task(player)
    form(player).comment_on_task(task.id, body=text)
    return page(form(player).get(f"/tasks/{task.id}")).one("li", class_="comment").one("div", class_="prose")


def test_markdown_is_shown_as_what_it_means(form, alice):
    shown = rendered(form, alice, "A **bold** word, a [way](https://example.com/a?b=1&c=2), `code`\n\n- one\n- two")
    assert shown.one("strong").text == "bold"
    assert shown.one("a").attributes == {"href": "https://example.com/a?b=1&c=2", "rel": "noopener nofollow"}
    assert shown.one("code").text == "code"
    assert [each.text for each in shown.all("li")] == ["one", "two"]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://example.com/pixel.gif)",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "<a href='https://example.com' onclick='alert(1)'>x</a>",
        "<div hx-get='/steal' hx-trigger='load'>x</div>",
        "<style>body { display: none }</style>",
        "<iframe src='https://example.com'></iframe>",
        "</div></li><form action='https://example.com'><button>x</button></form>",
        "```html\n<script>alert(1)</script>\n```",
        "<svg><use href='data:image/svg+xml,x'/></svg>",
        '[x](https://example.com/"onmouseover="alert(1))',
    ],
)
def test_nothing_that_acts_gets_through(form, alice, text):
    shown = rendered(form, alice, text)
    assert {each.tag for each in shown} <= {"p", "a", "code", "pre", "em", "strong"}
    for each in shown:
        assert set(each.attributes) <= {"href", "rel"}
        assert each.attributes.get("href", "https:").startswith("https:")


def test_descriptions_are_no_way_round(form, alice):
    program = a_program(alice, description="<script>alert(1)</script> **bold**")
    task = a_task(alice, program, description="<script>alert(1)</script> **bold**")
    for path in (f"/tasks/{task.id}", f"/programs/{program.id}"):
        shown = page(form(alice).get(path))
        assert [each.text for each in shown.one("div", class_="prose").all("strong")] == ["bold"]
        assert all("src" in each.attributes for each in shown.all("script"))
    assert "<script>alert" not in form(alice).get("/programs").text


def test_the_api_gives_the_words_as_they_were_written(api, form, alice):
    task = a_task(alice)
    made = api(alice).comment_on_task(task.id, body="<b>**bold**</b>")
    assert made.json["data"]["body"] == "<b>**bold**</b>"
    (row,) = api(alice).get(f"/tasks/{task.id}/comments").json["data"]
    assert row == made.json["data"]


def test_htmx_never_acts_on_what_people_wrote(form, alice):
    assert "hx-ignore" in rendered(form, alice, "hello").attributes
