"""The doors of the product: the same operation through a form, through htmx and through JSON.

Each answers with the response and lets a test forget which door it came in by: `door(player).create_task(...)`.
"""

from __future__ import annotations

import json
from contextvars import copy_context
from typing import Any
from uuid import UUID

from flask.globals import _cv_app
from flask.testing import FlaskClient

ORIGIN = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}


class Browser(FlaskClient):
    """A client whose requests stand alone, as on a server.

    A test holds an application context open; Flask would let a request join it, and share with the test the database
    session and whatever the request before has left there.
    """

    def open(self, *args: Any, **more: Any) -> Any:
        """Send a request, outside of the application context of the test."""
        context = copy_context()
        context.run(_cv_app.set, None)  # type: ignore[arg-type]
        return context.run(super().open, *args, **more)


class Pages:
    """Somebody's browser without JavaScript: pages and forms."""

    headers: dict[str, str] = {}

    def __init__(self, client: FlaskClient, player: Any) -> None:
        self.client, self.player = client, player
        if player is not None:
            client.set_cookie("sid", player.cookie, domain="localhost")

    def get(self, path: str, **more: Any) -> Any:
        """A page of the organisation, by its path after /o/<slug>."""
        return self.client.get(self.at(path), headers=self.headers | more.pop("headers", {}), **more)

    def post(self, path: str, **fields: Any) -> Any:
        """A form of the organisation, sent from one of our own pages."""
        given = {name: "" if value is None else str(value) for name, value in fields.items()}
        return self.client.post(self.at(path), data=given, headers=ORIGIN | self.headers)

    def at(self, path: str) -> str:
        """The whole path."""
        return f"/o/{self.player.organisation.slug}{path}"


class Form(Pages):
    """The door of a plain form: a success is a redirect (303)."""

    done = 303

    def create_program(self, **fields: Any) -> Any:
        return self.post("/programs", **fields)

    def update_program(self, program_id: UUID, **fields: Any) -> Any:
        return self.post(f"/programs/{program_id}", **fields)

    def delete_program(self, program_id: UUID) -> Any:
        return self.post(f"/programs/{program_id}/deletion")

    def restore_program(self, program_id: UUID) -> Any:
        return self.post(f"/programs/{program_id}/restoration")

    def create_task(self, **fields: Any) -> Any:
        return self.post("/tasks", **fields)

    def update_task(self, task_id: UUID, **fields: Any) -> Any:
        return self.post(f"/tasks/{task_id}", **fields)

    def move_task(self, task_id: UUID, **fields: Any) -> Any:
        return self.post(f"/tasks/{task_id}/move", **fields)

    def assign_task(self, task_id: UUID, **fields: Any) -> Any:
        return self.post(f"/tasks/{task_id}/assignment", **fields)

    def unassign_task(self, task_id: UUID, user_id: int) -> Any:
        return self.post(f"/tasks/{task_id}/assignment/{user_id}/deletion")

    def comment_on_task(self, task_id: UUID, **fields: Any) -> Any:
        return self.post(f"/tasks/{task_id}/comments", **fields)

    def delete_task(self, task_id: UUID) -> Any:
        return self.post(f"/tasks/{task_id}/deletion")

    def restore_task(self, task_id: UUID) -> Any:
        return self.post(f"/tasks/{task_id}/restoration")

    def request_certification(self, task_id: UUID, **fields: Any) -> Any:
        return self.post(f"/tasks/{task_id}/certifications", **fields)

    def revoke_certification(self, certification_id: UUID, **fields: Any) -> Any:
        return self.post(f"/certifications/{certification_id}/revocation", **fields)

    def verify_certification(self, certification_id: UUID) -> Any:
        return self.post(f"/certifications/{certification_id}/verification")

    def retry_certification(self, certification_id: UUID) -> Any:
        return self.post(f"/certifications/{certification_id}/retry")


class Htmx(Form):
    """The door of htmx: an in-place action answers with the new fragment (200)."""

    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "Accept": "text/html"}


class Json:
    """The door of programs: JSON with an API key."""

    done = None

    def __init__(self, client: FlaskClient, player: Any) -> None:
        self.client, self.player = client, player
        self.headers = {"Authorization": f"Bearer {player.api_key}"} if player else {}

    def get(self, path: str, **more: Any) -> Any:
        """A resource, by its path after /api/v1."""
        return self.client.get(f"/api/v1{path}", headers=self.headers | more.pop("headers", {}), **more)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A request with a JSON body."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        more = {} if body is None else {"json": body}
        return self.client.open(f"/api/v1{path}", method=method, headers=self.headers | named, **more)

    def create_program(self, **fields: Any) -> Any:
        return self.send("POST", "/programs", _json(fields))

    def update_program(self, program_id: UUID, **fields: Any) -> Any:
        return self.send("PATCH", f"/programs/{program_id}", _json(fields))

    def delete_program(self, program_id: UUID) -> Any:
        return self.send("DELETE", f"/programs/{program_id}")

    def restore_program(self, program_id: UUID) -> Any:
        return self.send("POST", f"/programs/{program_id}/restore")

    def create_task(self, **fields: Any) -> Any:
        return self.send("POST", "/tasks", _json(fields))

    def update_task(self, task_id: UUID, **fields: Any) -> Any:
        return self.send("PATCH", f"/tasks/{task_id}", _json(fields))

    def move_task(self, task_id: UUID, **fields: Any) -> Any:
        return self.send("POST", f"/tasks/{task_id}/workflow", _json(fields))

    def assign_task(self, task_id: UUID, **fields: Any) -> Any:
        return self.send("POST", f"/tasks/{task_id}/assign", _json(fields))

    def unassign_task(self, task_id: UUID, user_id: int) -> Any:
        return self.send("DELETE", f"/tasks/{task_id}/assign/{user_id}")

    def comment_on_task(self, task_id: UUID, **fields: Any) -> Any:
        return self.send("POST", f"/tasks/{task_id}/comments", _json(fields))

    def delete_task(self, task_id: UUID) -> Any:
        return self.send("DELETE", f"/tasks/{task_id}")

    def restore_task(self, task_id: UUID) -> Any:
        return self.send("POST", f"/tasks/{task_id}/restore")

    def request_certification(self, task_id: UUID, **fields: Any) -> Any:
        return self.send("POST", "/certifications", _json({"task_id": task_id} | fields))

    def revoke_certification(self, certification_id: UUID, **fields: Any) -> Any:
        return self.send("POST", f"/certifications/{certification_id}/revoke", _json(fields))

    def verify_certification(self, certification_id: UUID) -> Any:
        return self.send("POST", f"/certifications/{certification_id}/verify")

    def retry_certification(self, certification_id: UUID) -> Any:
        return self.send("POST", f"/certifications/{certification_id}/retry")


def went_well(answer: Any) -> bool:
    """Whether an operation was carried out, in the words of the door it came in by."""
    return answer.status_code in (200, 201, 204, 303)


def toasts(answer: Any) -> list[str]:
    """What a script would show as messages beside the answer."""
    return [each["text"] for each in messages(answer)]


def messages(answer: Any) -> list[dict[str, Any]]:
    """The same with their tones, and the ways to take back what was done."""
    told = answer.headers.get("HX-Trigger")
    return json.loads(told)["toast"]["said"] if told else []


def _json(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in fields.items()}
