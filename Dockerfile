# Builds the program, then keeps it with git, which `check --base` needs.
FROM rust:1.90-slim-bookworm AS build
WORKDIR /src
RUN apt-get update \
    && apt-get install --no-install-recommends --yes gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
COPY Cargo.toml Cargo.lock ./
COPY src ./src
COPY rules ./rules
COPY README.md LICENSE-APACHE LICENSE-MIT ./
RUN cargo build --release --locked --bin unbraid

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --no-install-recommends --yes git ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 unbraid \
    # The repository is mounted and belongs to another user; git is only asked to read it.
    && git config --system --add safe.directory '*'
COPY --from=build /src/target/release/unbraid /usr/local/bin/unbraid
USER unbraid
WORKDIR /work
ENTRYPOINT ["unbraid"]
CMD ["--help"]
