# Shared by the scripts beside it, which source it: builds the example and runs
# it in an empty folder, which goes with it at the end. Not a program.
# shellcheck shell=bash

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

say "building"
cargo build --locked --manifest-path "$root/Cargo.toml" -p example-app

port=$(free_ports 1)
cd "$work" || exit
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
