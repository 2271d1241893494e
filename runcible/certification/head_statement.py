"""The signed head of the audit trail: an in-toto Statement v1 that says where the chain of all events had come to.

Its type keeps it apart from a certification: neither can be taken for the other. docs/formats/audit-chain.md has it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runcible import strict_json
from runcible.canonical import canonical_json
from runcible.certification.statement import TYPE
from runcible.errors import BundleInvalid, NotCanonical, StrictJsonError
from runcible.moments import format_moment, parse_moment
from runcible.shapes import shaped

PREDICATE_TYPE = "urn:runcible:audit-head:v1"
LARGEST = 16_384

HEAD = {"v": int, "sequence": int, "hash": str, "time": str, "count": int, "since": int, "links": str}
_STATEMENT = {"_type": str, "subject": list, "predicateType": str, "predicate": dict}


def build(head: dict[str, Any], *, signed_at: datetime) -> bytes:
    """Return the canonical bytes to sign for `head`, a line of the file of heads."""
    return canonical_json(
        {
            "_type": TYPE,
            "subject": [{"name": "audit-chain", "digest": {"sha256": head["hash"]}}],
            "predicateType": PREDICATE_TYPE,
            "predicate": {"head": head, "signed_at": format_moment(signed_at)},
        }
    )


@dataclass(frozen=True, slots=True)
class HeadStatement:
    """A statement that was read back. Reading verifies its form, not who signed it."""

    head: dict[str, Any]
    signed_at: datetime

    @classmethod
    def read(cls, payload: bytes) -> "HeadStatement":
        """Read the payload of an envelope. Raises BundleInvalid unless it is a head in its one canonical form."""
        try:
            document = strict_json.loads_object(payload, max_bytes=LARGEST)
            predicate = shaped(document.get("predicate"), "the predicate", {"head": dict, "signed_at": str})
            head = shaped(predicate["head"], "the head", HEAD)
            parse_moment(head["time"])
            signed_at = parse_moment(predicate["signed_at"])
            if head["v"] != 1 or build(head, signed_at=signed_at) != payload:
                raise BundleInvalid("The statement is not a head of the audit trail in its canonical form.")
        except (StrictJsonError, NotCanonical, ValueError) as refused:
            raise BundleInvalid(f"The statement can't be read as a head of the audit trail: {refused}") from None
        return cls(head, signed_at)
