"""Trains on several processes, and compares what comes of it.

    check_mpi.py               all checks; script/check-mpi calls it behind a build
    check_mpi.py --quick       the digests of fewer processes, one killed, and the refusals
    check_mpi.py --machines    those that want machines; called inside of namespaces of its own

Exits with 1 when something is wrong.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = f"{ROOT}/script/walkthrough-mpi"
PROGRAM = os.environ["WALKTHROUGH_PROGRAM"]
IS_OPEN_MPI = os.environ.get("ALEXNET_MPI") != "mpich"
IS_QUICK = "--quick" in sys.argv
SETTINGS = [
    "--iterations", "20", "--batch", "24", "--blocks", "8", "--images", "100", "--test-images", "10",
    "--test-interval", "0", "--seed", "3", "--threads", "1",
]
problems = []


def expect(condition, problem):
    if not condition:
        problems.append(problem)
        print(f"WRONG: {problem}", flush=True)


class Run:
    """A training run in the background."""

    def __init__(self, processes, *arguments, hosts=None, mpirun=None, environment=None):
        command = [SCRIPT, "-n", str(processes)]
        command += ["-H", hosts] if hosts else []
        command += ["--mpirun", mpirun] if mpirun else []
        self.output, self.errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [*command, *arguments], stdout=self.output, stderr=self.errors,
            stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})},
            # In the background of a shell it would be ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def wait(self, seconds=240):
        try:
            self.code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGTERM)
            self.process.send_signal(signal.SIGTERM)
            self.code = None
        return self

    def text(self, file):
        file.seek(0)
        return file.read().decode(errors="replace")

    @property
    def last(self):
        """The last line of JSON."""
        for line in reversed(self.text(self.output).splitlines()):
            with contextlib.suppress(ValueError):
                return json.loads(line)
        return {}

    @property
    def said(self):
        return self.text(self.errors)


def train(processes, *arguments, **options):
    return Run(processes, "train", *arguments, **options).wait()


def same(expected, run, what):
    """Compares digests."""
    found = run.last.get("digest")
    print(f"{found}  {what}", flush=True)
    expect(found == expected, f"{what}: {found} instead of {expected}; {run.code}, {run.said[-600:]}")


def refused(run, words, what):
    """A run has to fail, saying words once."""
    count = run.said.count(words)
    print(f"refused: {what}", flush=True)
    expect(
        run.code not in (0, None) and count == 1,
        f"{what}: ended with {run.code}, and said {count} times \"{words}\": {run.said[-900:]}")


def until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def ranks(folder):
    """The processes that train into a folder."""
    found = subprocess.run(
        ["pgrep", "-x", "-a", os.path.basename(PROGRAM)], capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in found.splitlines() if f"{folder} " in f"{line} "]


def check_digests(folder):
    one = train(1, *SETTINGS, "--json", "--output", f"{folder}/1")
    expected = one.last.get("digest")
    print(f"{expected}  1 process", flush=True)
    expect(expected, f"no digest on 1 process: {one.said[-900:]}")
    for processes in [2, 3] if IS_QUICK else [2, 3, 4]:
        run = train(processes, *SETTINGS, "--json", "--output", f"{folder}/{processes}")
        same(expected, run, f"{processes} processes")
        expect(
            (run.last.get("ranks"), run.last.get("blocks")) == (processes, 8),
            f"the last line is {run.last}")
    if IS_QUICK:
        return expected
    run = train(2, *SETTINGS, "--json", "--overlap", "--output", f"{folder}/overlap")
    same(expected, run, "2 processes, exchange beside the computation")
    for processes in [1, 3]:
        passes = [*SETTINGS, "--iter-size", "2", "--clip-gradients", "1", "--iterations", "6"]
        run = train(processes, *passes, "--json", "--output", f"{folder}/passes{processes}")
        if processes == 1:
            accumulated = run.last.get("digest")
        same(accumulated, run, f"{processes} process{'es' * (processes > 1)}, two passes an iteration, clipped")
    return expected


def check_kill(folder, expected):
    for resumed in [3] if IS_QUICK else [3, 1]:
        output = f"{folder}/killed{resumed}"
        run = Run(2, "train", *SETTINGS, "--snapshot", "3", "--json", "--output", output)
        until(lambda: os.path.exists(f"{output}/snapshot_iter_9.solverstate"))
        processes = ranks(output)
        expect(len(processes) == 2, f"processes {processes} where two should train")
        for process in processes[-1:]:
            os.kill(process, signal.SIGKILL)
        run.wait(60)
        expect(run.code not in (0, None), f"one of two processes killed: ended with {run.code}")
        expect(until(lambda: not ranks(output), 10), "a process outlives one that was killed")
        run = train(resumed, "--resume", output, "--threads", "1", "--json")
        same(expected, run, f"2 processes, one killed, resumed on {resumed}")


def check_signals(folder, expected):
    for name in ["SIGUSR1", "SIGINT"]:
        output = f"{folder}/{name}"
        run = Run(3, "train", *SETTINGS, "--json", "--output", output)
        until(lambda: '"iteration":4,' in run.text(run.output))
        run.process.send_signal(getattr(signal, name))
        run.wait(60)
        expect(
            run.code == 128 + signal.SIGUSR1 and "stopped after iteration" in run.said,
            f"{name}: ended with {run.code}: {run.said[-900:]}")
        same(
            expected, train(2, "--resume", output, "--threads", "1", "--json"),
            f"3 processes, stopped by {name}, resumed on 2")


def check_refusals(folder):
    output = ["--output", f"{folder}/refused"]
    run = train(9, *SETTINGS, *output)
    refused(run, "9 ranks are more than the 8 blocks", "more processes than blocks")
    run = train(2, *SETTINGS, "--batch", "25", *output)
    refused(run, "--blocks 8: must divide the batch", "blocks of different sizes")
    run = train(2, *SETTINGS, "--lr", "1e30", *output)
    expect(
        run.code not in (0, None) and re.search(r"rank \d of 2: iteration \d+: the loss is", run.said),
        f"a loss that is no number: ended with {run.code}: {run.said[-900:]}")
    expect(not ranks(f"{folder}/refused"), "a process outlives a divergence")
    # What mpirun starts by itself: ranks with options of their own, or without --distributed.
    mpirun = ["mpirun.openmpi", "--oversubscribe", "--quiet"] if IS_OPEN_MPI else ["mpirun.mpich"]
    other = ["mpirun.mpich"] if IS_OPEN_MPI else ["mpirun.openmpi", "--oversubscribe"]
    root = {
        **os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    def start(*command):
        run = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=root, timeout=120)
        return run.returncode, run.stdout + run.stderr
    distributed = [PROGRAM, "train", "--distributed", *SETTINGS, *output]
    for words, what, command in [
        ("mpirun has started 2 processes, each of which", "mpirun without --distributed",
         [*mpirun, "-n", "2", PROGRAM, "train", *SETTINGS, *output]),
        ("rank 1: settings other than on rank 0 (\"seed\" : 4 instead of \"seed\" : 3)",
         "a rank with another seed",
         [*mpirun, "-n", "1", *distributed, ":", "-n", "1", *distributed, "--seed", "4"]),
        ("was built for another MPI", "the mpirun of another MPI",
         [*other, "-n", "2", *distributed]),
    ]:
        try:
            code, said = start(*command)
        except FileNotFoundError:
            print(f"skipped: {what}: there is no {command[0]}")
            continue
        print(f"refused: {what}", flush=True)
        expect(code != 0 and words in said, f"{what}: ended with {code}: {said[-900:]}")


NET = """
name: "small"
layer { name: "data" type: "Data" top: "data" top: "label"
  data_param { source: "%s" batch_size: 6 backend: LMDB } transform_param { mirror: true scale: 0.01 } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 6 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "drop1" type: "Dropout" bottom: "conv1" top: "conv1" }
