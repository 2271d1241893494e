"""What the board of a program shows: gathered once, for the page, its fragment and every answer that brings it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.core.actor import Actor
from app.core.errors import Conflict, Invalid
from app.queries.boards import get_board, get_column, place_after
from app.queries.programs import get_program, programs_around
from app.queries.tasks import TaskView, get_task
from app.schemas.tasks import CardMove, Move
from app.web.parsing import read_changes
from app.web.people_at_hand import people_at_hand


def explained(refusal: Conflict | Invalid) -> Conflict | Invalid:
    """Why a card did not go where it should, in one sentence: a board has no fields beside which it could stand."""
    if isinstance(refusal, Invalid):
        return Invalid(refusal.fields, " ".join(refusal.fields.values()))
    return refusal


def board_context(actor: Actor, program_id: UUID) -> dict[str, Any]:
    """The program, what it lies in, its columns, and whom to give its tasks. A fixed number of queries.

    Raises NotFound.
    """
    program, columns = get_program(actor, program_id), get_board(actor, program_id)
    cards = [card for column in columns for card in column.cards]
    return {
        "program": program,
        "above": programs_around(actor, program_id),
        "columns": columns,
        "people": people_at_hand(actor, cards),
    }


def card_context(actor: Actor, task_id: UUID) -> dict[str, Any]:
    """One card: the task and where it may go from the state that it is in. Raises NotFound."""
    card = get_task(actor, task_id)
    return {"card": card, "column": get_column(actor, card.state_key)}


def read_card_move(actor: Actor, task: TaskView) -> Move:
    """Where a form sends a card: to a state, behind another card, or a step up or down. An empty `after` is the top.

    Raises Invalid.
    """
    move = read_changes(CardMove, empty={"after": None})
    if "step" not in move.model_fields_set:
        return move
    return Move(after=place_after(actor, task, move.step), version=move.version)
