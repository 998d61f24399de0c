#!/usr/bin/env bash
# What the example does when work fails, from outside: a declined order is a
# dead letter, a flaky customer pays in the third attempt; and stamps, which wait
# for each other or until they are due, with a kill in between.
# `start` may take arguments; here it has none.
# shellcheck disable=SC2119
set -euo pipefail

# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

order() { # CUSTOMER prints the order's id
  code=$(request POST /orders \
    "{\"customer\":\"$1\",\"sku\":\"tea\",\"quantity\":2,\"unit_price_cents\":450}")
  [[ $code == 201 ]] || fail "the order of $1 was not accepted"
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["order_id"])' "$work/body"
}

paid() { # ORDER ATTEMPTS
  alive || die "the application ended before order $1 was paid"
  code=$(request GET "/payments/$1")
  [[ $code == 200 ]] && body_is "body['total_cents'] == 900 and body['attempts'] == $2"
}

# True if there are so many open dead letters of declined orders.
declined_letters() { # OPEN REDRIVEN
  alive || die "the application ended before there was a dead letter"
  (shop kafka-dlt list --json) >"$work/body" 2>/dev/null && body_is "[
      (topic['topic'], topic['open'], topic['redriven'], topic['classes']) for topic in body
    ] == [('payments.shop.orders.dlt', $1, $2, {'app::payments::Declined': $1})]"
}

# The request of the demo that the stamps are from.
create_stamp() { # OBJECT_CID TIME_TOLERANCE
  code=$(curl --silent --max-time 10 --noproxy '*' --output "$work/body" --write-out '%{http_code}' \
    --request POST \
    --url "http://127.0.0.1:$port/datasender/create_stamp/" \
    --header 'Content-Type: application/x-www-form-urlencoded' \
    --data "object_cid=$1" \
    --data "time_tolerance=$2") || true
  [[ $code == 201 ]] || fail "stamp $1 was not accepted"
}

# True if EXPRESSION holds for the stamps, which are `of` by their object_cid.
# `waited(STAMP)` is how many seconds one was not processed.
stamps_are() { # EXPRESSION
  alive || die "the application ended before the stamps were processed"
  code=$(request GET /stamps)
  [[ $code == 200 ]] && python3 - "$work/body" "$1" <<'PYTHON'
import json, sys
from datetime import datetime


def time(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")


def waited(stamp):
    return (time(stamp["processed_at"]) - time(stamp["created"])).total_seconds()


with open(sys.argv[1], encoding="utf-8") as file:
    of = {stamp["object_cid"]: stamp for stamp in json.load(file)}
names = {"of": of, "waited": waited}
sys.exit(0 if eval(sys.argv[2], names) else 1)
PYTHON
}

processed() { # OBJECT_CID…
  local cid
  for cid in "$@"; do stamps_are "'$cid' in of" || return; done
}

one_batch() { # OBJECT_CID OBJECT_CID TIME_TOLERANCE
  stamps_are "of['$1']['batch_id'] == of['$2']['batch_id']" || fail "$1 and $2 are not one batch"
  stamps_are "all(waited(of[cid]) < $3 for cid in ('$1', '$2'))" || fail "$1 and $2 waited"
}

alone_when_due() { # OBJECT_CID TIME_TOLERANCE MOST
  stamps_are "$2 <= waited(of['$1'])" || fail "stamp $1 was processed before it was due"
  stamps_are "waited(of['$1']) < $3" || fail "stamp $1 was processed late"
}

open_for_business() {
  alive || die "the application ended before it consumed"
  grep -q 'The shop is open' "$log"
}

# True once what was processed is committed too, and does not come again.
committed() {
  alive || die "the application ended before it committed"
  (shop kafka-lag StampConsumer --json) >"$work/body" 2>/dev/null &&
    body_is "[group['lag'] for group in body] == [0]"
}

crash() {
  kill -s KILL "$app"
  wait "$app" 2>/dev/null || true
}

say "starting on port $port in an empty folder"
start
wait_for 60 open_for_business || die "the consumers never had partitions"

say "placing orders that pay at once, in the third attempt, and never"
declined=$(order declined-dora)
flaky=$(order flaky-fred)
ann=$(order ann)
wait_for 30 paid "$ann" 1 || fail "ann did not pay"
wait_for 60 paid "$flaky" 3 || fail "flaky-fred did not pay in the third attempt"
wait_for 60 declined_letters 1 0 || fail "the declined order is no dead letter"
(shop kafka-dlt show payments.shop.orders.dlt --first) >"$work/letter"
grep -q declined-dora "$work/letter" || die "the dead letter is not the declined order"
code=$(request GET "/payments/$declined")
[[ $code == 404 ]] || fail "the declined order was paid"
code=$(request GET /health)
body_is "body['status'] == 'ok'" || fail "a dead letter that arrived is no trouble"

say "redriving it: declined once more"
(shop kafka-dlt redrive payments.shop.orders.dlt --execute)
wait_for 60 declined_letters 1 1 || fail "it was not consumed again"

say "two stamps with a tolerance of 10 s: one batch, at once"
create_stamp 1 10
create_stamp 2 10
wait_for 30 processed 1 2 || fail "the stamps were not processed"
one_batch 1 2 10

say "one stamp with a tolerance of 10 s: alone, when it is due"
create_stamp 3 10
wait_for 30 processed 3 || fail "the stamp was not processed"
alone_when_due 3 10 13

say "killed between two stamps: one batch of both"
wait_for 30 committed || fail "the stamps were not committed"
create_stamp 4 300
crash
start
create_stamp 5 300
wait_for 60 processed 4 5 || fail "a stamp is lost, or waits for its time"
one_batch 4 5 300

say "killed while a stamp waits: processed when it is due"
wait_for 30 committed || fail "the stamps were not committed"
create_stamp 6 10
crash
start
wait_for 60 processed 6 || fail "the stamp is lost"
# Those of a killed member get their partitions when its session has ended.
alone_when_due 6 10 40
stamps_are "len(of) == 6" || fail "there are other stamps than were sent"

say "stopping"
stop
say "passed"
