#!/usr/bin/env bash
# kcat, on an older librdkafka. It has no administration: the topics are made
# by the broker when it writes to them, so with one partition each by default.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/clients/shell/zoo.sh
source "$here/zoo.sh"

k() { kcat -b "$BOOTSTRAP" -q "$@"; }

produce() { # FROM TO [OPTION...]
  records "$1" "$2" | k -P -t "$topic" -K: -H n=header "${@:3}"
}

metadata() {
  # Asking for a topic by name makes it.
  contains "$(kcat -b "$BOOTSTRAP" -L)" ' brokers:' 'metadata'
  k -P -t "$topic" <<<'k:first'
  contains "$(kcat -b "$BOOTSTRAP" -L -t "$topic")" "topic \"$topic\" with " 'metadata of the topic'
}

codecs() {
  local codec from=0
  for codec in none gzip snappy lz4 zstd; do
    produce $from $((from + 200)) -z "$codec" -X enable.idempotence=true
    from=$((from + 200))
  done
  k -C -t "$topic" -o beginning -e -f '%k:%s\n' >"$scratch/all"
  sed -i '1{/^:k:first$/d}' "$scratch/all"
  check "$scratch/all" 0 1000
  equal "$(k -C -t "$topic" -o 1 -c 1 -f '%h')" 'n=header' 'headers'
}

group() {
  local name members=()
  # -G writes what it reads and commits; two members share the topic.
  for name in a b; do
    kcat -b "$BOOTSTRAP" -q -G "$group" -X auto.offset.reset=earliest -u -f '%k:%s\n' "$topic" >"$scratch/$name" &
    members+=($!)
  done
  children=("${members[@]}")
  wait_for '1001 records' has_lines 1001 "$scratch/a" "$scratch/b"
  for name in "${members[@]}"; do
    kill "$name"
    wait "$name" || true
  done
  children=()
  cat "$scratch/a" "$scratch/b" | grep -v ':k:first' >"$scratch/read"
  check "$scratch/read" 0 1000
  # A new member resumes from the commit.
  produce 1000 1050
  k -G "$group" -X auto.offset.reset=earliest -u -c 50 -f '%k:%s\n' "$topic" >"$scratch/next"
  check "$scratch/next" 1000 1050
}

offsets() {
  local now
  equal "$(k -Q -t "$topic:0:-2" -t "$topic:0:-1" | sort -u | tr -d '\n' | grep -c 'offset')" 1 'list offsets'
  now=$(($(date +%s%3N) + 3600000))
  contains "$(k -Q -t "$topic:0:$now")" 'offset -1' 'offset of the future'
  contains "$(k -Q -t "$topic:0:1000")" 'offset 0' 'offset of the past'
}

transactions() {
  # kcat commits at the end of its input.
  records 0 10 | k -P -t "$out" -K: -X transactional.id="$RUN-tx"
  k -C -t "$out" -o beginning -e -X isolation.level=read_committed -f '%k:%s\n' >"$scratch/committed"
  check "$scratch/committed" 0 10
}

step metadata
step codecs
step group
step offsets
step transactions
