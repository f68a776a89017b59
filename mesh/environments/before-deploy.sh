#!/bin/sh
# Called by skaffold before it deploys: mesh/environments/before-deploy.sh dev|one|ci|canary|prod. Makes the namespace and, once, its
# secrets; removes the last migrations' Job, which could not be changed.
set -eu
environment=$1
context=${SKAFFOLD_KUBE_CONTEXT:+--context=$SKAFFOLD_KUBE_CONTEXT}
kube() { kubectl ${context} "$@"; }

kube get namespace stoa >/dev/null 2>&1 || kube create namespace stoa
kube -n stoa delete job/migrate --ignore-not-found
# Production's come from its secret store.
if [ "$environment" = prod ]; then exit 0; fi
marker=orders
if [ "$environment" = one ]; then marker=stoa; fi
if ! kube -n stoa get secret "$marker" >/dev/null 2>&1; then
  node scripts/with-setup.mjs mesh/environments/secrets.ts "$environment" | kube -n stoa apply -f -
fi
