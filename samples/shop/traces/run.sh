#!/usr/bin/env bash
# Called by record.sh inside its own mount and network namespace: the names of
# the services lead to loopback here and nowhere else.
set -euo pipefail

# Recorded stack traces name files, so the folder has the same name wherever it is.
mount -t tmpfs -o mode=755 tmpfs /srv
mkdir /srv/shop
mount --bind "$1" /srv/shop
WORK=/srv/shop
export HOME=$WORK/home
SRC=$WORK/src
HERE=$SRC/traces
LOGS=$WORK/logs
PG_BIN=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
PATH=$PATH:$PG_BIN

ip link set lo up
cat > "$WORK/hosts" <<'HOSTS'
127.0.0.1 localhost
127.0.0.1 web gateway carts orders customers catalog inventory payments pricing shipping
127.0.0.1 orders-db customers-db catalog-db shipping-db carts-cache kafka otel-collector
HOSTS
mount --bind "$WORK/hosts" /etc/hosts

rm -rf "$LOGS" "$WORK/pg" "$WORK/spans.pb"
mkdir -p "$LOGS" "$WORK/pg" "$HOME"
chown postgres "$WORK/pg"

pids=()
start() { # name command...
  local name=$1
  shift
  "$@" > "$LOGS/$name.log" 2>&1 &
  pids+=("$name:$!")
}
stop() { # name: asks that process to end, gives it four seconds
  local entry pid
  for entry in "${pids[@]}"; do
    if [ "${entry%%:*}" = "$1" ]; then
      pid=${entry##*:}
      kill "$pid" 2>/dev/null || continue
      for _ in $(seq 16); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.25
      done
      kill -KILL "$pid" 2>/dev/null || true
      wait "$pid" 2>/dev/null || true
    fi
  done
}
stop_all() {
  local at
  for ((at = ${#pids[@]} - 1; at >= 0; at--)); do stop "${pids[at]%%:*}"; done
  runuser -u postgres -- pg_ctl -D "$WORK/pg/data" -m fast stop > /dev/null 2>&1 || true
}
trap stop_all EXIT
wait_port() { # host port
  for _ in $(seq 240); do
    if (exec 3<> "/dev/tcp/$1/$2") 2>/dev/null; then return; fi
    sleep 0.25
  done
  echo "nothing listens on $1:$2; with SHOP_RECORD_DIR set, its folder logs says why" >&2
  exit 1
}
wait_log() { # name pattern count
  for _ in $(seq 120); do
    if [ "$(grep -c "$2" "$LOGS/$1.log" || true)" -ge "$3" ]; then return; fi
    sleep 0.25
  done
  echo "$1 did not log $3 times: $2" >&2
  exit 1
}

# What the services need.
runuser -u postgres -- initdb -D "$WORK/pg/data" --auth=trust > "$LOGS/initdb.log"
runuser -u postgres -- pg_ctl -D "$WORK/pg/data" -o "-c listen_addresses=127.0.0.1 -c unix_socket_directories=$WORK/pg" \
  -l "$WORK/pg/log" start > /dev/null
wait_port localhost 5432
for name in orders customers catalog shipping; do
  psql -q -h localhost -U postgres -c "CREATE ROLE $name LOGIN" -c "CREATE DATABASE $name OWNER $name"
done
start redis redis-server --bind 127.0.0.1 --port 6379 --save '' --dir "$WORK"
start broker "$WORK/bin/broker"
start receiver python3 "$HERE/receiver.py" "$WORK/spans.pb"
start standins env ORDERS_URL=http://orders:8082 python3 "$HERE/standins.py"
wait_port carts-cache 6379
wait_port kafka 9092
wait_port otel-collector 4318
wait_port inventory 8086

# The services, with what their manifests set; ports differ as all share one address.
export OTEL_EXPORTER_OTLP_ENDPOINT=http://otel-collector:4318
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=none
export OTEL_NODE_ENABLED_INSTRUMENTATIONS=http,express,undici,ioredis
export OTEL_NODE_RESOURCE_DETECTORS=env
export OTEL_JAVA_ENABLED_RESOURCE_PROVIDERS=io.opentelemetry.sdk.autoconfigure.internal.EnvironmentResourceProvider
export KAFKA_BROKERS=kafka:9092
export CATALOG_URL=http://catalog:8000 CARTS_URL=http://carts:8081 ORDERS_URL=http://orders:8082
export CUSTOMERS_URL=http://customers:8083 GATEWAY_URL=http://gateway:8080
export INVENTORY_URL=http://inventory:8086 PAYMENTS_URL=http://payments:8086
PYTHON=$WORK/venv/bin

start customers env OTEL_SERVICE_NAME=customers ADDR=:8083 \
  DATABASE_URL='postgres://customers@customers-db:5432/customers?sslmode=disable' "$WORK/bin/customers"
start pricing env -C "$SRC/pricing" OTEL_SERVICE_NAME=pricing PRICING_BIND=127.0.0.1:50051 \
  "$PYTHON/python" "$PYTHON/opentelemetry-instrument" "$PYTHON/python" server.py
start orders env -C "$SRC/orders" OTEL_SERVICE_NAME=orders SERVER_PORT=8082 SHOP_RELAY_INTERVAL_MS=5000 \
  java -Xmx512m -javaagent:target/agent/opentelemetry-javaagent.jar -jar target/orders.jar
wait_port pricing 50051
start catalog env -C "$SRC/catalog" OTEL_SERVICE_NAME=catalog PRICING_ADDR=pricing:50051 \
  DATABASE_URL='postgresql://catalog@catalog-db:5432/catalog' \
  "$PYTHON/python" "$PYTHON/opentelemetry-instrument" "$PYTHON/python" -m gunicorn --bind 127.0.0.1:8000 --threads 4 'app:create_app()'
start shipping env OTEL_SERVICE_NAME=shipping ADDR=:8084 WAVE_EVERY=1h \
  DATABASE_URL='postgres://shipping@shipping-db:5432/shipping?sslmode=disable' "$WORK/bin/shipping"
start notifications env -C "$SRC/notifications" OTEL_SERVICE_NAME=notifications \
  "$PYTHON/python" "$PYTHON/opentelemetry-instrument" "$PYTHON/python" app.py
start carts env -C "$SRC/carts" OTEL_SERVICE_NAME=carts PORT=8081 REDIS_URL=redis://carts-cache:6379 \
  node --require @opentelemetry/auto-instrumentations-node/register dist/server.js
start gateway env -C "$SRC/gateway" OTEL_SERVICE_NAME=gateway PORT=8080 UPSTREAM_TIMEOUT_MS=20000 \
  node --require @opentelemetry/auto-instrumentations-node/register dist/server.js
start web env -C "$SRC/web" OTEL_SERVICE_NAME=web PORT=3000 \
  node --require @opentelemetry/auto-instrumentations-node/register server.js
for at in customers:8083 catalog:8000 shipping:8084 carts:8081 gateway:8080 web:3000 orders:8082; do
  wait_port "${at%%:*}" "${at##*:}"
done
psql -q -h localhost -U customers -d customers -f "$HERE/seed-customers.sql"
psql -q -h localhost -U catalog -d catalog -f "$HERE/seed-catalog.sql"

# The main flows.
call() { # method url [body]
  curl -sS -o "$WORK/answer" -w '%{http_code} ' -X "$1" -H 'content-type: application/json' ${3:+-d "$3"} "$2" >> "$LOGS/flows.log"
  cat "$WORK/answer" >> "$LOGS/flows.log"
  echo >> "$LOGS/flows.log"
}
put_in_cart() { call POST "http://web:3000/api/carts/$1/items" "{\"sku\": \"$2\", \"quantity\": $3}"; }
order() {
  call POST http://web:3000/api/orders "{\"customerId\": \"$1\"}"
  id=$(sed -n 's/.*"id":"\([0-9a-f-]*\)".*/\1/p' "$WORK/answer")
  [ -z "$id" ] || call GET "http://web:3000/api/orders/$id"
}

call GET http://web:3000/
call GET http://web:3000/api/products
for sku in MUG-01 TEA-02 LAMP-03 NO-SUCH; do call GET "http://web:3000/api/products/$sku"; done
call GET http://web:3000/api/customers/c-1001
call PUT http://web:3000/api/customers/c-1002 \
  '{"name": "Ben Sample", "email": "ben@shop.example", "phone": "+1 555 0102", "date_of_birth": "1985-02-12", "tier": "silver", "status": "active"}'
call POST http://catalog:8000/products '{"sku": "BOOK-04", "name": "Notebook", "price_cents": 900, "weight_g": 300, "on_hand": 40}'

put_in_cart c-1001 MUG-01 2
put_in_cart c-1001 TEA-02 1
put_in_cart c-1001 LAMP-03 1
put_in_cart c-1001 BOOK-04 12
call GET http://web:3000/api/carts/c-1001
order c-1001
put_in_cart c-1002 TEA-02 3
order c-1002
put_in_cart c-1003 MUG-01 1
put_in_cart c-1003 BOOK-04 1
order c-1003
put_in_cart c-1004 MUG-01 1
order c-1004 # blocked: 409
put_in_cart c-1005 LAMP-03 2
order c-1005
put_in_cart c-1001 TEA-02 10
order c-1001

wait_log notifications 'we have your order' 5
call POST http://shipping:8084/shipments '{"order_id": "sample-1", "customer_id": "c-1002"}'
call POST http://shipping:8084/waves
call GET http://shipping:8084/shipments/sample-1
wait_log notifications 'is on its way' 6
sleep 6

# Ending a service makes it export what it still holds; the receiver goes last.
for name in web gateway carts orders catalog pricing notifications shipping customers; do stop "$name"; done
sleep 1
