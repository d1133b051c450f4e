"""The least that a Flask route can do with a chunk: read its body and answer in JSON. What `bench.ingest` compares ingest with."""

from flask import Flask, Response, jsonify, request


def application() -> Flask:
    """The application; gunicorn calls it once in its worker."""
    app = Flask("bare", static_folder=None)

    @app.put("/v1/streams/<connection_id>/chunks/<int:seq>")
    def put_chunk(connection_id: str, seq: int) -> Response:
        size_bytes = len(request.get_data())
        return jsonify(connection_id=connection_id, seq=seq, size_bytes=size_bytes, status="stored")

    @app.get("/health/ready")
    def ready() -> Response:
        return jsonify(status="ok")

    return app
