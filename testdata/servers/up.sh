#!/usr/bin/env bash
# Starts the servers (all, or those named) and returns when each has greeted.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
rig_allowed
[ -e "$rig_tree/unpacked" ] || { echo "rig: run install.sh first" >&2; exit 1; }

run=$SFTPC_RIG_RUN
uid=$(id -u "$SFTPC_RIG_USER")
gid=$(id -g "$SFTPC_RIG_USER")
mkdir -p "$run/etc" "$run/log" "$run/pid" "$run/empty"
chmod 755 "$run/empty"

# Fills the @NAMES@ of a template in.
render() { # template server host
  local range
  read -r -a range <<<"$(rig_passive "$2")"
  local port=SFTPC_RIG_${2^^} implicit=SFTPC_RIG_${2^^}_IMPLICIT
  sed -e "s|@RUN@|$run|g" -e "s|@HOMES@|$SFTPC_RIG_HOMES|g" -e "s|@TREE@|$rig_tree|g" -e "s|@USER@|$SFTPC_RIG_USER|g" -e "s|@HOST@|$3|g" \
    -e "s|@HOST6@|$SFTPC_RIG_HOST6|g" -e "s|@PORT@|${!port}|g" -e "s|@IMPLICIT@|${!implicit:-}|g" -e "s|@SFTP@|$SFTPC_RIG_MODSFTP|g" -e "s|@LOW@|${range[0]:-}|g" -e "s|@HIGH@|${range[1]:-}|g" "$rig_source/$1"
}

# Writes the accounts with their passwords, as in a file of the system.
accounts() { # what each line ends with
  local account user password
  for account in SFTPC_RIG SFTPC_RIG_SEED; do
    user=${account}_USER password=${account}_PASSWORD
    printf '%s:%s%s\n' "${!user}" "$(perl -e 'print crypt($ARGV[0], q($6$sftpcrig$))' "${!password}")" "$1"
  done
}

# Each server leads a process group of its own, so that down.sh reaches the
# processes of its sessions too.
start() { # name command...
  local name=$1
  shift
  setsid "$@" >"$run/log/$name.out" 2>&1 </dev/null &
  echo $! >"$run/pid/$name"
}

# Waits for a greeting, and shows what the server had to say if there is none.
greeted() { # name host port
  local end=$((SECONDS + 20)) line
  while [ $SECONDS -lt $end ]; do
    if { exec 3<>"/dev/tcp/$2/$3"; } 2>/dev/null; then
      line=
      read -r -t 5 line <&3 || true
      exec 3>&-
      case $line in 220* | SSH-*) echo "up         $1 at $2 port $3"; return 0 ;; esac
    fi
    sleep 0.1
  done
  echo "rig: $1 does not greet at $2 port $3" >&2
  tail -n 20 "$run"/log/"$1"* >&2
  return 1
}

# Waits until a port with TLS from the first byte on takes a handshake.
answers() { # name port
  local end=$((SECONDS + 20)) client line
  while [ $SECONDS -lt $end ]; do
    exec 3< <(exec openssl s_client -quiet -connect "$SFTPC_RIG_HOST:$2" 2>/dev/null < <(exec sleep 5))
    client=$! line=
    read -r -t 5 line <&3 || true
    kill "$client" 2>/dev/null || true
    exec 3<&-
    case $line in 220*) echo "up         $1 with implicit TLS at $SFTPC_RIG_HOST port $2"; return 0 ;; esac
    sleep 0.1
  done
  echo "rig: $1 does not speak TLS at $SFTPC_RIG_HOST port $2" >&2
  tail -n 20 "$run"/log/"$1"* >&2
  return 1
}

