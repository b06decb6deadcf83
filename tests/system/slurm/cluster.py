#!/usr/bin/env python3
"""A real Slurm cluster on loopback, in one folder: cluster.py FOLDER [OPTIONS].

Writes the configuration into FOLDER, starts munged, slurmctld and slurmd as children, waits until the nodes take
jobs, prints `ready` and ends everything when its standard input closes, so that no daemon outlives the test that
asked for it, even one that was killed. Several clusters share nothing: each has its own ports, key and sockets.

Each `--node NAME` and `--host NAME` is a host of its own (hosts.py), with its own mount of PATH where `--shared PATH` is
given; nodes run a slurmd. Without any the cluster has one, `node`. With `--accounting` the cluster remembers ended jobs (accounts.py).

Lines on standard input: `kill NAME` ends everything on the host, as a power cut would; `start NAME` starts it again. Each is answered by `ok`. `pid NAME` is answered by a process to enter the host by.

Needs root and Debian's slurm-wlm and munge; bindfs for hosts, slurmdbd and mariadb-server-core for accounting. GPUs are counted, never touched.
"""

import argparse

import os
import secrets
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

from accounts import Accounts
from hosts import Host

CPUS = 32

CONF = """\
ClusterName=loradeck
SlurmctldHost={controller}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={controller_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory,CR_LLN
JobAcctGatherType=jobacct_gather/none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,batch_sched_delay=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MpiDefault=none
SwitchType=switch/none
GresTypes=gpu
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=10
KillWait=5
MinJobAge={min_job_age}
MessageTimeout=10
MaxArraySize=1001
"""

NODE = "NodeName={node} NodeHostname={node} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} RealMemory=16000 Gres=gpu:4\n"

PARTITIONS = """\
PartitionName=DEFAULT Nodes={nodes} MaxTime=INFINITE
PartitionName=main Default=YES State=UP PriorityTier=1 PreemptMode=REQUEUE
PartitionName=urgent State=UP PriorityTier=10 PreemptMode=OFF
PartitionName=closed State=DOWN
"""


def free_ports(count):
    """Ports that are free now, all held at once so that no two are equal."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_until(what, condition, seconds=40):
    """Waits for a condition, never for a time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            sys.exit(f"cluster.py: waited in vain until {what}")
        time.sleep(0.05)


class Cluster:
    """Configuration and daemons in one folder, and the hosts that they run on."""

    def __init__(self, folder, shared, nodes, others, with_accounts, forget_after):
        self.folder = folder
        self.controller = socket.gethostname().split(".")[0]
        self.nodes = nodes
        self.hosts = {name: Host(name, shared) for name in [*nodes, *others]}
        self.daemons = {}
        self.forget_after = forget_after
        self.accounts = Accounts(self, *free_ports(1)) if with_accounts else None

    def write_configuration(self):
        for name in ["munge", "state", "spool"]:
            (self.folder / name).mkdir(mode=0o755)
        key = self.folder / "munge/munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        controller_port, *node_ports = free_ports(1 + len(self.nodes))
        text = CONF.format(
            folder=self.folder,
            controller=self.controller,
            controller_port=controller_port,
            min_job_age=self.forget_after,
        )
        if self.accounts:
            self.accounts.write_configuration()
        text += self.accounts.settings() if self.accounts else "AccountingStorageType=accounting_storage/none\n"
        for node, port in zip(self.nodes, node_ports):
            text += NODE.format(node=node, port=port, cpus=CPUS)
        (self.folder / "slurm.conf").write_text(text + PARTITIONS.format(nodes=",".join(self.nodes)))
        # Slurm counts device files and sets CUDA_VISIBLE_DEVICES by them; nobody opens these, which are /dev/null.
        for number in range(4):
            os.mknod(self.folder / f"gpu{number}", stat.S_IFCHR | 0o600, os.makedev(1, 3))
        (self.folder / "gres.conf").write_text(f"AutoDetect=off\nName=gpu File={self.folder}/gpu[0-3]\n")
        # A node without cgroups of ours: the plugin must not look for any.
        (self.folder / "cgroup.conf").write_text("CgroupAutomount=no\nIgnoreSystemd=yes\n")

    def environment(self):
        return {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def spawn(self, name, *command):
        log = open(self.folder / f"{name}.out", "ab")
        self.daemons[name] = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment()
        )

    def ask(self, *command):
        answer = subprocess.run(command, capture_output=True, text=True, env=self.environment())
        return answer.stdout if answer.returncode == 0 else ""

    def start(self):
        munge = self.folder / "munge"
        files = [f"--{name}={munge}/munged.{name}" for name in ("pid-file", "log-file", "seed-file")]
        self.spawn(
            "munged", "munged", "--foreground", "--force", "--num-threads=2",
            f"--socket={munge}/munge.socket", f"--key-file={munge}/munge.key", *files,
        )
        wait_until("munged listens", (munge / "munge.socket").exists)
        if self.accounts:
            self.accounts.start(wait_until)
        self.spawn("slurmctld", "slurmctld", "-D", "-c")
        wait_until("slurmctld answers", lambda: "UP" in self.ask("scontrol", "ping"))
        for name in self.hosts:
            self.power_on(name)
        for name in self.nodes:
            self.wait_for(name)

    def power_on(self, name):
        host = self.hosts[name]
        host.start()
        if name in self.nodes:
            self.spawn(f"slurmd-{name}", *host.enter("slurmd", "-D", "-c", "-N", name))

    def wait_for(self, name):
        """Waits until the node takes jobs; one that was taken for dead is told to come back."""
        def usable():
            state = self.ask("sinfo", "--noheader", "--format=%T", "--partition=main", f"--nodes={name}").strip()
            if state.startswith("down"):
                self.ask("scontrol", "update", f"nodename={name}", "state=resume")
            return state in ("idle", "mixed", "allocated")

        wait_until(f"{name} takes jobs", usable)

    def answer(self, command, name):
        """Does what a line on standard input asks for."""
        host = self.hosts[name]
        if command == "pid":
            return host.pid
        if command == "kill":
            host.power_off()
            if daemon := self.daemons.pop(f"slurmd-{name}", None):
                daemon.wait()
        elif command == "start":
            self.power_on(name)
            self.wait_for(name)
        else:
            sys.exit(f"cluster.py: '{command}' is unknown")
        return "ok"

    def stop(self):
        for host in self.hosts.values():
            host.power_off()
        for name, daemon in reversed(self.daemons.items()):
            daemon.terminate()
            try:
                daemon.wait(5)
            except subprocess.TimeoutExpired:
                daemon.kill()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--accounting", action="store_true")
    parser.add_argument("--forget-after", metavar="SECONDS", type=int, default=300)
    parser.add_argument("--shared", metavar="PATH")
    parser.add_argument("--node", action="append", metavar="NAME", default=[])
    parser.add_argument("--host", action="append", metavar="NAME", default=[])
    asked = parser.parse_args()
    folder = asked.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    nodes = asked.node or ["node"]
    cluster = Cluster(folder, asked.shared, nodes, asked.host, asked.accounting, asked.forget_after)
    try:
        cluster.write_configuration()
        cluster.start()
        print("ready", flush=True)
        for line in sys.stdin:
            print(cluster.answer(*line.split()), flush=True)
    finally:
        cluster.stop()


if __name__ == "__main__":
    main()
