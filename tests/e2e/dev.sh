#!/usr/bin/env bash
# The example's main job from outside: `app dev` in an empty folder, with
# nothing installed and nothing running, takes an order over HTTP and shows
# what its consumer made of it; other commands see it meanwhile, and it is still
# there after a restart.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/services/lib.sh
source "$root/tests/services/lib.sh"
need curl curl
need python3 python3

work=$(mktemp -d)
log=$work/app.log
app=
cleanup() {
  local status=$?
  if [[ -n $app ]] && kill -0 "$app" 2>/dev/null; then
    kill -s KILL "$app" 2>/dev/null || true
    # Collected here, or the shell reports the death in the middle of the log.
    wait "$app" 2>/dev/null || true
  fi
  if [[ $status -ne 0 && -f $log ]]; then
    say "the end of the application's log:"
    tail -n 60 "$log" >&2
  fi
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT
# Without these a signal would skip the clean-up.
trap 'exit 130' INT
trap 'exit 143' TERM

# Prints the status; the body goes to the file `body`.
request() { # METHOD PATH [BODY]
  local method=$1 path=$2
  shift 2
  curl --silent --max-time 10 --noproxy '*' --output "$work/body" --write-out '%{http_code}' \
    --request "$method" ${1+--header 'content-type: application/json' --data-binary "$1"} \
    "http://127.0.0.1:$port$path" || true
}

# True if EXPRESSION holds for the body, which is `body` in it.
body_is() { # EXPRESSION
  python3 - "$work/body" "$1" <<'PYTHON'
import json, sys

try:
    with open(sys.argv[1], encoding="utf-8") as file:
        body = json.load(file)
    holds = eval(sys.argv[2], {"body": body})
except (OSError, ValueError, KeyError, TypeError):
    holds = False
sys.exit(0 if holds else 1)
PYTHON
}

fail() {
  die "$1; status ${code:-none}, body: $(head -c 500 "$work/body" 2>/dev/null || true)"
}

alive() { kill -0 "$app" 2>/dev/null; }

healthy() {
  alive || die "the application ended before it was healthy"
  code=$(request GET /health)
  [[ $code == 200 ]]
}

counted() {
  alive || die "the application ended before the order was counted"
  code=$(request GET /customers/ann)
  [[ $code == 200 ]] && body_is "body == {'customer': 'ann', 'orders': 1, 'total_cents': 900}"
}

refused() { # BODY
  code=$(request POST /orders "$1")
  [[ $code == 4?? ]] || fail "bad input was not refused: $1"
  body_is "isinstance(body, dict) and bool(body.get('error'))" ||
    fail "the refusal is no JSON object with 'error': $1"
}

say "building"
cargo build --locked --manifest-path "$root/Cargo.toml" -p example-app

port=$(free_ports 1)
say "starting on port $port in an empty folder"
cd "$work"
# Settings of the caller's would lead it to another broker or database.
clean=()
while read -r variable; do
  clean+=(-u "$variable")
done < <(compgen -e | grep -E '^(KAFKA_|DATABASE_URL$|TEST_POSTGRES_URL$)' || true)
# cargo replaces itself with the program it runs, so this is the program's id.
shop() {
  exec env "${clean[@]}" cargo run --quiet --locked --manifest-path "$root/Cargo.toml" \
    -p example-app -- "$@" </dev/null
}
start() { # [ARGUMENT…]
  shop dev --port "$port" "$@" >"$log" 2>&1 &
  app=$!
  wait_for 60 healthy || fail "it never became healthy"
}
stop() {
  kill -s TERM "$app"
  wait_for 30 gone || die "it still runs 30 s after SIGTERM"
  local status=0
  wait "$app" || status=$?
  app=
  [[ $status -eq 0 ]] || die "it ended with exit status $status after SIGTERM"
}
gone() { ! start_time "$app" >/dev/null; }
orders() { # prints the orders that the broker has, until there are COUNT
  (shop kafka-tail shop.orders --from beginning --max "$1" --timeout 10s)
}

start

say "placing an order"
code=$(request POST /orders '{"customer":"ann","sku":"tea","quantity":2,"unit_price_cents":450}')
[[ $code == 201 ]] || fail "the order was not accepted"
body_is "'order_id' in body" || fail "the answer has no order_id"

wait_for 30 counted || fail "the order never reached the customer's account"

say "looking into its broker from another process"
orders 1 | grep -q ann || die "kafka-tail does not show the order"
grep -q 'broker at 127.0.0.1:' "$log" || die "it does not tell the broker's address"

say "sending bad input"
refused '{"customer":"ann",'
refused '{"customer":"ann","sku":"tea","unit_price_cents":450}'
refused '{"customer":"ann","sku":"tea","quantity":0,"unit_price_cents":450}'
counted || fail "bad input changed the customer's account"

say "stopping"
stop

say "starting again on what is kept"
orders 1 | grep -q ann || die "the order is gone with the process"
start
code=$(request POST /orders '{"customer":"bob","sku":"tea","quantity":1,"unit_price_cents":450}')
[[ $code == 201 ]] || fail "the order was not accepted"
orders 2 | grep -q bob || die "the new order is not beside the old one"
stop

say "starting fresh"
start --fresh
[[ -z $(orders 1) ]] || die "orders of earlier runs are still there"
stop
say "passed"
