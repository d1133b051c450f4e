"""What the stack tells a person at a terminal. Pure."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_cloud.processes import Child
    from local_cloud.stack import Stack


def _shown(path: Path) -> str:
    """As seen from here, where that is shorter."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)


def _rows(stack: "Stack") -> Iterator[tuple[str, str, str, str]]:
    yield "name", "address", "pid", "log"
    for child in stack.children:
        scheme = "" if child.name in {"pubsub", "firestore", "redis"} else "http://"
        yield child.name, f"{scheme}127.0.0.1:{child.port}", str(child.pid), _shown(child.log_path)
    yield "stats", f"{stack.stats_url}/internal/stats", str(os.getpid()), _shown(stack.log_folder / "stack.log")


def table(stack: "Stack", *, token_made: bool) -> str:
    """What runs where, where the token is, and what to try. Never the token itself."""
    rows = list(_rows(stack))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    ]
    token_path = _shown(stack.data_dir / "token")
    token = f"$(cat {token_path})" if token_made else "$API_TOKEN"
    authorization = f'-H "Authorization: Bearer {token}"'
    lines += [
        "",
        f"Bearer token: {token_path if token_made else 'API_TOKEN'}",
        "To try:",
        f"  curl -sS -X PUT {authorization} -H 'Content-Type: audio/webm' \\",
        f"    --data-binary @turnscribe/demo/conversation.webm '{stack.ingest_url}/v1/streams/laptop-1/chunks/0?meeting_id=weekly'",
        f"  curl -sS {authorization} '{stack.read_url}/v1/meetings/weekly/transcript?format=text'",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines) + "\n"


def ended(child: "Child") -> str:
    """That a process is gone, and where to look."""
    return f"{child.name} has ended (status {child.exit_status}) and is not started again; its log is {_shown(child.log_path)}\n"
