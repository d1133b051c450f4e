"""The request in hand itself. Flask's `request` looks for it again at each attribute, which costs as much as finding it once."""

from typing import cast

from flask import Request, request
from werkzeug.local import LocalProxy


def current_request() -> Request:
    """The request; only while one is being answered."""
    return cast("LocalProxy[Request]", request)._get_current_object()  # noqa: SLF001 -- as Flask's own documentation does
