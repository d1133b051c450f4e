"""Writes docs/http.md from the OpenAPI document of the local runner, which serves what all services serve: `make docs`. A test compares."""

import logging
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import structlog
from werkzeug.test import Client

from common.adapters.embedded.data_dir import DataDir
from common.clock import SystemClock
from local_runner.compose import Stack
from local_runner.settings import load_runner_settings

PAGE: Final = Path(__file__).with_name("http.md")
Json = dict[str, Any]

INTRODUCTION: Final = """\
# HTTP reference

Generated from the code's own types by `make docs`; do not edit. Programs read the same from `GET /openapi.json`, which every service
answers for its own routes, and the local runner for all.

- **Tokens.** `Authorization: Bearer …`, or the query parameter `token` where a client can't set headers. What a token must allow stands
  beside each route.
- **Problems.** Every answer that is no success is [ProblemDetails](#problemdetails) (RFC 9457, `application/problem+json`) and says what is
  wrong in words. Besides the statuses that a route names: 400 for input that breaks a rule, 401 and 403 for tokens, 404 for what is not
  there, 414 and 431 for what is too long in front of the body, 429 and 503 with `Retry-After`.
- **Names that are not known** in a query or a body are refused, since a misspelt one would be lost in silence.
- **Ids** are 1 to 128 of `A-Z a-z 0-9 . _ -`, not beginning with a dot. Times are milliseconds; where they count from the epoch, it says so.
"""
TITLES: Final = {
    "streams": "Live streams",
    "stream_socket": "Live streams over a WebSocket",
    "recorder": "A recorder for web pages",
    "recordings": "Whole recordings",
    "uploads": "Resumable uploads",
    "upload_capabilities": "Resumable uploads",
    "upload_speakers": "Resumable uploads",
    "transcriptions": "OpenAI's transcription route",
    "meetings": "Transcripts",
    "tokens": "Tokens",
    "dead_letters": "Dead letters",
    "extension": "Clients of the earlier system",
    "token_check": "Clients of the earlier system",
    "users": "Clients of the earlier system",
    "audio_stream": "Clients of the earlier system",
    "health": "Health",
}
"""Sections in this order, by the routes' tags; others follow under their own name."""
COMMON_STATUSES: Final = {"400", "401", "403", "404", "414", "429", "431", "503"}


def document() -> Json:
    """What the local runner answers at `/openapi.json`."""
    with tempfile.TemporaryDirectory() as folder:
        DataDir(Path(folder))
        environ = {"DATA_DIR": folder, "WHISPER_SERVICE_URL": "http://127.0.0.1:9"}
        stack = Stack(load_runner_settings(environ, token=lambda: "nobody"), SystemClock())
        try:
            found: Json = Client(stack.application).get("/openapi.json").json or {}
        finally:
            stack.close()
    return found


def page(of: Json) -> str:
    """The whole page."""
    sections: dict[str, list[str]] = {title: [] for title in TITLES.values()}
    for path, methods in of["paths"].items():
        for method, operation in methods.items():
            (tag,) = operation["tags"]
            title = TITLES.get(tag, tag.replace("_", " ").capitalize())
            sections.setdefault(title, []).append(_operation(method, path, operation))
    parts = [INTRODUCTION]
    for title, operations in sections.items():
        if operations:
            parts += [f"## {title}\n", *operations]
    parts.append("## Types\n")
    parts += [_component(name, schema) for name, schema in of["components"]["schemas"].items()]
    return "\n".join(parts)


def _operation(method: str, path: str, operation: Json) -> str:
    lines = [f"### `{method.upper()} {path}`\n", f"{operation['summary']}.\n"]
    if "description" in operation:
        lines.append(f"{operation['description']}\n")
    scopes = operation["security"][0]["bearer"] if operation["security"] else None
    if scopes is None:
        lines.append("Without a token.\n")
    elif scopes:
        lines.append(f"Token: {' and '.join(f'`{scope}`' for scope in scopes)}.\n")
    else:
        lines.append("Token: any.\n")
    if operation.get("parameters"):
        lines.append(_table(("parameter", "in", "value", "meaning"), map(_parameter_row, operation["parameters"])))
    if "requestBody" in operation:
        body = operation["requestBody"]
        lines.append(f"Body: {_contents(body['content'])}. {body.get('description', '')}".rstrip() + "\n")
    answers = ((status, each) for status, each in operation["responses"].items() if not _is_common(status, each))
    rows = ((status, _contents(each.get("content", {})), _with_headers(each)) for status, each in answers)
    lines.append(_table(("status", "answer", "meaning"), rows))
    return "\n".join(lines)


def _is_common(status: str, answer: Json) -> bool:
    return status in COMMON_STATUSES and "application/problem+json" in answer.get("content", {})


def _with_headers(answer: Json) -> str:
    names = ", ".join(f"`{name}`" for name in answer.get("headers", {}))
    return answer["description"] + (f" Headers: {names}." if names else "")


def _parameter_row(parameter: Json) -> tuple[str, ...]:
    name = f"`{parameter['name']}`" + (" (required)" if parameter["required"] else "")
    return name, parameter["in"], _kind(parameter["schema"]), parameter["description"]


def _contents(contents: Json) -> str:
    shown = []
    for media_type, content in contents.items():
        kind = _kind(content["schema"]) if "schema" in content else "bytes"
        if media_type == "application/problem+json":
            return kind
        shown.append(kind if media_type == "application/json" else f"{kind} as `{media_type}`")
    return "; ".join(shown) or "nothing"


def _component(name: str, schema: Json) -> str:
    lines = [f"### {name}\n"]
    if "description" in schema:
        lines.append(f"{schema['description']}\n")
    required = set(schema.get("required", ()))
    rows = (
        (f"`{field}`" + (" (required)" if field in required else ""), _kind(each), each.get("description", ""))
        for field, each in schema.get("properties", {}).items()
    )
    if schema.get("properties"):
        lines.append(_table(("member", "value", "meaning"), rows))
    else:
        lines.append(f"{_kind(schema)}\n")
    return "\n".join(lines)


def _kind(schema: Json) -> str:
    """A schema in few words."""
    match schema:
        case {"$ref": reference}:
            name = reference.rpartition("/")[2]
            return f"[{name}](#{name.lower()})"
        case {"enum": values}:
            return " or ".join(f"`{value}`" for value in values)
        case {"anyOf": kinds}:
            return " or ".join(_kind(each) for each in kinds)
        case {"type": "array", "prefixItems": kinds}:
            return f"[{', '.join(_kind(each) for each in kinds)}]"
        case {"type": "array", "items": kind}:
            return f"list of {_kind(kind)}"
        case {"type": "object", "additionalProperties": dict(kind)}:
            return f"object of {_kind(kind)}"
        case {"type": "integer" | "number" as kind}:
            return f"{kind}{_bounds(schema)}"
        case {"type": str(kind)}:
            return kind
        case _:
            return "any"


def _bounds(schema: Json) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f" from {least} to {most}"
    return f" from {least} on" if least is not None else ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(_table_lines(head, rows))


def _table_lines(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n"


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    PAGE.write_text(page(document()), encoding="utf-8")
