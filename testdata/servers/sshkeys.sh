#!/usr/bin/env bash
# Makes the keys of the SFTP servers and of their user, once, and the known_hosts of
# where the servers will be.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
rig_allowed

dir=$SFTPC_RIG_RUN/ssh
if [ ! -e "$dir/made" ]; then
  rm -rf "$dir"
  mkdir -p -m 755 "$dir"
  cd "$dir"
  for kind in ed25519 ecdsa rsa; do
    form=()
    # ProFTPD reads its own in the older form.
    [ "$kind" = ed25519 ] || form=(-m PEM)
    ssh-keygen -q -t "$kind" "${form[@]}" -N '' -C "sftpc test rig" -f "host_$kind"
    ssh-keygen -q -t "$kind" -N '' -C "sftpc test rig" -f "user_$kind"
  done
  ssh-keygen -q -t ed25519 -N 'open sesame' -C "sftpc test rig" -f user_locked
  cat user_*.pub >authorized_keys
  for key in user_*.pub; do ssh-keygen -e -m RFC4716 -f "$key"; done >authorized_keys.rfc4716
  chmod 644 authorized_keys authorized_keys.rfc4716 user_*
  touch made
fi

# The ports may be others than the last time.
cd "$dir"
for port in "$SFTPC_RIG_OPENSSH" "$SFTPC_RIG_MODSFTP"; do
  for host in "$SFTPC_RIG_HOST" $SFTPC_RIG_HOST6; do
    for key in host_*.pub; do echo "[$host]:$port $(cut -d' ' -f1,2 "$key")"; done
  done
done >known_hosts
