# syntax=docker/dockerfile:1
# The host and the plugins that are compiled from Rust. Components written in Python or JavaScript
# are staged where their tools are, and mounted at /srv/galleria/plugins instead.

# The compiler that the workspace names as its oldest.
FROM rust:1.95-bookworm AS build
WORKDIR /src
RUN rustup target add wasm32-wasip2
COPY . .
# The caches are not in any layer; what is kept of them is copied out in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --package galleria \
    && cargo xtask plugins \
    && mkdir -p /out/plugins \
    && cp target/release/galleria /out/galleria \
    && cp -r target/plugins/. /out/plugins/

FROM debian:bookworm-slim
# Whom to believe who issues tokens: their addresses are https.
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
# A fixed number, so that volumes keep their owner over releases; no shell, no home, no rights.
RUN groupadd --system --gid 10001 galleria \
    && useradd --system --uid 10001 --gid galleria --no-create-home --shell /usr/sbin/nologin galleria \
    && install --directory --owner=galleria --group=galleria --mode=0750 /var/lib/galleria
WORKDIR /srv/galleria
COPY --from=build /out/galleria /usr/local/bin/galleria
COPY --from=build /out/plugins plugins
COPY conf conf
COPY retailers retailers
# Inside a container every address is the container's own: what is published is compose's to say.
ENV GALLERIA_DATA=/var/lib/galleria \
    GALLERIA_PLUGINS=/srv/galleria/plugins \
    GALLERIA_HTTP__LISTEN=0.0.0.0:8080 \
    GALLERIA_LOG__FORMAT=json
USER galleria
VOLUME /var/lib/galleria
EXPOSE 8080
ENTRYPOINT ["galleria"]
CMD ["serve"]
