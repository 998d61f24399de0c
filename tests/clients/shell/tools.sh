#!/usr/bin/env bash
# Apache Kafka's command-line tools.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/clients/shell/zoo.sh
source "$here/zoo.sh"

kafka() { # TOOL ARGUMENT...
  "$here/../../services/kafka.sh" tool "$1" --bootstrap-server "$BOOTSTRAP" "${@:2}"
}
tools=org.apache.kafka.tools

topics() {
  kafka topics --create --topic "$topic" --partitions 3 --replication-factor 1
  kafka topics --create --topic "$other" --partitions 1
  contains "$(kafka topics --describe --topic "$topic")" 'PartitionCount: 3' 'describe'
  kafka topics --alter --topic "$other" --partitions 2
  contains "$(kafka topics --describe --topic "$other")" 'PartitionCount: 2' 'describe after alter'
  contains "$(kafka topics --list)" "$topic" 'list'
  contains "$(kafka topics --create --topic "$topic" 2>&1 || true)" 'already exists' 'created again'
}

versions() {
  contains "$(kafka broker-api-versions)" 'Produce(0): ' 'api versions'
}

produce() {
  local codec from=0
  for codec in none gzip snappy lz4 zstd; do
    records $from $((from + 200)) |
      kafka console-producer --topic "$topic" --compression-codec "$codec" \
        --property parse.key=true --property key.separator=: 2>"$scratch/errors" || fail "$(cat "$scratch/errors")"
    from=$((from + 200))
  done
  equal "$(kafka get-offsets --topic "$topic" --time -1 | awk -F: '{ sum += $3 } END { print sum }')" 1000 'get-offsets'
}

read_as() { # FILE COUNT ARGUMENT...
  kafka console-consumer --topic "$topic" --max-messages "$2" --timeout-ms 60000 \
    --property print.key=true --property key.separator=: "${@:3}" >"$1" 2>"$scratch/errors" ||
    fail "$(cat "$scratch/errors")"
}

consume() {
  read_as "$scratch/all" 1000 --from-beginning
  check "$scratch/all" 0 1000
}

group() {
  local protocol name
  for protocol in classic consumer; do
    name=$group-$protocol
    read_as "$scratch/$protocol" 1000 --group "$name" --from-beginning --consumer-property "group.protocol=$protocol"
    check "$scratch/$protocol" 0 1000
    contains "$(kafka consumer-groups --list)" "$name" 'list'
    equal "$(kafka consumer-groups --describe --group "$name" 2>/dev/null |
      awk -v t="$topic" '$2 == t { sum += $4; lag += $6 } END { print sum, lag }')" '1000 0' 'offsets and lag'
    contains "$(kafka consumer-groups --describe --group "$name" --state 2>/dev/null)" 'Empty' 'state'
    kafka consumer-groups --reset-offsets --group "$name" --topic "$topic" --to-earliest --execute >/dev/null
    kafka consumer-groups --delete-offsets --group "$name" --topic "$topic" >/dev/null
    kafka consumer-groups --delete --group "$name" >/dev/null
    [[ $(kafka consumer-groups --list) != *"$name"* ]] || fail "$name is still there"
  done
}

configs() {
  kafka configs --alter --entity-type topics --entity-name "$topic" --add-config retention.ms=123456789
  contains "$(kafka configs --describe --entity-type topics --entity-name "$topic")" 'retention.ms=123456789' 'configs'
  kafka configs --alter --entity-type topics --entity-name "$topic" --delete-config retention.ms
  [[ $(kafka configs --describe --entity-type topics --entity-name "$topic") != *123456789* ]] || fail 'still there'
}

delete_records() {
  printf '{"partitions":[{"topic":"%s","partition":0,"offset":5}],"version":1}' "$topic" >"$scratch/cut.json"
  contains "$(kafka $tools.DeleteRecordsCommand --offset-json-file "$scratch/cut.json")" 'low_watermark: 5' 'cut'
  contains "$(kafka get-offsets --topic "$topic" --time -2)" "$topic:0:5" 'first offset'
}

perf() {
  local server=(--producer-props "bootstrap.servers=$BOOTSTRAP")
  contains "$("$here/../../services/kafka.sh" tool producer-perf --topic "$other" --num-records 2000 --record-size 100 \
    --throughput -1 "${server[@]}")" '2000 records sent' 'perf'
  contains "$("$here/../../services/kafka.sh" tool producer-perf --topic "$other" --num-records 1000 --record-size 100 \
    --throughput -1 --transactional-id "$RUN-perf" --transaction-duration-ms 100 "${server[@]}")" '1000 records sent' 'perf in transactions'
}

transactions() {
  contains "$(kafka $tools.TransactionsCommand list)" "$RUN-perf" 'list'
  contains "$(kafka $tools.TransactionsCommand describe --transactional-id "$RUN-perf")" 'CompleteCommit' 'describe'
  contains "$(kafka $tools.TransactionsCommand describe-producers --topic "$other" --partition 0)" 'ProducerId' 'producers'
}

delete() {
  kafka topics --delete --topic "$topic"
  kafka topics --delete --topic "$other"
  [[ $(kafka topics --list) != *"$RUN"* ]] || fail 'a topic is still there'
}

for name in topics versions produce consume group configs delete-records perf transactions delete; do
  step "$name"
done
