"""What schemathesis must be told of this API: how tus sends bytes. Loaded by `schemathesis run` through SCHEMATHESIS_HOOKS."""

from typing import Any

import schemathesis
from schemathesis.transport import SerializationContext


@schemathesis.serializer("application/offset+octet-stream")
def raw(_context: SerializationContext, value: Any) -> dict[str, Any]:
    return {"data": value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")}
