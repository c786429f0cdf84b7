#!/usr/bin/env bash
# Side by side with curl, Lua and an empty Go program. With the rig of real
# servers up (testdata/servers) the transfers are measured too.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "$here/../.." && pwd)/bin
cd "$here"
go run . -bin "$bin" "$@"
