#!/usr/bin/env bash
# What `make test-servers` does: installs, starts, tests, stops. Arguments are
# packages to test and further flags of go test; none means all packages.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
"$rig_source/install.sh"
trap '"$rig_source/down.sh"' EXIT
"$rig_source/up.sh"
cd "$rig_source/../.."
"${GO:-go}" test -tags servers -count=1 -timeout 15m "${@:-./...}"
