"""E-mail addresses, except those at domains that a policy allows, such as the publisher's own."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from runcible.governance.patterns import compile_pattern
from runcible.governance.validators.contract import Check, Hit, Material, Validator

# The local part as people write it (RFC 5321 without quoted strings), a domain of labels, and a top level of letters.
_ADDRESS = (
    r"[\pL\pN!#$%&'*+/=?^_{|}~-]+(?:\.[\pL\pN!#$%&'*+/=?^_{|}~-]+)*"
    r"@((?:[\pL\pN](?:[\pL\pN-]{0,61}[\pL\pN])?\.)+(?:[\pL]{2,63}|xn--[0-9A-Za-z-]{2,59}))"
)


@cache
def _address() -> Any:
    """Compiled when it is first needed: its letters of all scripts take longer than everything else here."""
    return compile_pattern(_ADDRESS)


def _prepare(parameters: dict[str, Any]) -> Check:
    allowed = tuple(domain.lower() for domain in parameters.get("allowed_domains", []))

    def check(material: Material) -> Iterable[Hit]:
        reading = material.reading
        if "@" not in reading.text:
            return
        for match in _address().finditer(reading.text):
            if not _is_within(match.group(1).lower(), allowed):
                yield Hit(*reading.span(*match.span()), "holds an e-mail address")

    return check


def _is_within(domain: str, allowed: tuple[str, ...]) -> bool:
    return any(domain == one or domain.endswith("." + one) for one in allowed)


VALIDATOR = Validator(
    name="email_addresses",
    version=1,
    parameters={
        "type": "object",
        "properties": {
            "allowed_domains": {
                "type": "array",
                "maxItems": 100,
                "items": {"type": "string", "minLength": 3, "maxLength": 253},
            }
        },
        "additionalProperties": False,
    },
    prepare=_prepare,
)
