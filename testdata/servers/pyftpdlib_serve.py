"""pyftpdlib as a server, under the rig's account from the first byte on.

Arguments: port, user, home, first and last passive port, user and group number,
then the addresses to listen on. The password is in the environment, where other
users do not see it.
"""

import os
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

port, user, home, low, high, uid, gid, *hosts = sys.argv[1:]

os.setgroups([])
os.setgid(int(gid))
os.setuid(int(uid))

accounts = DummyAuthorizer()
accounts.add_user(user, os.environ["SFTPC_RIG_PASSWORD"], home, perm="elradfmwMT")


class Handler(FTPHandler):
    authorizer = accounts
    passive_ports = range(int(low), int(high) + 1)
    use_gmt_times = True
    banner = "pyftpdlib of the sftpc test rig"


# All servers of one process share one loop; any of them may run it.
servers = [FTPServer((host, int(port)), Handler) for host in hosts]
servers[0].serve_forever()
