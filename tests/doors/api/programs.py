"""Programs that use the API in tests."""

import json
from typing import Any

from backflush.people.rights import Role
from backflush.people.tokens import make_token
from tests.cast import Plant
from tests.doors.web.visitors import browser, person

ORDER = "W-BRACKET"


class Program:
    """A program with an API token of a user."""

    def __init__(self, token: str) -> None:
        # Check for forged requests, as the server does.
        self._client = browser(enforce_csrf_checks=True, authorization=f"Bearer {token}")

    def gets(self, address: str, **asked: str) -> tuple[int, Any]:
        response = self._client.get(f"/api/v1{address}", asked)
        return response.status_code, response.json()

    def posts(self, address: str, body: Any, *, key: str = "", kind: str = "application/json") -> tuple[int, Any]:
        """Send a request, and return the status and the response; for JSON lines, a list."""
        response = self.answered(address, body, key=key, kind=kind)
        if not response.streaming:
            return response.status_code, response.json()
        return response.status_code, [json.loads(line) for line in response.getvalue().splitlines()]

    def answered(self, address: str, body: Any, *, key: str = "", kind: str = "application/json") -> Any:
        """The response itself."""
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        headers = {"idempotency-key": key} if key else {}
        return self._client.post(f"/api/v1{address}", text, content_type=kind, headers=headers)

    def asks(self, method: str, address: str) -> Any:
        return self._client.generic(method, address)


def program(plant: Plant, *roles: Role, name: str = "gateway") -> Program:
    """Return a program that acts as a user with some roles."""
    return Program(make_token(user=person(plant, *(roles or (Role.OPERATOR,)), name=name)))


def booking(**fields: Any) -> dict[str, Any]:
    return {"order": ORDER, "good": "1", "at": "2026-03-02", **fields}


def receipt(**fields: Any) -> dict[str, Any]:
    return {"kind": "receipt", "order": "P-PLATED", "accepted": "1", "at": "2026-03-02", **fields}


def production(**fields: Any) -> dict[str, Any]:
    return {"kind": "production", "item": "PACK", "good": "1", "at": "2026-03-02", **fields}
