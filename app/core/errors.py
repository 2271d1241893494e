"""Every refusal the product can give: a sentence for the person who can act on it, a code and a status for programs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from app.core.phrases import phrase


class DomainError(Exception):
    """The root of all refusals. `message` is shown to people; `details` name the fields that it is about."""

    code: ClassVar[str] = "ERROR"
    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST
    message: str = phrase("This could not be done.")

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.message = message or type(self).message
        self.details = [dict(detail) for detail in details]
        self.headers = dict(headers or {})
        super().__init__(self.message)


class Malformed(DomainError):
    """The request cannot be read at all."""

    code, status = "MALFORMED_REQUEST", HTTPStatus.BAD_REQUEST
    message = phrase("The request could not be read.")


class MalformedJson(Malformed):
    """The body is not JSON as RFC 8259 has it."""

    code = "MALFORMED_JSON"


class DuplicateKey(Malformed):
    """One object names a key twice, and nobody can know which was meant."""

    code = "DUPLICATE_KEY"


class JsonTooDeep(Malformed):
    """The body nests deeper than any real document."""

    code = "JSON_TOO_DEEP"


class BadHost(Malformed):
    """The request is addressed to a host that this installation is not."""

    code = "BAD_HOST"
    message = phrase("This address is not served here.")


class AmbiguousCredentials(Malformed):
    """The request carries two ways of saying who is asking."""

    code = "AMBIGUOUS_CREDENTIALS"
    message = phrase("Send either an API key or a session cookie, not both.")


class IdempotencyKeyInvalid(Malformed):
    """The Idempotency-Key header is empty or too long."""

    code = "IDEMPOTENCY_KEY_INVALID"
    message = phrase("An Idempotency-Key has 1 to 255 characters.")


class Unauthenticated(DomainError):
    """Nobody is signed in, or the key is not valid (any more)."""

    code, status = "UNAUTHENTICATED", HTTPStatus.UNAUTHORIZED
    message = phrase("Sign in first, or send a valid API key.")


class Forbidden(DomainError):
    """The thing may be seen, but not changed in this way, by this person."""

    code, status = "FORBIDDEN", HTTPStatus.FORBIDDEN
    message = phrase("Your role does not allow this.")
    permission: str | None = None  # the one that is lacking, where there is one to name

    @classmethod
    def lacking(cls, permission: str, scopes: Collection[str] = ("*",)) -> Forbidden:
        """The refusal to somebody who lacks a permission, or to a key that has none of these `scopes` for it."""
        is_out_of_scope = not {permission, "*"}.intersection(scopes)
        told = phrase("This key was not given the scope %(scope)s.", scope=permission) if is_out_of_scope else None
        refusal = cls(told)
        refusal.permission = permission
        return refusal


class CsrfFailed(Forbidden):
    """The request did not come from one of our own pages."""

    code = "CSRF_FAILED"
    message = phrase("This request did not come from a page of Oversing. Open the page again and repeat it there.")


class OriginNotAllowed(Forbidden):
    """A page of another site uses a key of an organisation that does not list the site."""

    code = "ORIGIN_NOT_ALLOWED"
    message = phrase("The organisation of this key does not let this site call the API.")


class TenantSuspended(Forbidden):
    """The operator has suspended the organisation. Nothing in it is lost, and nobody works in it."""

    code = "TENANT_SUSPENDED"
    message = phrase(
        "Nothing is lost, but nobody can work here until it is resumed. Ask whoever runs this installation."
    )


class NotFound(DomainError):
    """It does not exist, or this person may not know that it does."""

    code, status = "NOT_FOUND", HTTPStatus.NOT_FOUND
    message = phrase("There is nothing here that you may see.")


class MethodNotAllowed(DomainError):
    """The address exists, but not for this method."""

    code, status = "METHOD_NOT_ALLOWED", HTTPStatus.METHOD_NOT_ALLOWED
    message = phrase("This address does not take that method.")


class NotAcceptable(DomainError):
    """The client wants a format that the API does not speak."""

    code, status = "NOT_ACCEPTABLE", HTTPStatus.NOT_ACCEPTABLE
    message = phrase("This API answers in JSON only.")


class Conflict(DomainError):
    """The thing is in a state where this makes no sense. Say what state, and what would help."""

    code, status = "CONFLICT", HTTPStatus.CONFLICT
    message = phrase("This does not fit the present state.")


class InvalidTransition(Conflict):
    """The workflow has no way from here to there."""

    code = "INVALID_TRANSITION"


class RequestInProgress(Conflict):
    """The same request, by its Idempotency-Key, is still being worked on."""

    code = "REQUEST_IN_PROGRESS"
    message = phrase("A request with this Idempotency-Key is still in progress. Try again shortly.")


class StaleVersion(Conflict):
    """Somebody else saved a newer version in the meantime. `current` is the row as it is now."""

    code = "VERSION_CONFLICT"
    message = phrase("Somebody else has changed this in the meantime.")

    def __init__(self, current: Any = None, message: str | None = None) -> None:
        newest = getattr(current, "version", None)
        told = [{"field": "version", "message": f"The newest version is {newest}."}] if newest else []
        super().__init__(message, details=told)
        self.current = current


class PreconditionFailed(StaleVersion):
    """The version that the client named in `If-Match` is not the newest (RFC 9110, section 13.1.1)."""

    status = HTTPStatus.PRECONDITION_FAILED


class TooLarge(DomainError):
    """The body is larger than anything that this address takes."""

    code, status = "PAYLOAD_TOO_LARGE", HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    message = phrase("This is larger than can be taken here.")


class UnsupportedMediaType(DomainError):
    """The body is in a format, or an encoding, that is not read here."""

    code, status = "UNSUPPORTED_MEDIA_TYPE", HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    message = phrase("Send application/json, encoded as UTF-8 and not compressed.")


class Invalid(DomainError):
    """The input was read, and some of it will not do. `fields` maps a field to what is wrong with it."""

    code, status = "VALIDATION_ERROR", HTTPStatus.UNPROCESSABLE_ENTITY
    message = phrase("The given data was invalid.")

    def __init__(self, fields: Mapping[str, str], message: str | None = None) -> None:
        self.fields = dict(fields)
        super().__init__(message, details=[{"field": field, "message": wrong} for field, wrong in self.fields.items()])


class InvalidParameter(Invalid):
    """A query parameter will not do."""

    code, status = "INVALID_PARAMETER", HTTPStatus.BAD_REQUEST
    message = phrase("A parameter of the address was invalid.")


class IdempotencyKeyReused(Invalid):
    """The same Idempotency-Key came before, with another body."""

    code = "IDEMPOTENCY_KEY_REUSED"
    message = phrase("This Idempotency-Key was already used for a different request.")

    def __init__(self) -> None:
        super().__init__({"Idempotency-Key": "Use a new key for a new request."}, self.message)


class RateLimited(DomainError):
    """Too many tries in too short a time."""

    code, status = "RATE_LIMITED", HTTPStatus.TOO_MANY_REQUESTS
    message = phrase("Too many tries. Wait a moment and try again.")

    def __init__(self, retry_after: int, message: str | None = None) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after)})


class Unavailable(DomainError):
    """A part that this needs does not answer just now. Nothing was changed."""

    code, status = "UNAVAILABLE", HTTPStatus.SERVICE_UNAVAILABLE
    message = phrase("This is not available for a moment. Nothing was changed; please try again.")

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, headers={"Retry-After": "2"})


class OutcomeUnknown(Unavailable):
    """The database was lost in the moment of saving: all of it was saved, or nothing was."""

    code = "OUTCOME_UNKNOWN"
    message = phrase(
        "The database was lost while this was saved. Look whether it is there before you send it again; "
        "a program that gives an Idempotency-Key can repeat its request."
    )
