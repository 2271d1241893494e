"""Reading requests: one strict JSON decoder, forms without surprises, parameters that are known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes
from uuid import UUID

from flask import Request, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from app.core import idempotency
from app.core.errors import (
    DomainError,
    DuplicateKey,
    Invalid,
    InvalidParameter,
    JsonTooDeep,
    Malformed,
    MalformedJson,
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
)
from app.core.paging import DEFAULT_SIZE, LARGEST_SIZE, Cursor, Paging
from app.core.parsing import Schema, parse
from app.core.phrases import phrase
from runcible import strict_json
from runcible.errors import StrictJsonError

S = TypeVar("S", bound=Schema)

_REFUSALS: dict[str, type[DomainError]] = {
    "MALFORMED_JSON": MalformedJson,
    "DUPLICATE_KEY": DuplicateKey,
    "JSON_TOO_DEEP": JsonTooDeep,
    "PAYLOAD_TOO_LARGE": TooLarge,
}
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
MOST_FIELDS = 200
SPILL = 16 * 1024 * 1024  # bytes of a refused body that are read and thrown away before the client is left
PIECE = 64 * 1024

_TAG = re.compile(r'"v([0-9]{1,9})(?::[a-z]+)?"')
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class StrictRequest(Request):
    """Flask's request with limits that its defaults leave open: fields, parts and bytes of a form."""

    max_form_memory_size = 2 * 1024 * 1024
    max_form_parts = MOST_FIELDS