"$rig_source/down.sh" >/dev/null
"$rig_source/certificates.sh"
for server in ${*:-$rig_servers $rig_ssh_servers}; do
  mkdir -p "$SFTPC_RIG_HOMES/$server" "$SFTPC_RIG_HOMES/$server-anonymous"
  chown "$uid:$gid" "$SFTPC_RIG_HOMES/$server" "$SFTPC_RIG_HOMES/$server-anonymous"
  case $server in
  vsftpd)
    (umask 077 && accounts "" >"$run/etc/vsftpd.passwd")
    mkdir -p "$run/etc/vsftpd.users"
    echo "local_root=$SFTPC_RIG_HOMES/vsftpd-anonymous" >"$run/etc/vsftpd.users/anonymous"
    for host in "$SFTPC_RIG_HOST" $SFTPC_RIG_HOST6; do
      name=vsftpd
      listen="listen=YES\nlisten_ipv6=NO\nlisten_address=$host"
      if [ "$host" = "$SFTPC_RIG_HOST6" ]; then
        name=vsftpd6
        listen="listen=NO\nlisten_ipv6=YES\nlisten_address6=$host"
      fi
      { render vsftpd.conf vsftpd "$host"; printf '%b\n' "$listen"; } | grep -v '^#' >"$run/etc/$name.conf"
      start "$name" "$rig_tree/usr/sbin/vsftpd" "$run/etc/$name.conf"
    done
    # The first address once more, with TLS from the first byte on.
    sed -e "s/^listen_port=.*/listen_port=$SFTPC_RIG_VSFTPD_IMPLICIT/" "$run/etc/vsftpd.conf" >"$run/etc/vsftpd-implicit.conf"
    echo implicit_ssl=YES >>"$run/etc/vsftpd-implicit.conf"
    start vsftpd-implicit "$rig_tree/usr/sbin/vsftpd" "$run/etc/vsftpd-implicit.conf"
    ;;
  proftpd)
    render proftpd.conf proftpd "$SFTPC_RIG_HOST $SFTPC_RIG_HOST6" >"$run/etc/proftpd.conf"
    (
      umask 077
      {
        accounts ":$uid:$gid::$SFTPC_RIG_HOMES/proftpd:/bin/sh"
        echo "ftp:*:$uid:$gid::$SFTPC_RIG_HOMES/proftpd-anonymous:/bin/sh"
      } >"$run/etc/proftpd.passwd"
      echo "$SFTPC_RIG_USER:x:$gid:" >"$run/etc/proftpd.group"
    )
    chown "$uid" "$run/etc/proftpd.passwd" "$run/etc/proftpd.group"
    start proftpd "$rig_tree/usr/sbin/proftpd" --nodaemon --config "$run/etc/proftpd.conf"
    ;;
  pureftpd)
    # Its own useradd would take a hash that costs seconds at each login.
    (umask 077 && accounts ":$uid:$gid::$SFTPC_RIG_HOMES/pureftpd/./::::::::::::" >"$run/etc/pureftpd.passwd")
    "$rig_tree/usr/bin/pure-pw" mkdb "$run/etc/pureftpd.pdb" -f "$run/etc/pureftpd.passwd"
    if [[ $SFTPC_RIG_ANONYMOUS == *pureftpd* ]]; then chown ftp: "$rig_ftp_home"; fi
    for host in "$SFTPC_RIG_HOST" $SFTPC_RIG_HOST6; do
      name=pureftpd
      [ "$host" = "$SFTPC_RIG_HOST" ] || name=pureftpd6
      # shellcheck disable=SC2046 # the file holds one option a word
      start "$name" "$rig_tree/usr/sbin/pure-ftpd" -S "$host,$SFTPC_RIG_PUREFTPD" -g "$run/pid/$name.own" \
        $(render pureftpd.options pureftpd "$host" | grep -v '^#')
    done
    ;;
  pyftpdlib)
    read -r -a range <<<"$(rig_passive pyftpdlib)"
    # The interpreter that the package was made for, whatever PATH says.
    for host in "$SFTPC_RIG_HOST" $SFTPC_RIG_HOST6; do
      name=pyftpdlib
      [ "$host" = "$SFTPC_RIG_HOST" ] || name=pyftpdlib6
      start "$name" env PYTHONPATH="$rig_tree/usr/lib/python3/dist-packages" \
        /usr/bin/python3 "$rig_source/pyftpdlib_serve.py" "$SFTPC_RIG_PYFTPDLIB" "$SFTPC_RIG_HOMES/pyftpdlib" "$SFTPC_RIG_HOMES/pyftpdlib-anonymous" \
        "${range[0]}" "${range[1]}" "$uid" "$gid" "$host" "$run/tls/server.pem"
    done
    ;;
  openssh)
    (umask 077 && accounts "" >"$run/etc/vsftpd.passwd")
    { render sshd_config openssh "$SFTPC_RIG_HOST"; [ -z "$SFTPC_RIG_HOST6" ] || echo "ListenAddress $SFTPC_RIG_HOST6"; } | grep -v '^#' >"$run/etc/sshd_config"
    ln -sf "$rig_tree/usr/sbin/sshd" "$run/etc/$SFTPC_RIG_USER"
    mkdir -p -m 755 /run/sshd # which it wants to be in before it knows its user
    start openssh "$run/etc/$SFTPC_RIG_USER" -D -e -f "$run/etc/sshd_config"
    ;;
  *)
    echo "rig: no server is called $server: $rig_servers" >&2
    exit 2
    ;;
  esac
done
for server in ${*:-$rig_servers $rig_ssh_servers}; do
  port=SFTPC_RIG_${server^^}
  for host in "$SFTPC_RIG_HOST" $SFTPC_RIG_HOST6; do greeted "$server" "$host" "${!port}"; done
  implicit=SFTPC_RIG_${server^^}_IMPLICIT
  if [ -n "${!implicit:-}" ]; then answers "$server" "${!implicit}"; fi
  if [ "$server" = proftpd ]; then greeted modsftp "$SFTPC_RIG_HOST" "$SFTPC_RIG_MODSFTP"; fi
done
