#!/usr/bin/env bash
# Fetches the four servers of the distribution and makes the accounts that they
# serve. As packages they exclude each other (each is "the" ftp-server), so they
# are only downloaded and unpacked side by side: no maintainer script runs, no
# service starts.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
rig_allowed

for tool in apt-get apt-cache dpkg-deb perl; do
  command -v "$tool" >/dev/null || { echo "rig: needs $tool: Debian or a relative of it" >&2; exit 1; }
done

# A folder of somebody else at a well-known place is not to be trusted by root.
mkdir -p -m 755 "$SFTPC_RIG_RUN"
[ -O "$SFTPC_RIG_RUN" ] || { echo "rig: $SFTPC_RIG_RUN belongs to somebody else" >&2; exit 1; }
chmod 755 "$SFTPC_RIG_RUN"

# libpam-pwdfile gives vsftpd users of a file. (pam_exec hangs it: it takes every
# end of a child for that of its own.)
packages="vsftpd libpam-pwdfile proftpd-core proftpd-mod-crypto pure-ftpd pure-ftpd-common python3-pyftpdlib openssh-server"

if [ "$(cat "$rig_tree/unpacked" 2>/dev/null)" != "$packages" ]; then
  apt-get update -qq
  rm -rf "$rig_tree" "$SFTPC_RIG_RUN/packages"
  mkdir -p "$rig_tree" "$SFTPC_RIG_RUN/packages"
  cd "$SFTPC_RIG_RUN/packages"
  # As root apt wants to hand the download to its own user, who may not write here.
  apt-get -o APT::Sandbox::User=root download -qq $packages

  # Of what they depend on, libraries and Python modules only: the rest is there
  # for services and configuration dialogues, which are not wanted.
  wanted=$(for package in *.deb; do dpkg-deb -f "$package" Pre-Depends Depends; done |
    sed 's/^[A-Za-z-]*: //' | tr ',' '\n' | sed 's/^ *//; s/ *$//' |
    grep -E '^(lib|python3)' | sort -u | paste -sd, -)
  # What pyftpdlib's TLS needs, and what makes the certificates.
  wanted="$wanted, python3-openssl, openssl, openssh-client"
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 satisfy -y -qq --no-install-recommends "$wanted" >"$SFTPC_RIG_RUN/satisfy.log" 2>&1 ||
    { cat "$SFTPC_RIG_RUN/satisfy.log" >&2; exit 1; }

  for package in *.deb; do dpkg-deb -x "$package" "$rig_tree"; done
  echo "$packages" >"$rig_tree/unpacked"
fi

# An account that runs processes cannot be changed.
"$rig_source/down.sh" >/dev/null

pam=/etc/pam.d/$SFTPC_RIG_USER
if id "$SFTPC_RIG_USER" >/dev/null 2>&1; then
  case $(getent passwd "$SFTPC_RIG_USER" | cut -d: -f5) in
  "$rig_mark"*) ;;
  *) echo "rig: the account $SFTPC_RIG_USER is not ours; set SFTPC_RIG_USER to a name that is free" >&2; exit 1 ;;
  esac
else
  useradd --system --user-group --no-create-home --shell /usr/sbin/nologin --comment "$rig_mark" "$SFTPC_RIG_USER"
fi
# vsftpd looks into the account's home before it goes where it is told to.
if [ "$(getent passwd "$SFTPC_RIG_USER" | cut -d: -f6)" != / ]; then usermod --home / "$SFTPC_RIG_USER"; fi
if [ -e "$pam" ] && ! grep -q "$rig_mark" "$pam"; then
  echo "rig: $pam is not ours" >&2
  exit 1
fi
# The account has no password of the system.
module=$(find "$rig_tree" -name pam_pwdfile.so)
cat >"$pam" <<TEXT
# $rig_mark
auth    sufficient pam_succeed_if.so quiet user = anonymous
auth    required $module pwdfile=$SFTPC_RIG_RUN/etc/vsftpd.passwd
account required pam_permit.so
TEXT

if ! id ftp >/dev/null 2>&1; then
  useradd --system --user-group --no-create-home --shell /usr/sbin/nologin --home-dir "$rig_ftp_home" --comment "$rig_mark" ftp
else
  case $(getent passwd ftp | cut -d: -f5,6) in
  "$rig_mark:$rig_ftp_home") ;;
  "$rig_mark:"*)
    other=$(getent passwd ftp | cut -d: -f6)
    if [ -d "$other" ]; then
      echo "rig: the account ftp is another rig's ($other): Pure-FTPd is left out of the anonymous logins"
    else
      usermod --home "$rig_ftp_home" ftp
    fi
    ;;
  *) echo "rig: the account ftp is not ours: Pure-FTPd is left out of the anonymous logins" ;;
  esac
fi

# OpenSSH gives its rights up to this one.
if ! id sshd >/dev/null 2>&1; then
  useradd --system --no-create-home --home-dir /run/sshd --shell /usr/sbin/nologin --comment "$rig_mark" sshd
fi
"$rig_source/sshkeys.sh"

for package in vsftpd proftpd-core pure-ftpd python3-pyftpdlib openssh-server; do
  for file in "$SFTPC_RIG_RUN/packages/$package"_*.deb; do
    echo "installed  $package $(dpkg-deb -f "$file" Version)"
  done
done
