"""A real Slurm on this machine: one controller, some node daemons of one core each, and their own munge.

Nothing of it is the system's: configuration, key, sockets, state and logs are in one folder, ports are free ones, and
only the processes that were started here are ended.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")
PACKAGES = "slurm-wlm munge"  # of Debian

CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
GresTypes=gpu
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SlurmdTimeout=10
ReturnToService=2
KillWait=2
InactiveLimit=0
SchedulerParameters=batch_sched_delay=0,sched_interval=1
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """Programs that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def free_ports(n: int) -> list[int]:
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Slurm:
    """Daemons by name: munged, slurmctld, and those of the nodes n1, n2, ..."""

    def __init__(self, folder: Path, nodes: int) -> None:
        self.folder, self.nodes = folder, [f"n{k}" for k in range(1, nodes + 1)]
        self.processes: dict[str, subprocess.Popen] = {}
        self.environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}

    def configure(self) -> None:
        self.folder.chmod(0o755)  # munge refuses a socket in a folder that others may write to
        (self.folder / "state").mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        host, (port, *ports) = socket.gethostname(), free_ports(1 + len(self.nodes))
        has = "CPUs=1 RealMemory=4000 Gres=gpu:1 State=UNKNOWN"
        lines = [
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={p} {has}"
            for name, p in zip(self.nodes, ports, strict=True)
        ]
        text = CONFIG.format(host=host, port=port, folder=self.folder, nodes="\n".join(lines))
        (self.folder / "slurm.conf").write_text(text)
        # a GPU must be a device; this one is only counted
        (self.folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")

    def start(self, name: str) -> None:
        config = ["-f", str(self.folder / "slurm.conf")]
        commands = {
            "munged": [
                *("munged", "--foreground", "--force", f"--key-file={self.folder}/munge.key"),
                *(f"--socket={self.folder}/munge.socket", f"--pid-file={self.folder}/munged.pid"),
                *(f"--log-file={self.folder}/munged.log", f"--seed-file={self.folder}/munged.seed"),
            ],
            "slurmctld": ["slurmctld", "-D", *config],
        }
        command = commands.get(name, ["slurmd", "-D", "-N", name, *config])
        with (self.folder / f"{name}.out").open("ab") as out:
            self.processes[name] = subprocess.Popen(
                command, env=self.environment, stdout=out, stderr=out, start_new_session=True
            )

    def run(self, *command: str) -> str:
        found = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        return found.stdout

    def wait_idle(self, seconds: float = 60) -> None:
        """Until all nodes are there and free."""
        end = time.monotonic() + seconds
        while self.run("sinfo", "--noheader", "--Node", "--format=%T").split() != ["idle"] * len(self.nodes):
            if time.monotonic() > end:
                raise TimeoutError(f"nodes: {self.run('sinfo', '--Node')}; logs in {self.folder}")
            time.sleep(0.2)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        self.processes[name].send_signal(number)
        self.processes.pop(name).wait()


@contextmanager
def slurm(folder: Path, nodes: int = 2) -> Iterator[Slurm]:
    cluster = Slurm(folder, nodes)
    cluster.configure()
    try:
        cluster.start("munged")
        while not (folder / "munge.socket").exists():
            time.sleep(0.05)
        for name in ("slurmctld", *cluster.nodes):
            cluster.start(name)
        cluster.wait_idle()
        yield cluster
    finally:
        cluster.run("scancel", "--user=root")
        for name in reversed(list(cluster.processes)):
            cluster.kill(name, signal.SIGTERM)
