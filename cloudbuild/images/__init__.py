"""What the services' Dockerfiles do, without Docker: read them, do it in a folder, start what comes of it. See `without_docker`."""
