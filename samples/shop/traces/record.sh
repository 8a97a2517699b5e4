#!/usr/bin/env bash
# Builds nine of the services, runs them, sends them the main flows and writes
# their spans to main-flows.pb.gz. Everything is built and run in a temporary
# folder; the services run in a network namespace that has only loopback.
#
# Needs: root, Linux (unshare, ip, runuser), PostgreSQL, redis-server, Go, Node,
# Python 3, Java 17, Maven, curl.
#   Debian: apt-get install postgresql redis-server iproute2 curl
# SHOP_RECORD_DIR names a folder to build in and keep for the next run.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SHOP=$(dirname "$HERE")
OUT="$HERE/main-flows.pb.gz"
# The broker needs a client library newer than the one it asks for.
BROKER_MODULES=(github.com/twmb/franz-go@v1.22.2 github.com/twmb/franz-go/pkg/kfake@v0.0.0-20260918054303-01f206a7e32c)

if [ -n "${SHOP_RECORD_DIR:-}" ]; then
  WORK=$SHOP_RECORD_DIR
  mkdir -p "$WORK"
else
  WORK=$(mktemp -d)
  trap 'rm -rf "$WORK"' EXIT
fi
chmod 711 "$WORK"
mkdir -p "$WORK/src" "$WORK/bin"

say() { printf '%s\n' "$*" >&2; }

for service in web gateway carts orders customers catalog pricing shipping notifications; do
  rm -rf "$WORK/new"
  cp -r "$SHOP/$service" "$WORK/new"
  mkdir -p "$WORK/src/$service"
  cp -r "$WORK/new/." "$WORK/src/$service/"
done
cp -r "$HERE" "$WORK/src/"

say "building customers, shipping and the broker (Go)"
(cd "$WORK/src/customers" && go build -o "$WORK/bin/customers" .)
(cd "$WORK/src/shipping" && go build -o "$WORK/bin/shipping" .)
mkdir -p "$WORK/src/broker"
sed '/^\/\/go:build/d' "$HERE/broker.go" > "$WORK/src/broker/main.go"
(
  cd "$WORK/src/broker"
  [ -f go.mod ] || go mod init broker
  for module in "${BROKER_MODULES[@]}"; do go mod edit -require="$module"; done
  go mod tidy
  go build -o "$WORK/bin/broker" .
)

say "building gateway, carts and web (Node)"
for service in gateway carts web; do
  (cd "$WORK/src/$service" && npm install --silent --no-audit --no-fund --no-package-lock)
done
for service in gateway carts; do
  (cd "$WORK/src/$service" && npx --no-install tsc -p .)
done

say "building catalog, pricing and notifications (Python)"
[ -d "$WORK/venv" ] || python3 -m venv "$WORK/venv"
"$WORK/venv/bin/pip" install --quiet --disable-pip-version-check \
  -r "$SHOP/catalog/requirements.txt" -r "$SHOP/pricing/requirements.txt" -r "$SHOP/notifications/requirements.txt"
for service in catalog pricing; do
  "$WORK/venv/bin/python" -m grpc_tools.protoc -I "$SHOP/pricing/proto" \
    --python_out="$WORK/src/$service" --grpc_python_out="$WORK/src/$service" "$SHOP/pricing/proto/pricing.proto"
done

say "building orders (Java)"
(cd "$WORK/src/orders" && mvn --quiet --batch-mode -DskipTests package)

say "running"
unshare --mount --net bash "$HERE/run.sh" "$WORK"
python3 "$HERE/receiver.py" --count "$WORK/spans.pb"
gzip -9 --no-name < "$WORK/spans.pb" > "$OUT"
