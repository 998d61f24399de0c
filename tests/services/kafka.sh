#!/usr/bin/env bash
# Apache Kafka on this machine, for tests: one node, no installation.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/services/lib.sh
source "$here/lib.sh"

usage() {
  cat >&2 <<'USAGE'
usage: kafka.sh start   [--name NAME] [--port PORT] [--set KEY=VALUE]...
       kafka.sh stop    [--name NAME] [--keep]
       kafka.sh kill    [--name NAME]
       kafka.sh restart [--name NAME]
       kafka.sh status  [--name NAME]
       kafka.sh logs    [--name NAME] [--follow]
       kafka.sh tool    [--name NAME] TOOL ARGUMENT...
       kafka.sh jars

start    a new, empty broker; prints its address, and nothing else, on stdout
stop     ends it and deletes its data; with --keep the data stays
kill     ends it with SIGKILL; the data stays
restart  starts it again on the same port with the same data
tool     a Kafka command-line tool against it: topics, configs, acls,
         consumer-groups, console-consumer, console-producer, get-offsets,
         broker-api-versions, producer-perf, consumer-perf, or a class name
jars     prints the folder with Kafka's jars, fetched if need be

NAME is `default` unless given; each name is a broker of its own.
KAFKA_HEAP (768m) is the broker's heap; KAFKA_INTEGRATION_CACHE is where jars
and data go.
USAGE
  exit 2
}

# A short run gains nothing from the optimizing compiler or from a parallel
# collector, and on few cores both take time from the tests.
# Its own warnings go where a tool's output is not.
jvm=(-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xlog:disable -Xlog:all=warning:stderr)

# Prints the folder that holds the jars, fetched if need be. It appears under
# its name by a rename, so it is whole or absent.
jars() {
  local sum lib fresh
  sum=$(sha256sum "$here/pom.xml" | cut -c1-12)
  lib=$(cache_dir)/kafka-$sum
  if [[ ! -d $lib ]]; then
    (
      lock "$(cache_dir)/kafka.lock"
      [[ ! -d $lib ]] || exit 0
      need mvn maven
      say "fetching Apache Kafka (about 55 MB, once)"
      # Left by runs that were interrupted; the lock says that they are over.
      rm -rf "$(cache_dir)"/fetch.*
      fresh=$(mktemp -d "$(cache_dir)/fetch.XXXXXX")
      # Even its quiet mode writes escape codes, so it is heard on failure only.
      if ! mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies \
        -DoutputDirectory="$fresh" </dev/null >"$fresh.log" 2>&1 9>&-; then
        cat "$fresh.log" >&2
        die "the jars could not be fetched"
      fi
      rm -f "$fresh.log"
      chmod 755 "$fresh"
      mv -T "$fresh" "$lib"
    )
  fi
  printf '%s\n' "$lib"
}

