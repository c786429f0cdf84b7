#!/usr/bin/env bash
# What `make fuzz` does: every fuzz target for FUZZTIME. Ends with an error at the
# first target that found something.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
go=${GO:-go} output=$(mktemp)
trap 'rm -f "$output"' EXIT

fuzz() { # package target
  echo "$1 $2"
  if "$go" test -run '^$' -fuzz "^$2\$" -fuzztime "${FUZZTIME:-10s}" "$1" 2>&1 | tee "$output"; then
    return
  fi
  # Before Go 1.27 the end of the time itself is now and then taken for a failure
  # (https://go.dev/issue/75804). What a target finds is always written to a file.
  if grep -q '^ *context deadline exceeded$' "$output" && ! grep -q 'Failing input written' "$output"; then
    echo "$2: the time ran out and nothing was found"
    return
  fi
  exit 1
}

packages=$("$go" list ./...)
for package in $packages; do
  listed=$("$go" test -list '^Fuzz' "$package")
  for target in $(grep '^Fuzz' <<<"$listed" || true); do
    fuzz "$package" "$target"
  done
done
