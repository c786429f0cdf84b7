#!/usr/bin/env bash
# Makes the certificates of the rig, once: an authority that nobody else trusts and
# one certificate that all servers show, for their names and the loopback addresses.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
rig_allowed

dir=$SFTPC_RIG_RUN/tls
mkdir -p "$dir"
# Ten days are kept, so that no run ends with a certificate that expires in it.
if openssl x509 -checkend 864000 -noout -in "$dir/server.crt" >/dev/null 2>&1; then exit 0; fi
cd "$dir"
umask 077
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=sftpc test rig" \
  -keyout authority.key -out authority.crt 2>/dev/null
# RSA, for vsftpd has a setting of its own for anything else.
openssl req -newkey rsa:2048 -nodes -subj "/CN=sftpc test rig server" -keyout server.key -out server.csr 2>/dev/null
printf '%s\n' "subjectAltName=DNS:vsftpd,DNS:proftpd,DNS:pureftpd,DNS:pyftpdlib,DNS:localhost,IP:127.0.0.1,IP:::1" \
  "extendedKeyUsage=serverAuth" "basicConstraints=CA:FALSE" >extensions
openssl x509 -req -in server.csr -CA authority.crt -CAkey authority.key -CAcreateserial -days 364 -extfile extensions \
  -out server.crt 2>/dev/null
cat server.key server.crt >server.pem
rm -f server.csr extensions
# What is to be trusted is for everybody's eyes, and pyftpdlib reads its key as the
# rig's user.
chmod 644 authority.crt server.crt
chmod 755 "$dir"
chown "$SFTPC_RIG_USER" server.pem
