#!/usr/bin/env bash
# The example's main job from outside: `app dev` in an empty folder, with
# nothing installed and nothing running, takes an order over HTTP and shows
# what its consumer made of it; other commands see it meanwhile, and it is still
# there after a restart.
set -euo pipefail

# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

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

orders() { # prints the orders that the broker has, until there are COUNT
  (shop kafka-tail shop.orders --from beginning --max "$1" --timeout 10s)
}

say "starting on port $port in an empty folder"
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
