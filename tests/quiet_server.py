"""An HTTP server for tests that says nothing of clients that hang up."""

import sys
from http.server import ThreadingHTTPServer


class QuietServer(ThreadingHTTPServer):
    """Clients that hang up in the middle of an answer are part of what is tested; all else is said on standard error as ever."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """See the class."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # the stubs name the socket types
