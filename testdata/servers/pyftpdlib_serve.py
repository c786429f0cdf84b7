"""pyftpdlib as a server, under the rig's account from the first byte on.

Arguments: port, home, home of anonymous users, first and last passive port, user and group number,
the address to listen on, then the file of its certificate and key. TLS is there for those who ask, where the
library for it is. Names and passwords are in the environment, where
other users do not see them.
"""

import os
import sys
import warnings

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib import handlers
from pyftpdlib.servers import MultiprocessFTPServer

port, home, anonymous, low, high, uid, gid, host, certificate = sys.argv[1:]

os.setgroups([])
os.setgid(int(gid))
os.setuid(int(uid))

accounts = DummyAuthorizer()
for account in "SFTPC_RIG", "SFTPC_RIG_SEED":
    accounts.add_user(os.environ[account + "_USER"], os.environ[account + "_PASSWORD"], home, perm="elradfmwMT")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that anonymous users may write is meant
    accounts.add_anonymous(anonymous, perm="elradfmwMT")


class Handler(getattr(handlers, "TLS_FTPHandler", handlers.FTPHandler)):
    certfile = certificate
    authorizer = accounts
    passive_ports = range(int(low), int(high) + 1)
    use_gmt_times = True
    banner = "pyftpdlib of the sftpc test rig"


# A process for each session: with several in one loop a passive connection is now
# and then never accepted.
MultiprocessFTPServer((host, int(port)), Handler).serve_forever()
