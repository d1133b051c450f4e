"""A Whisper that says the same of the same audio at once, as a process that can be killed: `python -m … PORT`."""

import sys
from http.server import BaseHTTPRequestHandler

from tests.chaos.whisper_front import transcription_of
from tests.quiet_server import QuietServer
from tests.transcribe_service.whisper.whisper_server import multipart_fields


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:  # the way here was cut
            self.close_connection = True
            return
        answer = transcription_of(multipart_fields(self.headers["Content-Type"], body)["file"][0])
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        return


if __name__ == "__main__":
    QuietServer(("127.0.0.1", int(sys.argv[1])), _Handler).serve_forever()
