"""One WSGI application out of several, by path."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True)
class Mount:
    """Requests whose path is `prefix` or lies below it go to `app`, with the prefix taken off if `strip`."""

    prefix: str
    app: "WSGIApplication"
    strip: bool = False

    def covers(self, path: str) -> bool:
        """Whether `path` belongs here."""
        return path == self.prefix or path.startswith(f"{self.prefix}/")


def by_path(mounts: Iterable[Mount], otherwise: "WSGIApplication") -> "WSGIApplication":
    """The first mount that covers the path answers; `otherwise` answers the rest."""
    table = tuple(mounts)

    def route(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        mount = next((mount for mount in table if mount.covers(path)), None)
        if mount is None:
            return otherwise(environ, start_response)
        if mount.strip:
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + mount.prefix
            environ["PATH_INFO"] = path[len(mount.prefix) :]
        return mount.app(environ, start_response)

    return route
