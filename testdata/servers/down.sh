#!/usr/bin/env bash
# Stops what up.sh started, by the recorded process groups, and nothing else.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

for file in "$SFTPC_RIG_RUN"/pid/*; do
  name=$(basename "$file")
  case $name in '*' | *.own) rm -f "$SFTPC_RIG_RUN"/pid/*.own; continue ;; esac
  pid=$(cat "$file")
  rm -f "$file"
  kill -TERM -- "-$pid" 2>/dev/null || continue
  for _ in $(seq 50); do
    kill -0 -- "-$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL -- "-$pid" 2>/dev/null
  echo "down       $name"
done
exit 0
