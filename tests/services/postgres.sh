#!/usr/bin/env bash
# PostgreSQL on this machine, for tests: a server of its own, with empty data.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/services/lib.sh
source "$here/lib.sh"

usage() {
  cat >&2 <<'USAGE'
usage: postgres.sh start  [--name NAME] [--port PORT]
       postgres.sh stop   [--name NAME]
       postgres.sh status [--name NAME]
       postgres.sh logs   [--name NAME]

start   a new server with one empty database; prints its URL, and nothing
        else, on stdout
stop    ends it and deletes its data

NAME is `default` unless given; each name is a server of its own.
KAFKA_INTEGRATION_CACHE is where pid and log go.
USAGE
  exit 2
}

role=postgres
database='test'
system_user=kafka-integration

# Prints the folder of the server's programs: Debian keeps them off the PATH,
# and pg_config comes with the client's headers also where no server is.
find_programs() {
  local dir
  for dir in "$(pg_config --bindir 2>/dev/null || true)" \
    "$(dirname "$(realpath "$(command -v initdb)" 2>/dev/null)" 2>/dev/null || true)" \
    $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
    if [[ -x $dir/initdb && -x $dir/postgres ]]; then
      printf '%s\n' "$dir"
      return
    fi
  done
  return 1
}

programs() {
  local settings=/etc/postgresql-common/createcluster.d/kafka-integration.conf
  find_programs && return
  # The package would start a server of its own on the default port.
  if [[ $EUID -eq 0 && ! -d /etc/postgresql ]]; then
    mkdir -p "$(dirname "$settings")"
    echo 'create_main_cluster = false' >"$settings"
  fi
  (install_package postgresql) || { rm -f "$settings"; exit 1; }
  rm -f "$settings"
  find_programs || die "the server's programs are missing after installing postgresql"
}

# PostgreSQL refuses to run as root, so root runs it as somebody else.
as=()
become() {
  [[ $EUID -eq 0 ]] || return 0
  if ! id "$system_user" >/dev/null 2>&1; then
    useradd --system --no-create-home --shell /usr/sbin/nologin "$system_user" ||
      # Two runs at once may both have found it missing.
      id "$system_user" >/dev/null
  fi
  as=(setpriv --reuid "$system_user" --regid "$(id -gn "$system_user")" --clear-groups --)
}

url() { # DIR
  printf 'postgres://%s@127.0.0.1:%s/%s\n' "$role" "$(<"$1/port")" "$database"
}

launch() { # DIR BIN DATA PORT
  local dir=$1 bin=$2 data=$3 port=$4
  : >"$dir/server.log"
  # A test's data need not outlive the machine. The socket is in the data
  # folder because that one surely belongs to the server.
  (
    cd "$data"
    spawn "$dir/pid" "$dir/server.log" "${as[@]}" "$bin/postgres" -D "$data" \
      -p "$port" -k "$data" \
      -c listen_addresses=127.0.0.1 -c wal_level=logical -c max_connections=200 \
      -c fsync=off -c synchronous_commit=off -c full_page_writes=off
  )
  if ! wait_until_ready "$dir/pid" 60 "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" -U "$role"; then
    say "the end of $dir/server.log:"
    tail -n 40 "$dir/server.log" >&2
    stop_pid "$dir/pid" KILL 5 || true
    return 1
  fi
}

start() {
  local dir bin data ports attempts=3
  dir=$(run_dir postgres "$name")
  lock "$(cache_dir)/postgres.lock"
  if ! is_gone "$dir/pid"; then
    [[ -z $port || $port == "$(<"$dir/port")" ]] || die "'$name' runs on port $(<"$dir/port") already"
    say "'$name' runs already"
    url "$dir"
    return
  fi
  bin=$(programs)
  become
  clean "$dir"
  mkdir -p "$dir"
  # Not under the cache: the other user may not enter this user's home. Short,
  # because a socket's whole path has to fit into 107 bytes.
  data=$(mktemp -d "${TMPDIR:-/tmp}/kafka-integration-pg.XXXXXX")
  printf '%s\n' "$data" >"$dir/data"
  [[ ${#as[@]} -eq 0 ]] || chown "$system_user" "$data"
  if ! (cd "$data" && "${as[@]}" "$bin/initdb" -D "$data" -U "$role" -A trust \
    --no-locale -E UTF8 --no-sync) </dev/null >"$dir/initdb.log" 2>&1; then
    cat "$dir/initdb.log" >&2
    rm -rf "$data"
    die "the data folder could not be created"
  fi
  # Somebody else may take a free port before the server does; a port that was
  # asked for is not exchanged for another.
  [[ -z $port ]] || attempts=1
  while :; do
    mapfile -t ports < <(free_ports 1)
    printf '%s\n' "${port:-${ports[0]}}" >"$dir/port"
    launch "$dir" "$bin" "$data" "$(<"$dir/port")" && break
    attempts=$((attempts - 1))
    if [[ $attempts -eq 0 ]] || ! grep -q 'could not bind' "$dir/server.log"; then
      rm -rf "$data"
      die "'$name' did not start"
    fi
    say "the port was taken meanwhile: another one"
  done
  "$bin/createdb" -h 127.0.0.1 -p "$(<"$dir/port")" -U "$role" "$database" </dev/null >&2
  url "$dir"
}

clean() { # DIR
  local data
  if [[ -f $1/data ]]; then
    data=$(<"$1/data")
    # Only what `start` made.
    [[ $data != */kafka-integration-pg.?????? ]] || rm -rf "$data"
  fi
  rm -rf "$1"
}

stop() {
  local dir
  dir=$(run_dir postgres "$name")
  lock "$(cache_dir)/postgres.lock"
  # SIGINT ends connections; SIGTERM would wait for clients to leave.
  stop_pid "$dir/pid" INT 20 || true
  clean "$dir"
}

status() {
  local dir pid
  dir=$(run_dir postgres "$name")
  if pid=$(running_pid "$dir/pid"); then
    printf 'running on %s, process %s\n' "$(url "$dir")" "$pid"
  else
    printf 'absent\n'
    return 4
  fi
}

logs() {
  local dir
  dir=$(run_dir postgres "$name")
  [[ -f $dir/server.log ]] || die "there is no server '$name'"
  cat "$dir/server.log"
}

[[ $# -gt 0 ]] || usage
command=$1
shift
name=default port=''
while [[ $# -gt 0 ]]; do
  case $1 in
    --name) name=${2:?--name needs a value}; shift 2 ;;
    --port) port=${2:?--port needs a value}; shift 2 ;;
    *) usage ;;
  esac
done

case $command in
  start) start ;;
  stop) stop ;;
  status) status ;;
  logs) logs ;;
  *) usage ;;
esac
