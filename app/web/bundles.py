"""Bundles as downloads."""

from __future__ import annotations

from flask import Response

from app.models.certifications import Certification
from runcible.certification.bundle import MEDIA_TYPE


def bundle_response(certification: Certification, content: bytes) -> Response:
    """A bundle as a download under its number."""
    return Response(
        content,
        content_type=MEDIA_TYPE,
        headers={
            "Content-Disposition": f'attachment; filename="{certification.certification_number}.rcb.json"',
            "Cache-Control": "no-store",
        },
    )
