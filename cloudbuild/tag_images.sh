#!/bin/sh
# Gives the images that OUT/images.json names their commit as a tag. Wants REPOSITORY and COMMIT_SHA. Doing it twice is once.
set -eu

. cloudbuild/registry_login.sh

sed -n 's/.*"\([^"]*@sha256:[0-9a-f]\{64\}\)".*/\1/p' "$OUT/images.json" | while read -r image; do
    docker buildx imagetools create --tag "${image%@*}:$COMMIT_SHA" "$image"
done
