# What the shell clients share; they source it. Not a program.
# shellcheck shell=bash
set -euo pipefail

: "${BOOTSTRAP:?the broker\'s address}" "${RUN:?a name that no other run has}"
# shellcheck disable=SC2034 # used by those that source this
topic=$RUN-topic other=$RUN-other out=$RUN-out group=$RUN-group

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

equal() { # FOUND WANTED WHAT
  [[ $1 == "$2" ]] || fail "$3: '${1:0:2000}' instead of '${2:0:2000}'"
}

contains() { # TEXT PART WHAT
  [[ $1 == *"$2"* ]] || fail "$3: no '$2' in '${1:0:2000}'"
}

# Runs the command until it succeeds, for a minute at most.
wait_for() { # WHAT COMMAND...
  local what=$1 deadline=$((SECONDS + 60))
  shift
  until "$@"; do
    [[ $SECONDS -lt $deadline ]] || fail "not within 60 s: $what"
    sleep 0.2
  done
}

# Runs the function NAME and prints `step NAME SECONDS`, which run.sh reads.
step() { # NAME
  local start=$EPOCHREALTIME
  current=$1
  # Not in a condition: that would switch `set -e` off inside.
  "${1//-/_}"
  awk -v name="$1" -v from="$start" -v to="$EPOCHREALTIME" 'BEGIN { printf "step %s %.1f\n", name, to - from }'
  current=''
}

# Lines KEY:VALUE of records FROM to TO.
records() { # FROM TO
  local i
  for ((i = $1; i < $2; i++)); do printf 'k%d:value %d\n' $((i % 50)) "$i"; done
}

# Exactly those records, in any order, and each key's in order of their numbers.
check() { # FILE FROM TO
  diff <(sort "$1") <(records "$2" "$3" | sort) >&2 || fail "not the records $2 to $3"
  diff <(sort -t: -s -k1,1 "$1") <(records "$2" "$3" | sort -t: -s -k1,1) >&2 || fail "a key's order is not kept"
}

has_lines() { # COUNT FILE...
  local count=$1
  shift
  [[ $(cat "$@" | wc -l) -ge $count ]]
}

# What runs in the background ends with the script.
children=() current=''
scratch=$(mktemp -d)
finish() {
  [[ -z $current ]] || printf 'step %s FAILED\n' "$current"
  [[ ${#children[@]} -eq 0 ]] || kill "${children[@]}" 2>/dev/null || true
  rm -rf "$scratch"
}
trap finish EXIT
