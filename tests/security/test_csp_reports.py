"""What browsers report: noted in words of our own, whatever is sent, and never without limit."""

from __future__ import annotations

import contextlib
import io
import json

import pytest

from app import logs

OLD = {
    "csp-report": {
        "document-uri": "http://localhost/o/acme/tasks/0197aaaa-0000-7000-8000-000000000001?secret=canary-1",
        "violated-directive": "script-src-elem",
        "blocked-uri": "https://evil.example/canary-2.js?x=canary-3",
        "script-sample": "canary-4",
    }
}
NEW = [
    {
        "type": "csp-violation",
        "url": "http://localhost/canary-1",
        "body": {
            "documentURL": "http://localhost/o/acme/tasks/0197aaaa-0000-7000-8000-000000000001",
            "effectiveDirective": "script-src-elem",
            "blockedURL": "https://evil.example/canary-2.js",
            "sample": "canary-4",
        },
    },
    {"type": "deprecation", "body": {"id": "canary-5"}},
]


@pytest.fixture
def report(web_app):
    """Send a report as a browser does; answers the status, and the lines of the log that it made."""

    def send(body: bytes, kind: str = "application/csp-report", **headers: str):
        stream = io.StringIO()
        with contextlib.redirect_stdout(stream):
            logs.configure("INFO", "test")
            answer = web_app.test_client().post("/csp-report", data=body, content_type=kind, headers=headers)
        logs.configure("ERROR", "web")
        lines = [json.loads(line) for line in stream.getvalue().splitlines()]
        return answer, [line for line in lines if line["event"] == "csp.blocked"], stream.getvalue()

    return send


@pytest.mark.parametrize(
    ("sent", "kind"),
    [(OLD, "application/csp-report"), (NEW, "application/reports+json")],
    ids=["report-uri", "report-to"],
)
def test_a_report_says_what_was_blocked_where_and_nothing_else(report, sent, kind):
    answer, [line], log = report(json.dumps(sent).encode(), kind)
    assert answer.status_code == 204
    told = {name: line[name] for name in ("directive", "blocked", "route")}
    assert told == {
        "directive": "script-src-elem",
        "blocked": "evil.example",
        "route": "/o/<slug>/tasks/<uuid:task_id>",
    }
    assert "canary" not in log


@pytest.mark.parametrize("site", ["same-origin", "cross-site", "none"])
def test_a_report_comes_from_no_page(report, site):
    answer, lines, _log = report(json.dumps(OLD).encode(), **{"Sec-Fetch-Site": site, "Origin": "null"})
    assert answer.status_code == 204
    assert len(lines) == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"no json",
        b"[]",
        b"null",
        b'{"csp-report":"canary"}',
        b'[{"type":"csp-violation","body":null},7,"canary"]',
        b'{"csp-report":null,"csp-report":{}}',
        b"[" * 5000,
    ],
)
def test_what_is_no_report_is_not_noted(report, sent):
    answer, lines, log = report(sent)
    assert answer.status_code == 204
    assert lines == []
    assert "canary" not in log


@pytest.mark.parametrize(
    "changed",
    [
        {"violated-directive": "canary\n", "blocked-uri": "canary canary", "document-uri": "http://[canary"},
        {"violated-directive": ["canary"], "blocked-uri": {"canary": 1}, "document-uri": 7},
        {"violated-directive": "x" * 9000, "blocked-uri": "https://" + "canary" * 900, "document-uri": "/canary"},
        {"blocked-uri": "https://[::1", "document-uri": "http://localhost/o/canary/canary"},
    ],
)
def test_what_a_report_makes_up_is_not_repeated(report, changed):
    answer, [line], log = report(json.dumps({"csp-report": changed}).encode())
    assert answer.status_code == 204
    assert line["directive"] == "unknown"
    assert "canary\\n" not in log
    assert len(log) < 2000


def test_a_report_without_end_is_refused(report):
    assert report(b"x" * 20_000)[0].status_code == 413


def test_one_request_makes_ten_lines_at_most(report):
    many = json.dumps([NEW[0] | {"body": {"blockedURL": "inline"}}] * 100).encode()
    assert len(many) < 16_000
    _answer, lines, _log = report(many)
    assert [line["blocked"] for line in lines] == ["inline"] * 10
