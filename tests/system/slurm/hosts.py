"""Hosts made of namespaces: each has a name of its own and, where asked for, its own mount of a folder that all share.

The mount is bindfs over FUSE with cached attributes. For what loradeck must stand it behaves as NFS does with
`local_lock=flock`: a flock holds within one host only, no inotify event tells what another host wrote, and sizes and
names of files are seen late. Hard links, renames and contents are the file server's own (here: the folder itself, as
processes outside all hosts see it).

Needs root, util-linux (unshare, nsenter) and, for a shared folder, bindfs.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

# How late a host may see what another one did, in seconds.
LATE = 2


class Host:
    """One host. Its first process, by which it is entered, is its mount, or sleeps."""

    def __init__(self, name, shared):
        self.name = name
        self.shared = shared
        self.process = None

    def start(self):
        late = ",".join(f"{name}_timeout={LATE}" for name in ("attr", "entry", "negative"))
        first = f"bindfs -f -o {late} \"$1\" \"$1\"" if self.shared else "sleep infinity"
        self.process = subprocess.Popen(
            ["unshare", "--uts", "--mount", "--propagation", "private",
             "sh", "-c", f"hostname \"$0\" && exec {first}", self.name, self.shared or ""],
            stdin=subprocess.DEVNULL,
        )
        until = time.monotonic() + 10
        while not self.is_up():
            if self.process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"hosts.py: {self.name} did not start")
            time.sleep(0.02)

    def is_up(self):
        """Whether its first process has become what it is to be."""
        try:
            if not self.shared:
                return Path(f"/proc/{self.pid}/comm").read_text() == "sleep\n"
            return f" {self.shared} fuse " in Path(f"/proc/{self.pid}/mounts").read_text()
        except OSError:
            return False

    @property
    def pid(self):
        return self.process.pid

    def enter(self, *command):
        """The command line that runs `command` on this host."""
        return ["nsenter", f"--target={self.pid}", "--uts", "--mount", *command]

    def processes(self):
        """Everything on this host but its first process."""
        def namespace(process):
            try:
                return os.readlink(f"/proc/{process}/ns/uts")
            except OSError:
                return None

        ours = namespace(self.pid)
        numbers = (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))
        return [number for number in numbers if number != self.pid and ours and namespace(number) == ours]

    def power_off(self):
        """Every process dies at once, then the mount, and with it the host."""
        if self.process is None:
            return
        # Nobody may live on to write down that another one was killed.
        stopped = set()
        while new := set(self.processes()) - stopped:
            send(signal.SIGSTOP, new)
            stopped |= new
        while found := self.processes():
            send(signal.SIGKILL, found)
            time.sleep(0.02)
        self.process.kill()
        self.process.wait()
        self.process = None


def send(number, processes):
    """Sends a signal to processes, some of which may be gone."""
    for process in processes:
        try:
            os.kill(process, number)
        except ProcessLookupError:
            pass
