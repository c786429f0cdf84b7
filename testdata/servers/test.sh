#!/usr/bin/env bash
# What `make test-servers` does: installs, starts, tests, stops. Arguments are
# packages to test and further flags of go test; none means the tests with real
# servers, and no others.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
"$rig_source/install.sh"
. "$rig_source/env.sh" # the accounts are there now
trap '"$rig_source/down.sh"' EXIT
"$rig_source/up.sh"
cd "$rig_source/../.."
# The packages with real-server tests, as their build tag tells.
if [ $# = 0 ]; then
  packages=$(grep -rl --include="*_test.go" "^//go:build servers" . | xargs -n1 dirname | sort -u)
  set -- -run "RealServers|^TestServer" $packages
fi
# Most of the time goes into waiting for servers.
"${GO:-go}" test -tags servers -count=1 -timeout 15m -parallel 8 "$@"
