#!/bin/sh
# Writes the lock files of this folder: `make lock`. What they are for stands in README.md beside this file.
set -eu

compile() {
    extra=$1
    shift
    "$BIN/uv" pip compile pyproject.toml --quiet --upgrade --extra "$extra" --output-file "requirements/$extra.txt" \
        --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
        --custom-compile-command 'make lock' "$@"
}

compile dev
for group in checkov audit; do
    "$BIN/uv" pip compile --group "pyproject.toml:$group" --quiet --upgrade --output-file "requirements/$group.txt" \
        --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
        --custom-compile-command 'make lock'
done
# The images run exactly the versions that the tests ran.
for image in ingest transcribe whisper whisper-gpu; do
    compile "$image" --constraints requirements/dev.txt
done
compile segmenter --constraints requirements/dev.txt --overrides requirements/segmenter-overrides.txt