def read_json(schema: type[S]) -> S:
    """The JSON body of the request, as `schema` has it. Raises Malformed, UnsupportedMediaType, TooLarge or Invalid."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    if request.content_encoding or (request.mimetype_params.get("charset") or "utf-8").lower() != "utf-8":
        raise UnsupportedMediaType
    try:
        given = strict_json.loads_object(read_body())
    except StrictJsonError as refused:
        if refused.code == "VALIDATION_ERROR":
            raise Invalid({error.field: error.message for error in refused.fields}) from None
        raise _REFUSALS[refused.code](str(refused)) from None
    return parse(schema, given)


def read_nothing() -> None:
    """For an action that takes no fields: no body, or an empty JSON object. Raises what `read_json` raises."""
    if read_body():
        read_json(Schema)


def read_form(schema: type[S], **added: str) -> S:
    """The fields of a posted form, as `schema` has them. Raises Invalid, naming every field that will not do."""
    return parse(schema, form_values() | added, typed=False)


def read_changes(schema: type[S], *, empty: Mapping[str, Any]) -> S:
    """The changes that an edit form asks for: a field that was emptied is a change too, to the value in `empty`.

    Raises Invalid, also where a field was emptied that must say something.
    """
    values = form_values()
    cleared = [name for name, value in values.items() if value == "" and name in schema.model_fields]
    required = {name: phrase("This is required.") for name in cleared if name not in empty}
    if required:
        raise Invalid(required)
    return read_form(schema).model_copy(update={name: empty[name] for name in cleared})


def form_values() -> dict[str, str]:
    """The fields of a posted form as text.

    Raises UnsupportedMediaType for a body that is no form, Malformed for one that is not UTF-8 or names a field twice,
    TooLarge for one with more fields than any form of ours.
    """
    body = read_body()
    if request.mimetype not in FORMS and body:
        raise UnsupportedMediaType(phrase("Send the form as a browser does: application/x-www-form-urlencoded."))
    _check_utf8(body)
    try:
        fields = request.form
    except RequestEntityTooLarge:
        raise TooLarge from None
    if len(fields) > MOST_FIELDS:
        raise TooLarge
    for name in fields:
        if len(fields.getlist(name)) > 1:
            raise Malformed(phrase("The field %(value)s was sent more than once.", value=f"{name[:60]!r}"))
    return fields.to_dict()


def read_file(name: str, most: int) -> bytes:
    """The one file of a posted form, of at most so many bytes, whatever it calls itself.

    Raises UnsupportedMediaType for a body that is no form with files, TooLarge, and Invalid where no file was chosen.
    """
    request.max_content_length = most + PIECE  # and what is written around a file
    read_body()
    if request.mimetype != FORMS[1]:
        raise UnsupportedMediaType(phrase("Send the form as a browser does: multipart/form-data."))
    try:
        files, fields = request.files, request.form
    except RequestEntityTooLarge:
        raise TooLarge from None
    if len(files.getlist(name)) != 1 or len(files) != 1 or fields:
        raise Invalid({name: phrase("Choose one file.")})
    content = files[name].read()
    if not content:
        raise Invalid({name: phrase("Choose a file.")})
    return content


def read_body() -> bytes:
    """The raw body, however it is framed. Raises TooLarge, and Malformed for one that is cut off or badly framed."""
    try:
        body = request.get_data(cache=True)
    except RequestEntityTooLarge:
        raise TooLarge from None
    except HTTPException:
        raise
    except Exception as broken:
        # The server parses chunks while they are read, and each server has errors of its own for it.
        raise Malformed(phrase("The body could not be read to its end.")) from broken
    if request.content_length is not None and len(body) < request.content_length:
        raise Malformed(phrase("The body is shorter than its Content-Length says."))
    return body


def read_parameters(*known: str) -> dict[str, str]:
    """The parameters of the address. Raises InvalidParameter for one that is unknown, repeated or unreadable."""
    try:
        unquote_to_bytes(request.query_string).decode()
    except UnicodeDecodeError:
        raise Malformed(phrase("The address is not encoded as UTF-8.")) from None
    wrong: dict[str, str] = {}
    for name in request.args:
        if name not in known:
            wrong[name] = phrase("This parameter is not known here.")
        elif len(request.args.getlist(name)) > 1:
            wrong[name] = phrase("This was given more than once.")
        elif _CONTROL.search(request.args[name]) or "\ufffd" in request.args[name]:
            wrong[name] = phrase("This holds characters that cannot be used here.")
    if wrong:
        raise InvalidParameter({_CONTROL.sub("?", name)[:100]: told for name, told in wrong.items()})
    return {name: value for name, value in request.args.items() if value != ""}


def read_paging(parameters: Mapping[str, str]) -> Paging:
    """Which page of a list is wanted, from `cursor` and `limit`; or one that is shown, from `first` and `last`.

    Raises InvalidParameter.
    """
    size = parameters.get("limit", str(DEFAULT_SIZE))
    if not (size.isascii() and size.isdecimal() and len(size) < 5 and 1 <= int(size) <= LARGEST_SIZE):
        raise InvalidParameter(
            {"limit": phrase("This must be a number from 1 to %(largest_size)s.", largest_size=LARGEST_SIZE)}
        )
    cursor, first, last = (
        Cursor.read(parameters[name]) if parameters.get(name) else None for name in ("cursor", "first", "last")
    )
    return Paging(cursor, int(size), first, last)


def uuid_parameter(parameters: Mapping[str, str], name: str) -> UUID | None:
    """A parameter that is an id. Raises InvalidParameter."""
    if name not in parameters:
        return None
    try:
        return UUID(parameters[name])
    except ValueError:
        raise InvalidParameter({name: phrase("This is not an id.")}) from None


def number_parameter(parameters: Mapping[str, str], name: str) -> int | None:
    """A parameter that is a whole number. Raises InvalidParameter."""
    if name not in parameters:
        return None
    text = parameters[name]
    if not (text.isascii() and text.isdecimal() and len(text) < 17):
        raise InvalidParameter({name: phrase("This must be a whole number.")})
    return int(text)


def choice_parameter(parameters: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str | None:
    """A parameter that is one of a few words. Raises InvalidParameter."""
    if name in parameters and parameters[name] not in choices:
        raise InvalidParameter({name: phrase("This must be one of: %(value)s.", value=", ".join(choices))})
    return parameters.get(name)


def idempotent_request() -> idempotency.Request | None:
    """What tells whether this request came before, or None where the client sent no Idempotency-Key."""
    key = request.headers.get("Idempotency-Key")
    return None if key is None else idempotency.Request.of(key, request.method, request.path, read_body())


def if_match() -> int | None:
    """The version that `If-Match` names, None where it names none or any (RFC 9110, section 13.1.1).

    Compression adds its name to a tag that we sent, and the tag comes back with it. Raises PreconditionFailed for a tag
    that no version of ours ever had.
    """
    wanted = request.headers.get("If-Match", "*").strip()
    if wanted == "*":
        return None
    versions = [int(found) for found in _TAG.findall(wanted)]
    if not versions:
        raise PreconditionFailed
    return max(versions)


def with_if_match(changes: S) -> S:
    """The changes, with the version that `If-Match` names as the one that the person started from."""
    version = if_match()
    return changes if version is None else changes.model_copy(update={"version": version})


def version_tag(version: int) -> str:
    """The entity tag of one version of a resource."""
    return f'"v{version}"'


def _check_utf8(body: bytes) -> None:
    """Refuse bytes that are no text: Werkzeug would put U+FFFD in their place and say nothing."""
    raw = unquote_to_bytes(body) if request.mimetype == FORMS[0] else body
    try:
        raw.decode()
    except UnicodeDecodeError:
        raise Malformed(phrase("The form is not encoded as UTF-8.")) from None


def hear_out() -> None:
    """Read on for a while what a refused client still sends, so that it hears the answer.

    Where the connection stays open gunicorn does so itself. Where it is closed, what was not read would reset it; and a
    body in chunks may have no end, so gunicorn is told to close the connection after it.
    """
    body = request.environ["wsgi.input"]
    comes_in_chunks = request.content_length is None and hasattr(body, "failed")
    if not comes_in_chunks and not _is_closed_after_this():
        return
    with suppress(Exception):  # what it says does not matter any more
        for _ in range(SPILL // PIECE):
            if not body.read(PIECE):
                return
    if comes_in_chunks:
        body.failed = True


def _is_closed_after_this() -> bool:
    said = request.headers.get("Connection", "").lower()
    return said == "close" or (said != "keep-alive" and request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0")
