"""What the board of a program shows: gathered once, for the page, its fragment and every answer that brings it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.core.actor import Actor
from app.core.errors import Conflict, Invalid
from app.queries.boards import get_board
from app.queries.programs import get_program, programs_around


def explained(refusal: Conflict | Invalid) -> Conflict | Invalid:
    """Why a card did not go where it should, in one sentence: a board has no fields beside which it could stand."""
    if isinstance(refusal, Invalid):
        return Invalid(refusal.fields, " ".join(refusal.fields.values()))
    return refusal


def board_context(actor: Actor, program_id: UUID) -> dict[str, Any]:
    """The program, what it lies in, and its columns. A fixed number of queries. Raises NotFound."""
    return {
        "program": get_program(actor, program_id),
        "above": programs_around(actor, program_id),
        "columns": get_board(actor, program_id),
    }
