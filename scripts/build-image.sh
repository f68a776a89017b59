#!/bin/sh
# Called by skaffold for each artifact: scripts/build-image.sh <services>. A script and not skaffold's own docker builder,
# because that one would take every file of the repository for a dependency of every image.
set -eu
docker build --target dev --build-arg "SERVICES=$1" --tag "$IMAGE" .
if [ "${PUSH_IMAGE:-false}" = true ]; then docker push "$IMAGE"; fi
