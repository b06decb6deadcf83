#!/usr/bin/env python3
"""A real Slurm cluster of one node on loopback, in one folder: cluster.py FOLDER.

Writes the configuration into FOLDER, starts munged, slurmctld and slurmd as children, waits until the node takes
jobs, prints `ready` and ends everything when its standard input closes, so that no daemon outlives the test that
asked for it, even one that was killed. Several clusters share nothing: each has its own ports, key and sockets.

Lines on standard input: `kill-node` ends slurmd and everything that it started, as a power cut would;
`start-node` starts slurmd again. Each is answered by `ok`.

Needs root and Debian's slurm-wlm and munge. GPUs are counted, never touched.
"""

import os
import re
import secrets
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

CPUS = 32

CONF = """\
ClusterName=loradeck
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,batch_sched_delay=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MpiDefault=none
SwitchType=switch/none
GresTypes=gpu
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout={node_timeout}
KillWait=5
MinJobAge={min_job_age}
MessageTimeout=10
MaxArraySize=1001
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=16000 Gres=gpu:4 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE
PartitionName=urgent Nodes={host} MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
PartitionName=closed Nodes={host} MaxTime=INFINITE State=DOWN
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
    """Configuration and daemons in one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.host = socket.gethostname().split(".")[0]
        self.daemons = {}

    def write_configuration(self):
        for name in ["munge", "state", "spool"]:
            (self.folder / name).mkdir(mode=0o755)
        key = self.folder / "munge/munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        controller_port, node_port = free_ports(2)
        text = CONF.format(
            folder=self.folder,
            host=self.host,
            cpus=CPUS,
            controller_port=controller_port,
            node_port=node_port,
            node_timeout=os.environ.get("CLUSTER_NODE_TIMEOUT", "10"),
            min_job_age=os.environ.get("CLUSTER_MIN_JOB_AGE", "300"),
        )
        (self.folder / "slurm.conf").write_text(text)
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
        self.spawn("slurmctld", "slurmctld", "-D", "-c")
        wait_until("slurmctld answers", lambda: "UP" in self.ask("scontrol", "ping"))
        self.start_node()

    def start_node(self):
        self.spawn("slurmd", "slurmd", "-D", "-c")
        self.wait_for_node()

    def wait_for_node(self):
        def usable():
            state = self.ask("sinfo", "--noheader", "--format=%T", "--partition=main").strip()
            if state.startswith("down"):
                self.ask("scontrol", "update", f"nodename={self.host}", "state=resume")
            return state in ("idle", "mixed", "allocated")

        wait_until("the node takes jobs", usable)

    def kill_node(self):
        """Everything below slurmd and the steps' own daemons dies at once."""
        for pid in descendants(self.step_daemons() | {self.daemons["slurmd"].pid}):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.daemons["slurmd"].wait()

    def step_daemons(self):
        """slurmstepd detaches itself; it is ours where its environment or files name our folder."""
        ours = set()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                name = (process / "comm").read_text().strip()
                if name != "slurmstepd":
                    continue
                if str(self.folder).encode() in (process / "environ").read_bytes():
                    ours.add(int(process.name))
            except OSError:
                continue
        return ours

    def stop(self):
        if "slurmd" in self.daemons:
            self.kill_node()
        for name in ["slurmctld", "munged"]:
            if name in self.daemons:
                self.daemons[name].terminate()
                try:
                    self.daemons[name].wait(5)
                except subprocess.TimeoutExpired:
                    self.daemons[name].kill()


def descendants(roots):
    """The processes `roots` and all below them."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = re.sub(r"\(.*\)", "x", status.read_text(), flags=re.DOTALL).split()
        except OSError:
            continue
        parents[int(fields[0])] = int(fields[3])
    found = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    cluster = Cluster(folder)
    commands = {"kill-node": cluster.kill_node, "start-node": cluster.start_node}
    try:
        cluster.write_configuration()
        cluster.start()
        print("ready", flush=True)
        for line in sys.stdin:
            commands[line.strip()]()
            print("ok", flush=True)
    finally:
        cluster.stop()


if __name__ == "__main__":
    main()
