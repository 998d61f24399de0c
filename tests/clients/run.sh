#!/usr/bin/env bash
# Drives real Kafka clients against a broker. See README.md.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
services=$here/../services
# shellcheck source=tests/services/lib.sh
source "$services/lib.sh"

clients=(kafka-python aiokafka confluent kcat kafkajs platformatic franz kafka-go sarama rskafka java tools)

usage() {
  cat >&2 <<USAGE
usage: run.sh BOOTSTRAP [CLIENT...]

Each client does what it can against the broker at BOOTSTRAP (host:port), and
gets a line: ok or FAIL, and how long each step took. The log of a failed one
follows. The exit status is 1 if any failed.

Clients: ${clients[*]}

CLIENTS_AT_ONCE (2) is how many run side by side, CLIENT_SECONDS (300) how long
one may take; KAFKA_INTEGRATION_CACHE is where everything fetched goes.
USAGE
  exit 2
}

cache=$(cache_dir)/clients

# The folder for what LOCKFILE pins. It is filled by FUNCTION, in a lock, and
# marked when it is whole.
filled() { # KIND LOCKFILE FUNCTION
  local dir
  dir=$cache/$1-$(sha256sum "$2" | cut -c1-12)
  if [[ ! -f $dir/whole ]]; then
    (
      lock "$cache/$1.lock"
      [[ ! -f $dir/whole ]] || exit 0
      say "fetching the $1 clients (once)"
      rm -rf "$dir"
      mkdir -p "$dir"
      "$3" "$dir" >"$dir.log" 2>&1 9>&- || {
        cat "$dir.log" >&2
        die "the $1 clients could not be fetched"
      }
      touch "$dir/whole"
    ) || exit 1
  fi
  printf '%s\n' "$dir"
}

fill_python() { # DIR
  python3 -m venv "$1" && "$1/bin/pip" install -r "$here/python/requirements.txt"
}

fill_node() { # DIR
  cp "$here"/node/package*.json "$1" && npm ci --prefix "$1"
}

# A program looks for its modules beside its file, so the files are copied.
node_dir() {
  local dir
  dir=$(filled node "$here/node/package-lock.json" fill_node)
  cp "$here"/node/*.mjs "$dir"
  printf '%s\n' "$dir"
}

prepare() { # CLIENT
  case $1 in
    kafka-python | aiokafka | confluent)
      need python3 python3-venv
      filled python "$here/python/requirements.txt" fill_python >/dev/null
      ;;
    kafkajs | platformatic)
      need npm npm
      node_dir >/dev/null
      ;;
    franz | kafka-go | sarama)
      need go golang-go
      (cd "$here/go" && go build -o "$cache/go/$1" "./$1")
      ;;
    rskafka)
      need cargo cargo
      CARGO_TARGET_DIR=$cache/rskafka cargo build -q --locked --manifest-path "$here/rskafka/Cargo.toml"
      ;;
    kcat) need kcat kcat ;;
    java)
      need javac default-jdk-headless
      mkdir -p "$cache/java"
      javac -d "$cache/java" -cp "$("$services/kafka.sh" jars)/*" "$here/java/Client.java"
      ;;
    tools)
      need java default-jre-headless
      "$services/kafka.sh" jars >/dev/null
      ;;
    *) usage ;;
  esac
}

run() { # CLIENT
  local dir
  case $1 in
    kafka-python | aiokafka | confluent)
      dir=$(filled python "$here/python/requirements.txt" fill_python)
      exec "$dir/bin/python" -B "$here/python/${1//-/_}_client.py"
      ;;
    kafkajs | platformatic)
      dir=$(filled node "$here/node/package-lock.json" fill_node)
      exec "$dir/node_modules/node/bin/node" "$dir/$1.mjs"
      ;;
    franz | kafka-go | sarama) exec "$cache/go/$1" ;;
    rskafka) exec "$cache/rskafka/debug/rskafka-client" ;;
    java)
      exec java -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
        "-Dlog4j2.configurationFile=$services/log4j2.properties" \
        -cp "$cache/java:$("$services/kafka.sh" jars)/*" Client
      ;;
    kcat | tools) exec "$here/shell/$1.sh" ;;
  esac
}

# Runs one and prints its line. The names it uses are new ones, so that a
# broker may be used again.
drive() { # CLIENT
  local log=$logs/$1.log start=$SECONDS status=0 word=ok steps
  RUN=$1-$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
  export BOOTSTRAP RUN
  timeout -k 5 "${CLIENT_SECONDS:-300}" "$here/run.sh" --client "$1" >"$log" 2>&1 </dev/null || status=$?
  steps=$(sed -n 's/^step //p' "$log" | paste -sd, | sed 's/,/, /g')
  if [[ $status -ne 0 ]]; then
    word=FAIL
    [[ $status -ne 124 ]] || steps="$steps, out of time"
    touch "$log.failed"
  fi
  printf '%-5s %-13s %4d s   %s\n' "$word" "$1" $((SECONDS - start)) "$steps"
}

[[ $# -gt 0 && $1 != -h && $1 != --help ]] || usage
if [[ $1 == --client ]]; then
  run "$2"
fi
BOOTSTRAP=$1
shift
[[ $BOOTSTRAP == *:* ]] || usage
[[ $# -gt 0 ]] || set -- "${clients[@]}"

mkdir -p "$cache/go"
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
failed=()
ready=()
for client in "$@"; do
  prepare "$client"
  ready+=("$client")
done
for client in "${ready[@]}"; do
  while [[ $(jobs -rp | wc -l) -ge ${CLIENTS_AT_ONCE:-2} ]]; do wait -n; done
  drive "$client" &
done
wait
for client in "${ready[@]}"; do
  [[ -f $logs/$client.log.failed ]] || continue
  failed+=("$client")
  printf '\n--- %s\n' "$client"
  grep -v '^step [^ ]* [0-9.]*$' "$logs/$client.log" | cut -c1-1000 || true
done
[[ ${#failed[@]} -eq 0 ]] || exit 1
