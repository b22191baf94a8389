"""A form's own key: a double press, or a press again after a lost answer, posts once (I)."""

from uuid import uuid4


def new_key() -> str:
    """For a hidden field of a form that posts."""
    return f"web-{uuid4()}"
