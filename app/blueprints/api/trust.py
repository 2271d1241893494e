"""The trust root: public keys for everybody who wants to check a certificate."""

from flask import Response

from app.blueprints.api import api
from app.queries.trust import trust_root
from app.web.door import public


@api.get("/trust-root")
@public
def get_trust_root():
    """The keys and time-stamping authorities of this installation, in their canonical form."""
    response = Response(
        b'{"data":' + trust_root().bytes + b',"links":{"self":"/api/v1/trust-root"},"meta":{}}',
        content_type="application/json; charset=utf-8",
    )
    response.headers["Cache-Control"] = "public, max-age=60"
    return response
