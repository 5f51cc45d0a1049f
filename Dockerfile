# syntax=docker/dockerfile:1
# Longtake in a container. It starts `longtake serve`; any other command of `longtake` runs in the same image.

FROM node:24-bookworm-slim AS build
WORKDIR /opt/longtake
ENV TURBO_TELEMETRY_DISABLED=1
COPY . .
RUN --mount=type=cache,target=/root/.npm npm ci && npx turbo run build --filter=@longtake/cli...
# The same tree again with what it needs at run time alone: `longtake` and what it depends on.
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --workspace @longtake/cli \
  && rm -r packages/*/src apps/*/src packages/*/.turbo apps/*/.turbo \
  && cd node_modules/onnxruntime-node/bin/napi-v6 \
  && find . -mindepth 2 -maxdepth 2 ! -path "./linux/$(node -p process.arch)" -exec rm -r {} +

FROM node:24-bookworm-slim
# Ends the processes of decoders whose parents are gone, and passes signals on.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends tini \
  && rm -rf /var/lib/apt/lists/* \
  && install --directory --owner=node --group=node --mode=0700 /var/lib/longtake
COPY --from=build /opt/longtake/node_modules /opt/longtake/node_modules
COPY --from=build /opt/longtake/packages /opt/longtake/packages
COPY --from=build /opt/longtake/apps /opt/longtake/apps
RUN ln -s /opt/longtake/packages/cli/bin/longtake.js /usr/local/bin/longtake
# Accepted questions and videos, and pulled models: the one folder that has to be writable, beside /tmp.
ENV NODE_ENV=production LONGTAKE_STATE=/var/lib/longtake/state LONGTAKE_HOME=/var/lib/longtake
WORKDIR /var/lib/longtake
# By number, so that platforms can see that it is not root.
USER 1000:1000
EXPOSE 8080
STOPSIGNAL SIGTERM
# Whether the server lives; /readyz says whether it takes questions. Other commands have to switch this off.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.LONGTAKE_PORT || 8080}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--", "longtake"]
CMD ["serve"]
