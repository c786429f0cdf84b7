#!/usr/bin/env bash
# Takes everything away that install.sh made, but for the libraries.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
rig_allowed
"$rig_source/down.sh"
case $(getent passwd "$SFTPC_RIG_USER" | cut -d: -f5) in
"$rig_mark"*) userdel "$SFTPC_RIG_USER" ;;
esac
case $(getent passwd ftp | cut -d: -f5,6) in
"$rig_mark:$rig_ftp_home") userdel ftp ;;
esac
case $(getent passwd sshd | cut -d: -f5) in
"$rig_mark"*) userdel sshd ;;
esac
pam=/etc/pam.d/$SFTPC_RIG_USER
if [ -e "$pam" ] && grep -q "$rig_mark" "$pam"; then rm "$pam"; fi
if [ -O "$SFTPC_RIG_RUN" ]; then rm -rf "$SFTPC_RIG_RUN"; fi
