# Sourced by the other scripts, and by whoever runs `go test -tags servers` by
# hand. What a test needs to know is exported; every value can be set before.

# State of the rig: unpacked servers, rendered configurations, homes, logs, pids.
export SFTPC_RIG_RUN=${SFTPC_RIG_RUN:-${TMPDIR:-/var/tmp}/sftpc-rig}
# What the servers serve: a folder for each, and one for its anonymous users.
export SFTPC_RIG_HOMES=${SFTPC_RIG_HOMES:-$SFTPC_RIG_RUN/home}
export SFTPC_RIG_USER=${SFTPC_RIG_USER:-sftpcrig}
export SFTPC_RIG_PASSWORD=${SFTPC_RIG_PASSWORD:-only-for-tests-1}
# The account of testdata/seed.ftp, which every server knows beside that one; the
# two share their homes. Anonymous logins have folders of their own.
export SFTPC_RIG_SEED_USER=myuser SFTPC_RIG_SEED_PASSWORD=mypassword
# Two rigs on one machine need two bases; each takes base to base+299.
export SFTPC_RIG_BASE=${SFTPC_RIG_BASE:-27000}

# One address of this machine: in a network namespace it may be another.
export SFTPC_RIG_HOST=${SFTPC_RIG_HOST:-127.0.0.1}
# Empty where the machine has no IPv6 loopback; the tests then say so.
if [ -z "${SFTPC_RIG_HOST6+set}" ]; then
  SFTPC_RIG_HOST6=
  if grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null; then SFTPC_RIG_HOST6=::1; fi
fi
export SFTPC_RIG_HOST6
export SFTPC_RIG_VSFTPD=$((SFTPC_RIG_BASE + 21))
export SFTPC_RIG_PROFTPD=$((SFTPC_RIG_BASE + 22))
export SFTPC_RIG_PUREFTPD=$((SFTPC_RIG_BASE + 23))
export SFTPC_RIG_PYFTPDLIB=$((SFTPC_RIG_BASE + 24))
# These ports also speak TLS when asked for it; of the four, two have a port that
# speaks it from the first byte on.
export SFTPC_RIG_VSFTPD_IMPLICIT=$((SFTPC_RIG_BASE + 31))
export SFTPC_RIG_PROFTPD_IMPLICIT=$((SFTPC_RIG_BASE + 32))
# Who signed the certificate of all four.
export SFTPC_RIG_AUTHORITY=$SFTPC_RIG_RUN/tls/authority.crt
# The servers that speak TLS: pyftpdlib needs a library for it.
export SFTPC_RIG_TLS="vsftpd proftpd pureftpd"
if /usr/bin/python3 -c 'import OpenSSL' 2>/dev/null; then SFTPC_RIG_TLS="$SFTPC_RIG_TLS pyftpdlib"; fi

# Those of SFTP: OpenSSH, and mod_sftp in the process of ProFTPD. Keys of theirs and of
# the user are in SFTPC_RIG_SSH.
export SFTPC_RIG_OPENSSH=$((SFTPC_RIG_BASE + 51))
export SFTPC_RIG_MODSFTP=$((SFTPC_RIG_BASE + 52))
export SFTPC_RIG_SSH=$SFTPC_RIG_RUN/ssh

rig_source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rig_tree=$SFTPC_RIG_RUN/tree   # the unpacked packages
rig_servers="vsftpd proftpd pureftpd pyftpdlib"
rig_ssh_servers="openssh"

# Pure-FTPd takes anonymous users home to the system's account "ftp", which there
# is one of: it is the rig's that made it, for as long as that has its folder.
rig_ftp_home=$SFTPC_RIG_HOMES/pureftpd-anonymous
export SFTPC_RIG_ANONYMOUS=$rig_servers
if [ "$(getent passwd ftp | cut -d: -f6)" != "$rig_ftp_home" ]; then
  SFTPC_RIG_ANONYMOUS=${rig_servers/ pureftpd/}
fi

# Passive ports: base+100 to base+299, fifty for each server, so that none takes
# another's.
rig_passive() { # server -> "low high"
  local n=0 s
  for s in $rig_servers; do
    if [ "$s" = "$1" ]; then echo "$((SFTPC_RIG_BASE + 100 + 50 * n)) $((SFTPC_RIG_BASE + 149 + 50 * n))"; return; fi
    n=$((n + 1))
  done
}

# vsftpd insists on an account of the system and a PAM service. Those are made on
# machines that nobody minds, and nowhere else.
rig_allowed() {
  if [ "${CI:-}" = true ] || [ "${SFTPC_RIG_ALLOW:-}" = 1 ] || [ -e /.dockerenv ] || [ -e /run/.containerenv ]; then
    if [ "$(id -u)" = 0 ]; then return 0; fi
    echo "rig: must run as root: it makes accounts and a PAM service, and the servers change users" >&2
    return 1
  fi
  cat >&2 <<TEXT
rig: refused. It would make the accounts $SFTPC_RIG_USER and ftp, the file
/etc/pam.d/$SFTPC_RIG_USER, and install libraries that the servers need. That is
done only in a container, in CI (CI=true), or where you say that this machine is
for it: SFTPC_RIG_ALLOW=1.
TEXT
  return 1
}

# The mark by which the rig knows what it made itself.
rig_mark="sftpc test rig"
