#!/usr/bin/env bash
# What `make fuzz` does: every fuzz target for FUZZTIME, as many at once as there
# are processors, each with one worker. Ends with an error if one found something.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export go=${GO:-go} FUZZTIME=${FUZZTIME:-10s}

# fuzz runs one target and prints what it said in one piece.
fuzz() { # package target
  local said status=0
  said=$("$go" test -run '^$' -fuzz "^$2\$" -fuzztime "$FUZZTIME" -parallel 1 "$1" 2>&1) || status=$?
  # Before Go 1.27 the end of the time itself is now and then taken for a failure
  # (https://go.dev/issue/75804). What a target finds is always written to a file.
  if [ $status -ne 0 ] && grep -q '^ *context deadline exceeded$' <<<"$said" && ! grep -q 'Failing input written' <<<"$said"; then
    said+=$'\n'"$2: the time ran out and nothing was found"
    status=0
  fi
  printf '%s %s\n%s\n' "$1" "$2" "$said"
  return $status
}
export -f fuzz

# The targets as the sources name them: asking each package would link its tests.
grep -r --include='*_test.go' -o '^func Fuzz[A-Za-z0-9_]*' . | sort |
  while IFS=: read -r file declared; do
    echo "$(dirname "$file") ${declared#func }"
  done | xargs -r -n 2 -P "$(nproc)" bash -c 'fuzz "$@"' fuzz
