"""The registered validators: each looks for one kind of thing, in one file, with no network, clock or randomness."""

from runcible.governance.validators import (
    banned_claims,
    card_numbers,
    email_addresses,
    hidden_text,
    json_schema,
    length,
    required_disclaimer,
    us_social_security_numbers,
)
from runcible.governance.validators.contract import Check, Hit, Material, ParameterInvalid, Undecidable, Validator

__all__ = ["VALIDATORS", "Check", "Hit", "Material", "ParameterInvalid", "Undecidable", "Validator"]

VALIDATORS: dict[str, Validator] = {
    validator.name: validator
    for validator in (
        banned_claims.VALIDATOR,
        card_numbers.VALIDATOR,
        email_addresses.VALIDATOR,
        hidden_text.VALIDATOR,
        json_schema.VALIDATOR,
        length.VALIDATOR,
        required_disclaimer.VALIDATOR,
        us_social_security_numbers.VALIDATOR,
    )
}
"""By the name that a policy writes under `check.validator`."""
