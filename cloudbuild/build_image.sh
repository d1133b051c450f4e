#!/bin/sh
# Builds one service's image and pushes it by its digest, with its SBOM and provenance: sh cloudbuild/build_image.sh SERVICE
#
# Wants REPOSITORY, CACHE, BUILDKIT_IMAGE, COMMIT_SHA and SOURCE in its environment, and in OUT the file python-image. Leaves the digest
# in OUT/SERVICE.json. Nothing is done for a commit whose images are recorded already.
set -eu

service=$1
if [ -e "$OUT/images.json" ]; then
    echo "The images of $COMMIT_SHA are there already."
    exit 0
fi

. cloudbuild/registry_login.sh

# Attestations and caches in a registry need BuildKit in a container: the daemon's own keeps neither.
docker buildx create --name "$service" --driver docker-container --driver-opt "image=$BUILDKIT_IMAGE" --bootstrap >/dev/null

# Where Terraform makes a Whisper service, it is on a GPU.
set --
if [ "$service" = whisper ]; then set -- --build-arg REQUIREMENTS=whisper-gpu.txt; fi

python_image=$(cat "$OUT/python-image")
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml | head -n 1)

docker buildx build --builder "$service" --progress plain --platform linux/amd64 \
    --file "${service}_service/Dockerfile" \
    --build-arg "PYTHON_IMAGE=$python_image" \
    --build-arg "BASE_DIGEST=${python_image##*@}" \
    --build-arg "VERSION=$version" \
    --build-arg "REVISION=$COMMIT_SHA" \
    --build-arg "SOURCE=$SOURCE" "$@" \
    --sbom=true --provenance=mode=max \
    --cache-from "type=registry,ref=$CACHE/$service:cache" \
    --cache-to "type=registry,ref=$CACHE/$service:cache,mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true" \
    --output "type=image,name=$REPOSITORY/$service,push-by-digest=true,name-canonical=true,push=true" \
    --metadata-file "$OUT/$service.json" .
