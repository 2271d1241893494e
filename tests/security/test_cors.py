"""Pages of other sites: only those that an organisation lists, only its API, and only with a key of its own."""

from __future__ import annotations

import pytest

from app.commands.api_origins import set_api_origins
from app.core.errors import Forbidden, Invalid
from app.core.parsing import parse
from app.schemas.api_origins import ApiOrigins
from tests.factories import a_task
from tests.trail import as_superuser, audit_rows

SHOP = "https://shop.example"
CORS = "Access-Control-"


@pytest.fixture
def listed(alice):
    """acme lists the shop."""
    return set_api_origins(alice.actor, ApiOrigins(origins=(SHOP,)))


def cors_headers(answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith(CORS)}


def ask_first(web_app, path: str = "/api/v1/tasks", origin: str = SHOP, method: str = "POST"):
    told = {"Origin": origin, f"{CORS}Request-Method": method, f"{CORS}Request-Headers": "authorization,content-type"}
    return web_app.test_client().options(path, headers=told)


@pytest.fixture
def call(web_app, alice):
    """A script in a page calls the API with a key of alice's."""

    def send(origin: str, key: str = "", method: str = "GET", path: str = "/api/v1/tasks", **more):
        headers = {"Origin": origin, "Authorization": f"Bearer {key or alice.api_key}"}
        return web_app.test_client().open(path, method=method, headers=headers, **more)

    return send


def test_a_listed_page_is_let_ask_and_read(web_app, listed, call):
    first = ask_first(web_app)
    assert first.status_code == 204
    assert cors_headers(first) == {
        f"{CORS}Allow-Origin": "*",
        f"{CORS}Allow-Methods": "GET, POST, PATCH, PUT, DELETE",
        f"{CORS}Allow-Headers": "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match",
        f"{CORS}Max-Age": "600",
    }
    answer = call(SHOP)
    assert answer.status_code == 200
    assert answer.headers[f"{CORS}Allow-Origin"] == SHOP
    assert "RateLimit" in answer.headers[f"{CORS}Expose-Headers"]
    for each in (first, answer):
        assert "Origin" in each.headers["Vary"]
        assert f"{CORS}Allow-Credentials" not in each.headers


def test_a_preflight_tells_nobody_which_pages_are_listed(web_app, listed, count_queries):
    """Whoever asks learns nothing of the customers of anybody here, not even by how long it takes."""
    answers = []

    def ask(origin):
        first = ask_first(web_app, origin=origin)
        varies = ("X-Request-ID", "Date", "RateLimit")
        answers.append((first.status_code, [each for each in first.headers if not each[0].startswith(varies)]))

    for origin in (SHOP, "https://evil.example", "null", "http://localhost"):
        assert count_queries(lambda origin=origin: ask(origin)) == 0
    assert answers == answers[:1] * 4


def test_a_refusal_can_be_read_too(listed, call):
    answer = call(SHOP, method="POST", json={"name": ""})
    assert answer.status_code == 422
    assert answer.headers[f"{CORS}Allow-Origin"] == SHOP


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://shop.example.evil.example",
        "https://shop.example:8443",
        "http://shop.example",
        "https://SHOP.example",
        "https://shop.example/",
        "null",
        "*",
        "",
        "https://shop.example\u00e9",
    ],
)
def test_no_other_page_gets_anywhere(listed, call, origin):
    answer = call(origin)
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "ORIGIN_NOT_ALLOWED")
    assert cors_headers(answer) == {}


def test_the_request_of_a_page_that_is_not_listed_changes_nothing(listed, call, alice):
    task = a_task(alice)
    answer = call("https://evil.example", method="PATCH", path=f"/api/v1/tasks/{task.id}", json={"name": "Changed"})
    assert answer.status_code == 403
    assert alice.task(task.id).name != "Changed"


def test_a_page_that_one_organisation_lists_reads_nothing_of_another(listed, call, mallory):
    """The browser may ask; the key of globex decides."""
    answer = call(SHOP, key=mallory.api_key)
    assert answer.status_code == 403
    assert cors_headers(answer) == {}


def test_a_page_taken_off_the_list_gets_nowhere_from_then_on(web_app, listed, call, alice):
    set_api_origins(alice.actor, ApiOrigins(origins=()))
    assert call(SHOP).status_code == 403


def test_a_program_that_is_no_page_needs_no_entry(web_app, alice):
    key = {"Authorization": f"Bearer {alice.api_key}"}
    assert web_app.test_client().get("/api/v1/tasks", headers=key).status_code == 200
    ours = web_app.test_client().get("/api/v1/tasks", headers=key | {"Origin": "http://localhost"})
    assert (ours.status_code, cors_headers(ours)) == (200, {})


@pytest.mark.parametrize("path", ["/sign-in", "/o/acme/tasks", "/healthz", "/live"])
def test_pages_are_never_opened_to_others(web_app, listed, path):
    assert cors_headers(ask_first(web_app, path)) == {}
    answer = web_app.test_client().get(path, headers={"Origin": SHOP})
    assert cors_headers(answer) == {}


def test_options_that_no_browser_sent_opens_nothing(web_app, listed):
    assert web_app.test_client().options("/api/v1/tasks").status_code == 401
    assert web_app.test_client().options("/api/v1/tasks", headers={"Origin": SHOP}).status_code == 401


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://Shop.Example/", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("https://a.shop.example:8443", "https://a.shop.example:8443"),
        ("  https://shop.example\r\nhttps://shop.example  ", "https://shop.example"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_a_site_is_kept_as_browsers_send_it(given, kept):
    assert parse(ApiOrigins, {"origins": given}, typed=False).origins == (kept,)


@pytest.mark.parametrize(
    "given",
    [
        "*",
        "https://*",
        "https://*.shop.example",
        "http://shop.example",
        "null",
        "shop.example",
        "https://shop.example/path",
        "https://shop.example?x=1",
        "https://user:secret@shop.example",
        "https://shop.example:99999",
        "https://bücher.example",
        "https://localhost",
        "https://203.0.113.7",
        "https://",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_exact_site_is_refused(given):
    with pytest.raises(Invalid) as refused:
        parse(ApiOrigins, {"origins": given}, typed=False)
    assert list(refused.value.fields) == ["origins"]


def test_whoever_runs_the_organisation_sets_it_on_a_page(form, alice):
    door = form(alice)
    assert door.post("/api-origins", origins="https://shop.example\nhttps://Blog.example/").status_code == 303
    page = door.get("/api-origins").text
    assert "https://shop.example\nhttps://blog.example</textarea>" in page
    refused = door.post("/api-origins", origins="https://shop.example\n*")
    assert refused.status_code == 422
    assert "https://shop.example\n*</textarea>" in refused.text
    assert door.post("/api-origins", origins="").status_code == 303
    [row] = as_superuser("SELECT api_origins FROM application_instances WHERE id = %s", alice.organisation.id)
    assert row.api_origins == []


def test_it_is_recorded_with_what_was_before(alice, listed):
    changed = set_api_origins(alice.actor, ApiOrigins(origins=("https://blog.example",)))
    set_api_origins(alice.actor, ApiOrigins(origins=("https://blog.example",)))
    last = [row for row in audit_rows(changed) if row.event_type == "application_instance.updated"]
    assert len(last) == 2
    assert last[-1].before_state["api_origins"] == [SHOP]
    assert last[-1].after_state["api_origins"] == ["https://blog.example"]


def test_nobody_else_sets_it(bob):
    with pytest.raises(Forbidden):
        set_api_origins(bob.actor, ApiOrigins(origins=(SHOP,)))
