"""Slurm's accounting for a cluster of its own: slurmdbd over a MariaDB that only a socket in the cluster's folder leads to."""

import os
import subprocess

DBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge/munge.socket
DbdHost={controller}
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser=root
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=accounts
"""


class Accounts:
    """The database and the daemon before it."""

    def __init__(self, cluster, port):
        self.cluster = cluster
        self.folder = cluster.folder
        self.port = port

    def settings(self):
        """What the cluster's configuration says of them."""
        return (
            "AccountingStorageType=accounting_storage/slurmdbd\nAccountingStorageHost=127.0.0.1\n"
            f"AccountingStoragePort={self.port}\n"
            # With munge this is the socket's place, whatever AuthInfo says.
            f"AccountingStoragePass={self.folder}/munge/munge.socket\n"
        )

    def write_configuration(self):
        text = DBD_CONF.format(folder=self.folder, controller=self.cluster.controller, port=self.port)
        file = self.folder / "slurmdbd.conf"
        file.write_text(text)
        file.chmod(0o600)

    def start(self, wait_until):
        """Makes the database and starts both; the cluster is registered."""
        database = self.folder / "database"
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={database}", "--user=root", "--skip-test-db",
             "--auth-root-authentication-method=normal"],
            check=True, stdout=subprocess.DEVNULL,
        )
        socket = self.folder / "database/socket"
        self.cluster.spawn(
            "mariadbd", "mariadbd", "--no-defaults", f"--datadir={database}", f"--socket={socket}", "--user=root",
            "--skip-networking", f"--pid-file={database}/pid",
        )
        wait_until("the database listens", socket.exists)
        # The client library's own variable: slurmdbd has no setting for the socket.
        os.environ["MYSQL_UNIX_PORT"] = str(socket)
        self.cluster.spawn("slurmdbd", "slurmdbd", "-D")
        wait_until(
            "the cluster is registered",
            lambda: self.cluster.ask("sacctmgr", "--immediate", "add", "cluster", "loradeck")
            or "loradeck" in self.cluster.ask("sacctmgr", "--noheader", "show", "cluster"),
        )
