"""Reading multipart/form-data to a limit: small fields into memory, files into temporary ones that spill to disk."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Final, cast

from flask import Request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from common.problems import Problem
from ingest_service.http.body import PIECE_BYTES, body_pieces
from ingest_service.intake.requests import invalid_body

FORM_BYTES: Final = 64 * 1024
"""What fields and boundaries may add to the files."""
MAX_PARTS: Final = 50
_MAX_FIELD_BYTES: Final = FORM_BYTES + PIECE_BYTES
"""The parser counts what it has read and not yet looked at as well."""
_SPOOL_BYTES: Final = 1024**2
"""A larger file goes to the temporary folder."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a form says, in the order in which it came. Files are at their beginning, and closed with the form."""

    fields: "MultiDict[str, str]"
    files: MultiDict[str, FileStorage]


class _Pieces:
    """The body as the parser reads it. It takes any length, so pieces go through as they come."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, _size: int = -1) -> bytes:
        """The next piece; empty at the end."""
        return next(self._pieces, b"")


@contextmanager
def form_data(req: Request, limit_bytes: int) -> Iterator[Form]:
    """The form in the body of a request whose files may have `limit_bytes` in all.

    Raises a `Problem`: 415 where the body is no form, 413 above the limit or with too many fields, 400 where it can't be read.
    """
    media_type, options = parse_options_header(req.headers.get("Content-Type", ""))
    if media_type.lower() != "multipart/form-data":
        raise Problem(415, "not-a-form", "The body must be multipart/form-data.")
    with ExitStack() as files:

        def temporary(**_described: object) -> IO[bytes]:
            return cast("IO[bytes]", files.enter_context(SpooledTemporaryFile(max_size=_SPOOL_BYTES)))

        parser = FormDataParser(
            stream_factory=temporary,  # type: ignore[arg-type]  # the parser names all of its arguments; none is needed
            max_form_memory_size=_MAX_FIELD_BYTES,
            max_form_parts=MAX_PARTS,
            silent=False,
        )
        body = cast("IO[bytes]", _Pieces(body_pieces(req, limit_bytes + FORM_BYTES)))
        try:
            _, found, uploaded = parser.parse(body, "multipart/form-data", req.content_length, options)
        except RequestEntityTooLarge as error:
            detail = f"The form has more than {MAX_PARTS} parts, or more than {FORM_BYTES} bytes outside of its files."
            raise Problem(413, "form-too-large", detail) from error
        except ValueError as error:
            raise invalid_body(f"The form can't be read: {error}") from error
        if any(not name for name in (*found, *uploaded)):
            raise invalid_body("The form can't be read: a part has no name")
        yield Form(found, uploaded)
