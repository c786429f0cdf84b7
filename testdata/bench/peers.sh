#!/usr/bin/env bash
# Side by side with lftp, rclone, curl and OpenSSH's sftp: see README.md. The servers
# are those of testdata/servers, started for it in a network namespace of their own;
# they and the clients work in memory, for a disk would be measured instead.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$(cd "$here/../.." && pwd)/bin
. "$here/../servers/env.sh"
rig_allowed

missing=
for pair in lftp:lftp rclone:rclone curl:curl sftp:openssh-client ip:iproute2 nsenter:util-linux; do
  command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
done
if [ -n "$missing" ]; then
  apt-get update -qq
  # shellcheck disable=SC2086 # a list of names
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $missing >/dev/null
fi
[ -e "$rig_tree/unpacked" ] && [ -d "$SFTPC_RIG_SSH" ] && id "$SFTPC_RIG_USER" >/dev/null 2>&1 || "$rig_source/install.sh" >&2

clear() { rm -rf "$scratch"; }
scratch=$(mktemp -d -p "$(test -d /dev/shm && echo /dev/shm || echo "$SFTPC_RIG_RUN")" sftpc-bench-XXXXXX)
chmod 755 "$scratch"
trap clear EXIT
export SFTPC_RIG_HOMES=$scratch/home SFTPC_RIG_HOST=10.99.0.2 SFTPC_RIG_HOST6=
mkdir -m 755 "$SFTPC_RIG_HOMES"
"$rig_source/sshkeys.sh" # the host is another one

cd "$here"
"${GO:-go}" build -o "$scratch/peers" ./peers
"$scratch/peers" -bin "$bin" -rig "$rig_source" "$@"
