#!/usr/bin/env bash
# Side by side with curl, Lua and an empty Go program. Transfers are measured
# against the vsftpd of testdata/servers, which is started for it and serves from
# memory: a disk would be measured instead.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$(cd "$here/../.." && pwd)/bin
. "$here/../servers/env.sh"

clear() {
  "$rig_source/down.sh" >/dev/null
  rm -rf "$SFTPC_RIG_HOMES"
}

server=()
if [[ " $* " == *" -ftp "* ]]; then
  :
elif ! why=$(rig_allowed 2>&1); then
  server=(-without "no server of testdata/servers here: ${why%%$'\n'*}")
elif ! why=$("$rig_source/install.sh" 2>&1); then
  server=(-without "vsftpd cannot be installed: ${why##*$'\n'}")
else
  SFTPC_RIG_HOMES=$(mktemp -d -p "$(test -d /dev/shm && echo /dev/shm || echo "$SFTPC_RIG_RUN")" sftpc-bench-home-XXXXXX)
  chmod 755 "$SFTPC_RIG_HOMES"
  trap clear EXIT
  if why=$("$rig_source/up.sh" vsftpd 2>&1); then
    server=(-ftp "$SFTPC_RIG_HOST:$SFTPC_RIG_VSFTPD" -user "$SFTPC_RIG_USER" -password "$SFTPC_RIG_PASSWORD")
  else
    server=(-without "vsftpd does not start: ${why##*$'\n'}")
  fi
fi
cd "$here"
"${GO:-go}" run . -bin "$bin" "${server[@]}" "$@"
