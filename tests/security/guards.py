"""The headers with which every answer guards whoever reads it in a browser."""

from __future__ import annotations

from typing import Any

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self' ws://localhost; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; object-src 'none'; report-uri /csp-report; report-to csp"
)
OF_PICTURES = "default-src 'none'; sandbox; frame-ancestors 'none'"
EVERYWHERE = {
    "Content-Security-Policy": POLICY,
    "Reporting-Endpoints": 'csp="/csp-report"',
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def assert_guarded(answer: Any) -> None:
    """An answer tells the browser all of it, once, and nothing about what has made it."""
    policy = {"Content-Security-Policy": OF_PICTURES} if answer.mimetype == "image/webp" else {}
    for name, value in (EVERYWHERE | policy).items():
        assert answer.headers.getlist(name) == [value], name
    assert "Strict-Transport-Security" not in answer.headers
    assert len(answer.headers["X-Request-ID"]) == 36
    assert "X-Powered-By" not in answer.headers
