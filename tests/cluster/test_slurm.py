"""The ci profile on a real Slurm of one controller and two nodes, on this machine: `make test-slurm`.

Slow: every task loads torch. Not part of `make test`, which leaves out what is marked slurm.
"""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from archive import archive
from slurm_daemons import PACKAGES, Slurm, missing, slurm

from pipeline.sampling.tasks import ENDED

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(bool(missing()), reason=f"no {', '.join(missing())}: apt-get install {PACKAGES}"),
]
PARAMS = "profiles/ci/params.yaml"
SETS = 4  # of each prompt: long enough to be killed in
STAGES = {
    "style_classifier": ("pipeline.stages.style_classifier",),
    "plain": ("pipeline.stages.sample", "plain"),
    "style_classifier_method": ("pipeline.stages.sample", "style_classifier"),
    "max_div": ("pipeline.stages.reference", "max_div"),
    "truth": ("pipeline.stages.reference", "truth"),
    "features": ("pipeline.stages.features", "plain"),
}


def made(copy: Path) -> dict[str, str]:
    """What stages made, by its hash."""
    folders = ("samples", "features", "style_classifier")
    files = [p for name in folders for p in (copy / "results" / "ci" / name).rglob("*") if p.is_file()]
    return {str(p.relative_to(copy)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def of_users(environment) -> dict[str, str]:
    """Without the limit of other tests: as many processes as there are cores, of one thread each."""
    return {name: value for name, value in environment.items() if name != "REPULSION_WORKERS"}


def run(copy: Path, stage: str, environment=os.environ) -> None:
    module, *name = STAGES[stage]
    subprocess.run([sys.executable, "-m", module, PARAMS, *name], cwd=copy, env=of_users(environment), check=True)


def executor(copy: Path, text: str) -> None:
    (copy / "profiles" / "ci" / "executor.yaml").write_text(text + "\nheartbeat: 1\n")


def forget(copy: Path) -> None:
    """As if nothing had been made."""
    shutil.rmtree(copy / "scratch", ignore_errors=True)
    for name in ("samples", "features", "style_classifier"):
        shutil.rmtree(copy / "results" / "ci" / name, ignore_errors=True)


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    folder = archive(tmp_path_factory.mktemp("slurm") / "a copy")  # with a space in its name
    params = folder / PARAMS
    text = params.read_text(encoding="utf-8").replace("sets_per_prompt: 2", f"sets_per_prompt: {SETS}")
    floor = "max_div2: {kind: named, images_per_artist: "  # as many images as a method has
    text = text.replace(f"{floor}1", f"{floor}{SETS // 2}").replace("steps: 100,", "steps: 10,")
    params.write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    for module in ("pipeline.stages.prompts", "analysis.stages.prompts"):
        subprocess.run([sys.executable, "-m", module, PARAMS], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def inline(copy) -> dict[str, str]:
    for stage in STAGES:
        run(copy, stage)
    return made(copy)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with slurm(tmp_path_factory.mktemp("cluster")) as found:
        yield found


def test_every_stage_gives_the_bytes_of_one_process(copy, inline, cluster):
    forget(copy)
    executor(copy, "kind: slurm\ntasks: 2")
    for stage in STAGES:
        run(copy, stage, cluster.environment)
    assert made(copy) == inline


@pytest.mark.parametrize("text", ["kind: slurm\ntasks: 1", "kind: local\ntasks: 3"])
def test_the_number_of_tasks_changes_no_byte(copy, inline, cluster, text):
    shutil.rmtree(copy / "scratch" / "ci" / "shards")
    (copy / "results/ci/samples/plain.zip").unlink()
    executor(copy, text)
    run(copy, "plain", cluster.environment)
    assert made(copy) == inline


def processes(*words: str) -> list[int]:
    """Of which every word is in the command line or the environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            text = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
        except OSError:
            continue
        if all(word.encode() in text for word in words):
            found.append(int(path.name))
    return found


def workers(copy: Path) -> list[int]:
    return [pid for pid in processes("pipeline.stages.sample", f"REPULSION_WORKER={copy}") if is_python(pid)]


def is_python(pid: int) -> bool:
    try:
        return "-mpipeline.stages.sample" in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").replace("\0", "")
    except OSError:
        return False


def shards(copy: Path) -> list[Path]:
    return list((copy / "scratch/ci/shards/plain").glob("*/*.zip"))


def wait_for(what, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def test_what_is_killed_costs_a_set_at_most(copy, inline, cluster):
    """A worker, a node's daemon, the controller, and the dvc repro that waits: all are killed in one run."""
    shutil.rmtree(copy / "scratch" / "ci" / "shards")
    (copy / "results/ci/samples/plain.zip").unlink()
    executor(copy, "kind: slurm\ntasks: 2")
    command = [sys.executable, "-m", "dvc", "repro", "--single-item", "--force", "profiles/ci/dvc.yaml:sample@plain"]
    environment = of_users(cluster.environment) | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    first = subprocess.Popen(command, cwd=copy, env=environment, start_new_session=True)
    wait_for(lambda: len(shards(copy)) >= 2)

    os.kill(workers(copy)[0], signal.SIGKILL)
    cluster.kill("slurmctld")
    os.killpg(first.pid, signal.SIGKILL)  # dvc, and the coordinator that it started
    first.wait()
    done = len(shards(copy))
    cluster.start("slurmctld")
    wait_for(lambda: len(shards(copy)) > done)  # nobody waits, and the other worker goes on
    cluster.kill("n2")

    second = subprocess.run(command, cwd=copy, env=environment)
    cluster.start("n2")
    assert second.returncode == 0
    assert made(copy) == inline
    logs = [path.read_text() for path in (copy / "scratch/ci/shards/plain").glob("*/logs/*_log.out")]
    begun, ended = (re.findall(rf"^{word} (\w+\.zip)", "\n".join(logs), re.MULTILINE) for word in ("begins", "made"))
    assert len(set(ended)) == 2 * SETS and len(ended) == 2 * SETS  # nothing finished is made again
    assert len(begun) <= 2 * SETS + 2  # the worker's set, and that of the node where Slurm ends what ran there


def sample_again(copy: Path, cluster: Slurm, text: str) -> subprocess.Popen:
    shutil.rmtree(copy / "scratch" / "ci" / "shards")
    (copy / "results/ci/samples/plain.zip").unlink(missing_ok=True)
    executor(copy, text)
    module, *name = STAGES["plain"]
    command = [sys.executable, "-m", module, PARAMS, *name]
    return subprocess.Popen(command, cwd=copy, env=of_users(cluster.environment), stderr=subprocess.PIPE, text=True)


def said(copy: Path) -> list[str]:
    """How tasks ended, and what they wrote to their logs."""
    return [path.read_text() for path in (copy / "scratch/ci/shards/plain").glob("*/ends/*")]


def test_a_task_whose_time_is_over_gives_its_claims_back_and_others_go_on(copy, inline, cluster):
    """scancel sends what a time limit sends: SIGTERM, and SIGKILL after KillWait."""
    running = sample_again(copy, cluster, "kind: slurm\ntasks: 1\ngpus_per_task: 1\nmemory_gb: 1.5")
    wait_for(lambda: len(shards(copy)) >= 2)
    (job,) = set(cluster.run("squeue", "--noheader", "--array", "--format=%i").split())
    cluster.run("scancel", job)
    wait_for(lambda: said(copy))
    assert said(copy) == [ENDED]
    assert not list((copy / "scratch/ci/shards/plain").glob("*/claims/*")) or len(shards(copy)) > 2
    running.communicate()
    assert running.returncode == 0 and made(copy) == inline


OTHER_TORCH = """kind: slurm
tasks: 2
setup:
  - 'if [ "$SLURMD_NODENAME" = n1 ]; then export PYTHONPATH={folder}; fi'"""


def test_a_node_with_another_torch_is_refused_and_the_other_makes_all(copy, inline, cluster, tmp_path):
    info = tmp_path / "torch-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 0.1\n")
    running = sample_again(copy, cluster, OTHER_TORCH.format(folder=tmp_path))
    running.communicate()
    logs = "".join(p.read_text() for p in (copy / "scratch/ci/shards/plain").glob("*/logs/*_log.err"))
    assert running.returncode == 0 and made(copy) == inline
    assert "error: this machine would make other files: fingerprint" in logs


def test_tasks_that_fail_on_every_node_are_reported_in_a_line_each_with_their_logs(copy, cluster):
    running = sample_again(copy, cluster, "kind: slurm\ntasks: 2\nretries: 1\nsetup: ['exit 7']")
    first, *lines = running.communicate()[1].strip().splitlines()[-3:]
    assert running.returncode == 1 and re.search(r"error: plain: \d+ of \d+ not made:", first)
    assert len(lines) == 2 and all(
        re.match(r"  task \d+_\d: ended without a reason.*_0_log.err$", line) for line in lines
    )


def test_a_cluster_that_takes_no_task_is_one_line(copy, inline, cluster):
    shutil.rmtree(copy / "scratch" / "ci" / "shards")
    executor(copy, "kind: slurm\npartition: none-such")
    module, *name = STAGES["plain"]
    found = subprocess.run(
        [sys.executable, "-m", module, PARAMS, *name], cwd=copy, env=cluster.environment, capture_output=True, text=True
    )
    last = found.stderr.strip().splitlines()[-1]
    assert found.returncode == 1 and last.startswith("error: executor: Slurm took no task: ") and "partition" in last


def test_a_cluster_of_the_tests_is_their_own(cluster: Slurm):
    assert cluster.run("sinfo", "--noheader", "--format=%P").split() == ["main*"]
