# Shared by the scripts beside it, which source it. Not a program.
# shellcheck shell=bash

# Progress goes to stderr: stdout carries the address, and nothing else.
say() { printf '%s\n' "$*" >&2; }

die() {
  say "error: $*"
  exit 1
}

cache_dir() {
  printf '%s\n' "${KAFKA_INTEGRATION_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kafka-integration}"
}

# The folder where instance NAME of SERVICE keeps its pid, port and log.
run_dir() { # SERVICE NAME
  # The name becomes a path that `stop` deletes.
  [[ $2 =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || die "a name has letters, digits, '.', '_' and '-', not '$2'"
  printf '%s/run/%s/%s\n' "$(cache_dir)" "$1" "$2"
}

# Installs PACKAGE when PROGRAM is missing and this is a machine where that
# can be done without asking; says what to install otherwise.
need() { # PROGRAM PACKAGE
  command -v "$1" >/dev/null && return
  install_package "$2"
  command -v "$1" >/dev/null || die "$1 is still missing after installing $2"
}

install_package() { # PACKAGE
  if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
    die "install $1 first (on Debian: apt-get install $1)"
  fi
  say "installing $1"
  # A fresh image may have no package lists, or old ones.
  if ! DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$1" </dev/null >&2; then
    apt-get update -q </dev/null >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$1" </dev/null >&2
  fi
}

port_open() { # PORT
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Prints COUNT different ports that nobody listens on. They are below the
# range that the kernel gives to outgoing connections: from inside it, a client
# that retries while the server is down can be given the server's own port,
# connects to itself, and the server cannot bind when it comes back.
free_ports() { # COUNT
  local wanted=$1 port ports=()
  while [[ ${#ports[@]} -lt $wanted ]]; do
    port=$((20000 + RANDOM % 12000))
    [[ " ${ports[*]} " == *" $port "* ]] && continue
    port_open "$port" && continue
    ports+=("$port")
  done
  printf '%s\n' "${ports[@]}"
}

# Runs COMMAND until it succeeds, for at most SECONDS.
wait_for() { # SECONDS COMMAND...
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [[ $SECONDS -lt $deadline ]] || return 1
    sleep 0.1
  done
}

# Waits for its turn, so that two runs at once do not do the same work. The
# lock lasts as long as the descriptor, which `spawn` keeps from the server.
lock() { # FILE
  need flock util-linux
  mkdir -p "$(dirname "$1")"
  while :; do
    exec 9>"$1"
    flock -w 600 9 || die "another run has held $1 for ten minutes"
    # The one before may have removed the file at its end: a lock on a file
    # that nobody can find any more keeps nobody out.
    [[ $(stat -Lc %i /dev/fd/9) != "$(stat -c %i "$1" 2>/dev/null)" ]] || return 0
  done
}

# When the kernel started the process, in ticks since boot. The command's name
# stands in brackets and may hold anything, so count after the last bracket.
start_time() { # PID
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  # A zombie has ended, whether or not somebody has collected it.
  [[ $stat != Z* ]] || return 1
  awk '{ print $20 }' <<<"$stat"
}

# Starts a server that outlives this script and the caller's terminal. Every
# descriptor is replaced: one that kept the caller's stdout open would make
# `$(...)` wait for the server's end.
spawn() { # PIDFILE LOGFILE COMMAND...
  local pid_file=$1 log=$2 pid
  shift 2
  setsid "$@" </dev/null >>"$log" 2>&1 9>&- &
  pid=$!
  disown "$pid"
  # The start time too, so that a number that the system has since given to
  # another process is never signalled.
  printf '%s %s\n' "$pid" "$(start_time "$pid")" >"$pid_file"
}

# Prints the id of the server if it still runs.
running_pid() { # PIDFILE
  local pid started
  [[ -f $1 ]] || return 1
  read -r pid started <"$1" || return 1
  [[ -n $started && $(start_time "$pid") == "$started" ]] || return 1
  printf '%s\n' "$pid"
}

is_gone() { ! running_pid "$1" >/dev/null; }

# Ends the server: SIGNAL first, SIGKILL when that has not helped in SECONDS,
# which the exit status tells.
stop_pid() { # PIDFILE SIGNAL SECONDS
  local pid status=0
  if pid=$(running_pid "$1"); then
    kill -s "$2" "$pid" 2>/dev/null || true
    if ! wait_for "$3" is_gone "$1"; then
      say "process $pid ignored SIG$2 for $3 s: SIGKILL"
      kill -s KILL "$pid" 2>/dev/null || true
      wait_for 10 is_gone "$1" || die "process $pid cannot be ended"
      status=1
    fi
  fi
  rm -f "$1"
  return "$status"
}

# True once READY succeeds; false when the server ends first or time runs out.
wait_until_ready() { # PIDFILE SECONDS READY...
  local pid_file=$1 deadline=$((SECONDS + $2))
  shift 2
  until "$@"; do
    if is_gone "$pid_file"; then
      say "the server ended while starting"
      return 1
    fi
    if [[ $SECONDS -ge $deadline ]]; then
      say "the server did not answer in time"
      return 1
    fi
    sleep 0.1
  done
}