layer { name: "fc2" type: "InnerProduct" bottom: "conv1" top: "fc2"
  inner_product_param { num_output: 1000 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc2" bottom: "label" top: "loss" }
"""


def check_solver(folder):
    """Caffe's own files: models and log lines have to be the same."""
    database = f"{ROOT}/Tests/Fixtures/caffe/lmdb/raw_lmdb"
    with open(f"{folder}/net.prototxt", "w") as file:
        file.write(NET % database)
    models, logs = set(), set()
    for processes in [1, 2, 3]:
        with open(f"{folder}/solver.prototxt", "w") as file:
            file.write(
                f'net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 max_iter: 6 '
                f'iter_size: 2 display: 2 random_seed: 5 snapshot_prefix: "{folder}/on{processes}"')
        run = train(processes, "--solver", f"{folder}/solver.prototxt", "--blocks", "3")
        expect(run.code == 0, f"a solver on {processes}: {run.code}: {run.said[-900:]}")
        with contextlib.suppress(OSError), open(f"{folder}/on{processes}_iter_6.caffemodel", "rb") as file:
            models.add(file.read())
        lines = run.text(run.output).replace(f"on{processes}", "on")
        logs.add(re.sub(r"\([^()]* iter/s, [^()]*\)", "", lines))
    print("Caffe's solver files on 1, 2 and 3 processes", flush=True)
    expect(len(models) == 1, f"{len(models)} models of one solver on 1, 2 and 3 processes")
    expect(len(logs) == 1, f"other log lines on other numbers of processes: {logs}")


def check_scale():
    """The exchange is measured, and MPI_Allreduce beside it."""
    run = Run(2, "scale", "--network", "mini", "--time", "16:0.1", "--time", "64:0.3", "--json").wait()
    with contextlib.suppress(ValueError):
        report = json.loads(run.text(run.output))
        print("exchange measured", flush=True)
        expect(
            report["measuredExchangeSeconds"] > 0 and report["allreduceSeconds"] > 0
            and report["rows"][-1]["machines"] == 2, f"scale says {report}")
        return
    expect(False, f"scale on 2 processes: {run.code}: {run.said[-900:]}")


AGENT = """#!/bin/sh
# Stands for ssh: runs a command as on a machine.
while [ "${1#-}" != "$1" ]; do shift; done
host=$1; shift
exec ip netns exec "$host" unshare -u sh -c "hostname $host; $*"
"""


def machines(folder):
    """Machines: network namespaces behind a bridge, gone with this process."""
    subprocess.run(
        ["sh", "-ec", f"""
        mount -t tmpfs -o size=1m tmpfs /run/netns 2>/dev/null ||
          {{ mkdir -p /run/netns; mount -t tmpfs -o size=1m tmpfs /run/netns; }}
        ip link set lo up
        ip link add br0 type bridge; ip addr add 10.9.0.100/24 dev br0; ip link set br0 up
        {{ echo 127.0.0.1 localhost; echo 10.9.0.100 head
          for i in 1 2 3; do echo 10.9.0.$i h$i; done; }} >{folder}/hosts
        mount --bind {folder}/hosts /etc/hosts
        hostname head
        for i in 1 2 3; do
          ip netns add h$i
          ip link add v$i type veth peer name eth0 netns h$i
          ip link set v$i master br0 up
          ip -n h$i addr add 10.9.0.$i/24 dev eth0
          ip -n h$i link set eth0 up; ip -n h$i link set lo up
        done
        """], check=True)
    with open(f"{folder}/agent", "w") as file:
        file.write(AGENT)
    os.chmod(f"{folder}/agent", 0o755)
    options = {"hosts": "h1,h2,h3", "mpirun": f"--mca plm_rsh_agent {folder}/agent"}
    run = train(3, *SETTINGS, "--json", "--output", f"{folder}/machines", **options)
    same(os.environ["EXPECTED"], run, "3 machines over TCP")

    output = f"{folder}/cut"
    run = Run(
        3, "train", *SETTINGS, "--iterations", "100000", "--snapshot", "5", "--json", "--output",
        output, **options)
    until(lambda: os.path.exists(f"{output}/snapshot_iter_10.solverstate"))
    processes = ranks(output)
    subprocess.run(["ip", "link", "set", "v2", "down"], check=True)
    start = time.monotonic()
    run.wait(60)
    seconds = time.monotonic() - start
    print(f"a machine cut off: ended after {seconds:.0f} s", flush=True)
    expect(
        run.code not in (0, None) and seconds < 30 and len(processes) == 3,
        f"a machine cut off: {run.code} after {seconds:.0f} s, {processes}: {run.said[-900:]}")
    expect(until(lambda: not ranks(output), 30), "a process on another machine lives on")


def check_machines(expected):
    """Runs this program on namespaces of its own."""
    if os.getuid() != 0 or not IS_OPEN_MPI:
        print("skipped: machines that are network namespaces: needs root and Open MPI")
        return
    inner = subprocess.run(
        ["unshare", "-n", "-m", "-u", sys.executable, __file__, "--machines"],
        env={**os.environ, "EXPECTED": expected or ""})
    expect(inner.returncode == 0, "machines that are network namespaces")


def main():
    with tempfile.TemporaryDirectory() as folder:
        if "--machines" in sys.argv:
            machines(folder)
        else:
            expected = check_digests(folder)
            check_kill(folder, expected)
            check_refusals(folder)
            if not IS_QUICK:
                check_signals(folder, expected)
                check_solver(folder)
                check_scale()
                check_machines(expected)
    if problems:
        sys.exit(1)
    if "--machines" not in sys.argv:
        print("nothing is wrong")


main()
