#!/usr/bin/env bash
# Makes the keys of the SFTP servers and of their user, once, with two authorities and
# what they sign, and the known_hosts of where the servers will be.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
rig_allowed

dir=$SFTPC_RIG_RUN/ssh
if [ ! -e "$dir/made-with-authorities" ]; then
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
  # What only a certificate opens: none of these is in authorized_keys.
  for name in ca_user ca_host ca_other; do ssh-keygen -q -t ed25519 -N '' -C "sftpc test rig, $name" -f "$name"; done
  for kind in ed25519 ecdsa rsa; do ssh-keygen -q -t "$kind" -N '' -C "sftpc test rig" -f "certified_$kind"; done
  for name in expired future stranger elsewhere unsigned; do ssh-keygen -q -t ed25519 -N '' -C "sftpc test rig" -f "certified_$name"; done
  cp host_ed25519.pub server.pub
  chmod 644 certified_*
  touch made-with-authorities
fi

# The user and the ports may be others than the last time.
cd "$dir"
sign() { ssh-keygen -q -I "sftpc test rig" "$@"; }
for kind in ed25519 ecdsa rsa; do sign -s ca_user -n "$SFTPC_RIG_USER" -V always:forever "certified_$kind.pub"; done
sign -s ca_user -n "$SFTPC_RIG_USER" -V 20200101:20200102 certified_expired.pub
sign -s ca_user -n "$SFTPC_RIG_USER" -V 20900101:20910101 certified_future.pub
sign -s ca_user -n somebody-else,and-another -V always:forever certified_stranger.pub
sign -s ca_user -n "$SFTPC_RIG_USER" -V always:forever -O source-address=192.0.2.0/24 certified_elsewhere.pub
sign -s ca_other -n "$SFTPC_RIG_USER" -V always:forever certified_unsigned.pub
sign -h -s ca_host -n files.rig.example -V 20200101:20900101 server.pub
echo "@cert-authority *.rig.example $(cut -d' ' -f1,2 ca_host.pub)" >known_authority
for port in "$SFTPC_RIG_OPENSSH" "$SFTPC_RIG_MODSFTP"; do
  for host in "$SFTPC_RIG_HOST" $SFTPC_RIG_HOST6; do
    for key in host_*.pub; do echo "[$host]:$port $(cut -d' ' -f1,2 "$key")"; done
  done
done >known_hosts
