#!/usr/bin/env bash
# A new user's way through the README, timed: a fresh clone, nothing built,
# until the first order was billed by a consumer. Fails when that takes longer
# than ten minutes.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
clone=$(mktemp -d)
trap 'rm -rf "$clone"' EXIT

git clone --quiet "$root" "$clone"
began=$SECONDS
# Neither another build's results nor its settings.
env -u CARGO_TARGET_DIR -u CARGO_BUILD_TARGET_DIR "$clone/tests/e2e/dev.sh"
took=$((SECONDS - began))
printf 'first consumed message %d min %d s after the clone, building included\n' \
  $((took / 60)) $((took % 60))
[[ $took -le 600 ]]
