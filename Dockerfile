# syntax=docker/dockerfile:1
# The host and the plugins in Rust. Build components in Python and JavaScript on a machine with their tools, and
# mount them at /srv/galleria/plugins.

# The oldest compiler that the workspace supports.
FROM rust:1.95-bookworm AS build
WORKDIR /src
RUN rustup target add wasm32-wasip2
# Compile OpenSSL for the Kafka client, so that the image needs no further library.
ENV OPENSSL_NO_VENDOR=0
COPY . .
# The caches are not part of a layer, so this step also copies the results out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --package galleria \
    && cargo xtask plugins \
    && mkdir -p /out/plugins \
    && cp target/release/galleria /out/galleria \
    && cp -r target/plugins/. /out/plugins/

FROM debian:bookworm-slim
# Certificates to trust, for the HTTPS addresses of identity providers.
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
# A fixed user id, so that volumes keep their owner in later releases. The user has no shell and no home.
RUN groupadd --system --gid 10001 galleria \
    && useradd --system --uid 10001 --gid galleria --no-create-home --shell /usr/sbin/nologin galleria \
    && install --directory --owner=galleria --group=galleria --mode=0750 /var/lib/galleria
WORKDIR /srv/galleria
COPY --from=build /out/galleria /usr/local/bin/galleria
COPY --from=build /out/plugins plugins
COPY conf conf
COPY retailers retailers
# Listen on all addresses of the container. docker-compose.yml decides which are published.
ENV GALLERIA_DATA=/var/lib/galleria \
    GALLERIA_PLUGINS=/srv/galleria/plugins \
    GALLERIA_HTTP__LISTEN=0.0.0.0:8080 \
    GALLERIA_LOG__FORMAT=json
USER galleria
VOLUME /var/lib/galleria
EXPOSE 8080
ENTRYPOINT ["galleria"]
CMD ["serve"]
