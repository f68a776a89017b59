# One Dockerfile for every image. SERVICES says what the image hosts: one service, several ("orders payments"), or cli,
# which has all workspaces: the migrations' Job, the modular monolith and the operator's commands.
#
#   docker build --build-arg SERVICES=orders --tag stoa-orders .
#
# There is no HEALTHCHECK: the cluster's probes know what they ask (mesh/base/deployment.yaml). There is no build either:
# Node 24 runs the TypeScript sources as they are.
ARG BASE=node:24-bookworm-slim

# What the image needs of the repository. Its output is the same for the same sources, so the layers below are reused
# although this one sees every change: times are set to one moment, and modes do not depend on who checked out.
FROM ${BASE} AS selected
ARG SERVICES
WORKDIR /source
COPY . .
RUN node scripts/image.ts /source /selected "${SERVICES}" \
  && mkdir /layer && mv /selected/app /layer/app \
  && chmod -R u=rwX,go=rX /layer \
  && find /layer -exec touch --no-dereference --date=@0 {} +

# Only package.json files decide about this layer. npm links the workspaces into node_modules; the links must stay links,
# because Node does not strip types from files that really lie in node_modules.
FROM ${BASE} AS packages
WORKDIR /layer/app
COPY --from=selected /selected/manifests ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund \
  && find /layer -exec touch --no-dereference --date=@0 {} +

# Owned by root and read by everybody: the process cannot change its own code.
FROM ${BASE} AS runtime
ENV NODE_ENV=production
COPY --from=packages /layer /
COPY --from=selected /layer /
WORKDIR /app
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 50051 9090
# No shell and no npm in between: signals reach the process. Arguments name another program: cli/src/main.ts migrate.
ENTRYPOINT ["node"]
CMD ["main.ts"]

# For skaffold dev: files belong to the process' user, so that changed ones can be copied into the running container,
# and Node starts anew when that happens.
FROM runtime AS dev
USER 0:0
RUN chown -R 10001:10001 /app
USER 10001:10001
ENV NODE_ENV=development
CMD ["--watch", "--watch-preserve-output", "main.ts"]

# The last stage is what a plain `docker build` makes.
FROM runtime
