#!/bin/sh
# docker as a build of images calls it: writes down its arguments, and gives each image a digest.
set -eu
here=$(dirname "$(dirname "$0")")
echo "$*" >>"$here/docker.log"
case "$1 $2" in
"login --username") cat >>"$here/passwords" ;;
"buildx create") ;;
"buildx imagetools")
    case $3 in
    inspect) echo "sha256:$(printf %064d 1)" ;;
    create) ;;
    *) exit 64 ;;
    esac
    ;;
"buildx build")
    while [ "$1" != --metadata-file ]; do shift; done
    service=$(basename "$2" .json)
    digest=$(printf '%s %s' "$service" "$(wc -l <"$here/docker.log")" | sha256sum | cut -d ' ' -f 1)
    printf '{"buildx.build.ref": "x", "containerimage.digest": "sha256:%s"}' "$digest" >"$2"
    ;;
*) exit 64 ;;
esac