# Each jar by its name, in order: with a wildcard the order is the file
# system's, and the class archive is good for one order only.
class_path() {
  local lib files
  lib=$(jars)
  files=("$lib"/*.jar)
  local IFS=:
  printf '%s\n' "${files[*]}"
}

# The archive of loaded classes, which makes a start almost twice as fast. It
# fits one set of jars and one JVM.
class_archive() {
  local java
  java=$(realpath "$(command -v java)")
  printf '%s.%s.jsa\n' "$(jars)" "$(stat -c '%n %s %Y' "$java" | sha256sum | cut -c1-12)"
}

# Prints the option that uses the class archive, if there is one.
with_archive() {
  local archive
  archive=$(class_archive)
  [[ ! -f $archive ]] || printf -- '-XX:SharedArchiveFile=%s\n' "$archive"
}

# 16 random bytes in URL-safe base64. Kafka has a program for it, which is one
# more start of a JVM; ids with a leading dash would look like an option.
cluster_id() {
  local id
  id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=')
  printf 'k%s\n' "${id:1}"
}

# An ApiVersions request, and the answer's correlation id and error code.
answers() { # PORT
  local reply
  reply=$(
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf '\0\0\0\x0a\0\x12\0\0\0\0\0\x01\xff\xff' >&3
    timeout 2 head -c 10 <&3 | od -An -tx1 -j4 | tr -d ' \n'
  ) 2>/dev/null
  [[ $reply == 000000010000 ]]
}

is_up() { # LOG PORT
  grep -q 'Kafka Server started' "$1" && answers "$2"
}

launch() { # DIR
  local dir=$1 port class_path archive
  port=$(<"$dir/port")
  class_path=$(class_path)
  archive=$(with_archive)
  # The JVM writes the archive when it ends; `stop` takes it from here.
  rm -f "$dir/classes.jsa"
  [[ -n $archive ]] || archive=-XX:ArchiveClassesAtExit=$dir/classes.jsa
  : >"$dir/server.log"
  spawn "$dir/pid" "$dir/server.log" \
    java "-Xmx${KAFKA_HEAP:-768m}" "${jvm[@]}" "$archive" \
    "-Dlog4j2.configurationFile=$here/log4j2.properties" \
    -cp "$class_path" kafka.Kafka "$dir/server.properties"
  if ! wait_until_ready "$dir/pid" 60 is_up "$dir/server.log" "$port"; then
    say "the end of $dir/server.log:"
    tail -n 40 "$dir/server.log" >&2
    stop_pid "$dir/pid" KILL 5 || true
    return 1
  fi
}

format() { # DIR PORT CONTROLLER_PORT SETTING...
  local dir=$1 port=$2 controller=$3 class_path archive
  shift 3
  class_path=$(class_path)
  archive=$(with_archive)
  rm -rf "$dir"
  mkdir -p "$dir"
  {
    cat "$here/kafka.properties"
    printf 'controller.quorum.bootstrap.servers=127.0.0.1:%s\n' "$controller"
    printf 'listeners=PLAINTEXT://127.0.0.1:%s,CONTROLLER://127.0.0.1:%s\n' "$port" "$controller"
    printf 'advertised.listeners=PLAINTEXT://127.0.0.1:%s\n' "$port"
    printf 'log.dirs=%s/data\n' "$dir"
    # Last, because the last of two lines with one key counts.
    [[ $# -eq 0 ]] || printf '%s\n' "$@"
  } >"$dir/server.properties"
  printf '%s\n' "$port" >"$dir/port"
  if ! java "${jvm[@]}" ${archive:+"$archive"} "-Dlog4j2.configurationFile=$here/log4j2.properties" \
    -cp "$class_path" kafka.tools.StorageTool format --standalone \
    -t "$(cluster_id)" -c "$dir/server.properties" </dev/null >"$dir/format.log" 2>&1; then
    cat "$dir/format.log" >&2
    die "the data folder could not be formatted"
  fi
}

start() {
  local dir ports attempts=3
  dir=$(run_dir kafka "$name")
  need java default-jre-headless
  jars >/dev/null
  lock "$dir.lock"
  if ! is_gone "$dir/pid"; then
    [[ -z $port || $port == "$(<"$dir/port")" ]] || die "'$name' runs on port $(<"$dir/port") already"
    say "'$name' runs already"
    printf '127.0.0.1:%s\n' "$(<"$dir/port")"
    return
  fi
  # Somebody else may take a free port before the broker does; a port that
  # was asked for is not exchanged for another.
  [[ -z $port ]] || attempts=1
  while :; do
    mapfile -t ports < <(free_ports 2)
    format "$dir" "${port:-${ports[0]}}" "${ports[1]}" "${settings[@]}"
    launch "$dir" && break
    attempts=$((attempts - 1))
    if [[ $attempts -eq 0 ]] || ! grep -q 'Address already in use' "$dir/server.log"; then
      die "'$name' did not start"
    fi
    say "the port was taken meanwhile: another one"
  done
  printf '127.0.0.1:%s\n' "$(<"$dir/port")"
}

# Ends the broker, and keeps the class archive if it wrote one. Only an orderly
# end leaves a whole one.
end() { # DIR
  local dir=$1 archive
  is_gone "$dir/pid" && return
  # Long enough for the archive on a busy machine.
  stop_pid "$dir/pid" TERM 60 || return 0
  [[ -f $dir/classes.jsa ]] || return 0
  archive=$(class_archive)
  mv -fT "$dir/classes.jsa" "$archive"
}

existing() {
  local dir
  dir=$(run_dir kafka "$name")
  [[ -f $dir/server.properties ]] || die "there is no broker '$name'"
  printf '%s\n' "$dir"
}

stop() {
  local dir
  dir=$(run_dir kafka "$name")
  lock "$dir.lock"
  end "$dir"
  [[ -n $keep ]] || rm -rf "$dir" "$dir.lock"
}

kill_hard() {
  local dir
  dir=$(existing)
  stop_pid "$dir/pid" KILL 10
}

restart() {
  local dir
  dir=$(existing)
  lock "$dir.lock"
  end "$dir"
  launch "$dir" || die "'$name' did not start again"
  printf '127.0.0.1:%s\n' "$(<"$dir/port")"
}

status() {
  local dir pid
  dir=$(run_dir kafka "$name")
  if pid=$(running_pid "$dir/pid"); then
    printf 'running on 127.0.0.1:%s, process %s\n' "$(<"$dir/port")" "$pid"
  elif [[ -f $dir/server.properties ]]; then
    printf 'stopped, its data kept\n'
    return 3
  else
    printf 'absent\n'
    return 4
  fi
}

logs() {
  local dir
  dir=$(existing)
  if [[ -n $follow ]]; then
    exec tail -n +1 -F "$dir/server.log"
  fi
  cat "$dir/server.log"
}

tool() {
  [[ $# -gt 0 ]] || usage
  local short=$1 class dir class_path archive server=()
  shift
  case $short in
    topics) class=org.apache.kafka.tools.TopicCommand ;;
    configs) class=kafka.admin.ConfigCommand ;;
    acls) class=kafka.admin.AclCommand ;;
    consumer-groups) class=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
    console-consumer) class=org.apache.kafka.tools.consumer.ConsoleConsumer ;;
    console-producer) class=org.apache.kafka.tools.ConsoleProducer ;;
    get-offsets) class=org.apache.kafka.tools.GetOffsetShell ;;
    broker-api-versions) class=org.apache.kafka.tools.BrokerApiVersionsCommand ;;
    producer-perf) class=org.apache.kafka.tools.ProducerPerformance ;;
    consumer-perf) class=org.apache.kafka.tools.ConsumerPerformance ;;
    *.*) class=$short ;;
    *) die "unknown tool '$short'" ;;
  esac
  dir=$(run_dir kafka "$name")
  # A class by its full name is left alone: its options are not known here.
  if [[ $short != *.* && " $* " != *bootstrap?server* && -f $dir/port ]]; then
    case $short in
      producer-perf) server=(--producer-props "bootstrap.servers=127.0.0.1:$(<"$dir/port")") ;;
      *) server=(--bootstrap-server "127.0.0.1:$(<"$dir/port")") ;;
    esac
  fi
  class_path=$(class_path)
  archive=$(with_archive)
  exec java -Xmx256m "${jvm[@]}" ${archive:+"$archive"} "-Dlog4j2.configurationFile=$here/log4j2.properties" \
    -cp "$class_path" "$class" "$@" "${server[@]}"
}

[[ $# -gt 0 ]] || usage
command=$1
shift
name=default port='' keep='' follow='' settings=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --name) name=${2:?--name needs a value}; shift 2 ;;
    --port) port=${2:?--port needs a value}; shift 2 ;;
    --set) settings+=("${2:?--set needs KEY=VALUE}"); shift 2 ;;
    --keep) keep=yes; shift ;;
    --follow | -f) follow=yes; shift ;;
    *) break ;;
  esac
done
[[ $command == tool || $# -eq 0 ]] || usage

case $command in
  start) start ;;
  stop) stop ;;
  kill) kill_hard ;;
  restart) restart ;;
  status) status ;;
  logs) logs ;;
  tool) tool "$@" ;;
  jars) jars ;;
  *) usage ;;
esac
