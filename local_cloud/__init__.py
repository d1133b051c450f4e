"""The whole system as in production, on one machine: emulators, a GCS server, redis-server, gunicorn for each service."""
