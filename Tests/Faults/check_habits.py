"""What people do, and what hostile files and names are, against the promises of SECURITY.md.

    check_habits.py WALKTHROUGH [CHECK ...]

Where `check_faults.py` lets the surroundings fail, here the command line and the files are odd: outputs
that are there already, links, permissions, runs started twice, databases that moved, archives that claim
gigabytes, pipes in the place of files, names of any kind. Exits with 1 when something is wrong.
"""

import io
import json
import os
import re
import resource
import shutil
import signal
import stat
import struct
import subprocess
import sys
import time
import zipfile

from program import CRASHES, IS_ROOT, Program, fixture, temporary_folder, unfinished

program = Program(sys.argv[1])
problems = []

TINY = fixture("caffe/tiny35")
RECORDS = fixture("caffe/lmdb/raw_lmdb")
PICTURES = fixture("pictures")
NETWORK = ["--net", f"{TINY}/net.prototxt", "--weights", f"{TINY}/weights.caffemodel"]
BLOBS = [*NETWORK, "--input", f"{TINY}/data.npy", "--label", f"{TINY}/label.npy"]
SMALL = ["--batch", "4", "--images", "8", "--test-images", "4"]
# Enough for the program and a small network; what claims more has to be refused.
ROOM = [(resource.RLIMIT_AS, 1500 << 20)]


def expect(condition, problem):
    if not condition:
        problems.append(problem)


def expect_refusal(name, ended, *words):
    problem = ended.refuses(*words)
    expect(problem is None, f"{name}: {problem}")


def expect_success(name, ended):
    expect(ended.code == 0, f"{name}: ends with {ended.code}: {ended.errors[-300:]!r}")


def write(path, content):
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def read(path):
    with open(path, "rb") as file:
        return file.read()


def make_database(folder, name, pictures, labels=2, *options):
    """A database of pictures of which mini cuts its images."""
    names = ["colour.png", "jpeg_420.jpg", "jpeg_444.jpg", "jpeg_progressive.jpg"]
    lines = [f"{names[i % len(names)]} {i % labels}" for i in range(pictures)]
    write(f"{folder}/{name}.txt", "\n".join(lines) + "\n")
    expect_success("convert-images", program.run(
        "convert-images", f"{folder}/{name}.txt", PICTURES, f"{folder}/{name}", "--resize-height",
        "112", "--resize-width", "112", *options))
    return f"{folder}/{name}"


def make_snapshot(folder, iterations=3):
    """A snapshot of a small run."""
    expect_success("a run", program.run(
        "train", "--iterations", str(iterations), *SMALL, "--snapshot", str(iterations),
        "--output", f"{folder}/run"))
    return f"{folder}/run/snapshot_iter_{iterations}.npz"


def changed_snapshot(source, target, **arrays):
    """A copy of a snapshot with some arrays replaced: (type, shape, bytes) by name."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.namelist():
            content = old.read(entry)
            key = entry.removesuffix(".npy").replace("/", "__")
            if key in arrays:
                kind, shape, numbers = arrays[key]
                header = str({"descr": kind, "fortran_order": False, "shape": shape}).ljust(117)
                content = b"\x93NUMPY\x01\x00\x76\x00" + header.encode() + b"\n" + numbers
            new.writestr(entry, content)


def claiming_archive(claim, packed):
    """An archive whose one member claims to unpack to more than it holds."""
    name, data = b"data.npy", os.urandom(packed)
    extra = struct.pack("<HHQQ", 1, 16, claim, packed)
    wide = 0xFFFFFFFF
    local = struct.pack(
        "<IHHHHHIIIHH", 0x04034B50, 45, 0, 8, 0, 0x21, 0, wide, wide, len(name), len(extra))
    local += name + extra + data
    entry = struct.pack(
        "<IHHHHHHIIIHHHHHII", 0x02014B50, 45, 45, 0, 8, 0, 0x21, 0, wide, wide, len(name),
        len(extra), 0, 0, 0, 0, 0) + name + extra
    return local + entry + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(entry), len(local), 0)


def check_test_set():
    """A database alone: a part is split off to test on, and the words say which."""
    with temporary_folder() as folder:
        database = make_database(folder, "db", 12)
        run = ["train", "--iterations", "2", "--batch", "2", "--test-interval", "0"]
        ended = program.run(
            *run, "--dataset", database, "--output", f"{folder}/a", "--html", f"{folder}/a.html")
        expect_success("a database alone", ended)
        words = "2 of the 12 pictures of"
        page = read(f"{folder}/a.html").decode()
        text = re.sub(r"\s+", " ", ended.output)
        expect(words in text and words in page, f"a database alone: {ended.output!r}")
        row = re.findall(r"^\d+ \d.*%$", ended.output, re.M)
        expect("unseen" in read(f"{folder}/a/accuracy.svg").decode(), "a split set is unseen")

        ended = program.run(
            *run, "--dataset", database, "--test-dataset", database, "--output", f"{folder}/b",
            "--html", f"{folder}/b.html")
        expect_success("one database twice", ended)
        text = re.sub(r"\s+", " ", ended.output)
        expect("12 pictures that it learnt from" in text, f"one database twice: {ended.output!r}")
        expect(
            "learns from" in read(f"{folder}/b/accuracy.svg").decode(),
            "one database twice: the chart says unseen")

        alone = make_database(folder, "one", 1)
        expect_refusal(
            "a database of one", program.run(
                *run, "--batch", "1", "--dataset", alone, "--output", f"{folder}/c"),
            "--test-dataset")


def check_claims():
    """Archives that unpack to more memory than there is."""
    with temporary_folder() as folder:
        write(f"{folder}/claim.npz", claiming_archive(3_000_000_000, 3_000_000))
        with zipfile.ZipFile(f"{folder}/bomb.npz", "w", zipfile.ZIP_DEFLATED) as bomb:
            header = str({"descr": "<f4", "fortran_order": False, "shape": (1, 150_000_000)})
            with bomb.open("data.npy", "w") as member:
                member.write(b"\x93NUMPY\x01\x00\x76\x00" + header.ljust(117).encode() + b"\n")
                for _ in range(600):
                    member.write(bytes(1_000_000))
        for name in ["claim", "bomb"]:
            for arguments in [
                ["dump", *NETWORK, "--input", f"{folder}/{name}.npz", "--output", f"{folder}/o.npz"],
                ["train", "--resume", f"{folder}/{name}.npz"],
                ["convert-weights", f"{folder}/{name}.npz", f"{folder}/o.safetensors"],
            ]:
                expect_refusal(
                    f"{arguments[0]} of a {name}", program.run(*arguments, limits=ROOM), "memory")


def check_endless():
    """What has no end."""
    with temporary_folder() as folder:
        zero = "/dev/zero"
        for arguments in [
            ["dump", *NETWORK, "--input", zero, "--output", f"{folder}/o.npz"],
            ["tour", "--network", "mini", "--weights", zero],
            ["tour", "--network", "mini", "--image", zero],
            ["train", "--resume", zero],
            ["convert-images", zero, PICTURES, f"{folder}/db"],
            ["lint", zero],
            ["classify", *NETWORK, "--labels", zero, f"{PICTURES}/small.png"],
        ]:
            expect_refusal(
                f"{arguments[0]} of {zero}", program.run(*arguments, limits=ROOM, patience=60), zero)


def check_pipes_for_files():
    """Pipes under the names that databases and snapshots have: nobody writes into them."""
    with temporary_folder() as folder:
        for place in ["db", "locked", "run"]:
            os.mkdir(f"{folder}/{place}")
        os.mkfifo(f"{folder}/db/data.mdb")
        shutil.copy(f"{RECORDS}/data.mdb", f"{folder}/locked")
        os.mkfifo(f"{folder}/locked/lock.mdb")
        os.mkfifo(f"{folder}/run/snapshot_iter_9.npz")
        for arguments, words in [
            (["mean", f"{folder}/db"], "no regular file"),
            (["train", "--resume", f"{folder}/run"], "no whole snapshot"),
        ]:
            try:
                expect_refusal(
                    f"{arguments[0]} of a pipe", program.run(*arguments, patience=20), words)
            except subprocess.TimeoutExpired:
                problems.append(f"{arguments[0]} waits for a pipe")
        expect_success("a pipe as lock", program.run("mean", f"{folder}/locked", patience=20))


def check_sparse_database():
    """A database that claims a terabyte, of which a kilobyte is there."""
    def head(number, last):
        page = struct.pack("<QHHHH", number, 0, 8, 0, 0)
        page += struct.pack("<IIQQ", 0xBEEFC0DE, 1, 0, 1 << 30)
        page += struct.pack("<IHHQQQQQ", 512, 0, 0, 0, 0, 0, 0, 2**64 - 1)
        page += struct.pack("<IHHQQQQQ", 0, 0, 1, 0, 1, 0, 1, 2)
        return (page + struct.pack("<QQ", last, number)).ljust(512, b"\0")

    with temporary_folder() as folder:
        with open(f"{folder}/data.mdb", "wb") as file:
            file.write(head(0, (1 << 31) - 1) + head(1, (1 << 31) - 1))
            file.truncate(1 << 40)
        expect_refusal(
            "a sparse database", program.run("mean", folder, limits=ROOM, patience=60), "damaged")


def check_hostile_snapshots():
    """Snapshots with numbers that no run writes."""
    with temporary_folder() as folder:
        source = make_snapshot(folder)
        integer, double = ("<i8", (1,)), "<f8"
        nan = struct.pack("<f", float("nan"))
        cases = {
            "next_record": {"next_record": (*integer, struct.pack("<q", 2**63 - 1))},
            "iteration": {"iteration": (*integer, struct.pack("<q", 2**63 - 1))},
            "tests": {"tests": (double, (1, 3), struct.pack("<3d", 3, 1.79e308, 7.0))},
            "later tests": {"tests": (double, (1, 3), struct.pack("<3d", 2.0**60, 1.0, 0.5))},
            "losses": {"losses": ("<f4", (9,), nan * 9)},
        }
        for name, arrays in cases.items():
            changed_snapshot(source, f"{folder}/x.npz", **arrays)
            expect_refusal(
                f"a snapshot's {name}", program.run(
                    "train", "--resume", f"{folder}/x.npz", "--iterations", "4", "--output",
                    f"{folder}/x"), "x.npz", name.split()[-1])
        # Large, but a number: the run goes on, and draws its curves.
        changed_snapshot(
            source, f"{folder}/x.npz", tests=(double, (1, 3), struct.pack("<3d", 3, 1.79e308, 0.5)))
        expect_success("a test loss of 1.79e308", program.run(
            "train", "--resume", f"{folder}/x.npz", "--iterations", "4", "--output", f"{folder}/y"))
        # A NaN that max pooling would pass over.
        with zipfile.ZipFile(source) as archive:
            content = archive.read("parameter/conv1/0.npy")
        shape = tuple(int(n) for n in re.search(rb"\(([\d, ]+)\)", content)[1].decode().split(","))
        count = 1
        for extent in shape:
            count *= extent
        changed_snapshot(source, f"{folder}/x.npz", parameter__conv1__0=("<f4", shape, nan * count))
        expect_refusal("weights of NaN", program.run(
            "train", "--resume", f"{folder}/x.npz", "--iterations", "5", "--output", f"{folder}/z"),
            "conv1: its weights")


def check_unwritable_errors():
    """Standard error that takes nothing, in each command that says something there."""
    with temporary_folder() as folder:
        snapshot = make_snapshot(folder)
        write(f"{folder}/list.txt", "nothing.png 0\ncolour.png 1\n")
        commands = {
            "convert-images": [
                "convert-images", f"{folder}/list.txt", PICTURES, f"{folder}/db", "--skip-unreadable"],
            "resume": ["train", "--resume", snapshot, "--iterations", "4", "--output", f"{folder}/r"],
            "dump": ["dump", *BLOBS, "--output", f"{folder}/o.npz"],
        }
        closed_reader, writer = os.pipe()
        os.close(closed_reader)
        with open("/dev/full", "wb") as full:
            for name, arguments in commands.items():
                for kind in ["full", "closed", "pipe"]:
                    for path in ["db", "r", "o.npz"]:
                        shutil.rmtree(f"{folder}/{path}", ignore_errors=True)
                    if os.path.exists(f"{folder}/o.npz"):
                        os.remove(f"{folder}/o.npz")
                    options = {"stderr": {"full": full, "closed": None, "pipe": writer}[kind]}
                    if kind == "closed":
                        options["preexec_fn"] = lambda: os.close(2)
                    program.runs += 1
                    process = subprocess.run(
                        [program.path, *arguments], stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE, **options)
                    expect(
                        process.returncode == 0,
                        f"{name}, standard error {kind}: ends with {process.returncode}")
                    expect(not unfinished(folder), f"{name}, {kind}, leaves {unfinished(folder)}")
            started = subprocess.Popen(
                [program.path, "train", "--json", "--iterations", "100000", *SMALL, "--output",
                 f"{folder}/int"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=full)
            started.stdout.readline()
            started.send_signal(signal.SIGINT)
            started.communicate()
            expect(
                started.returncode == 130, f"Ctrl-C, standard error full: {started.returncode}")
        os.close(writer)


def check_hangup():
    """A terminal that goes away: a snapshot, as after Ctrl-C; not where that was to be ignored."""
    with temporary_folder() as folder:
        for number, ignored in [
            (signal.SIGHUP, False), (signal.SIGHUP, True), (signal.SIGINT, True)]:
            run = f"{folder}/{number.name}{ignored}"
            started = program.start(
                "train", "--json", "--iterations", "60" if ignored else "100000", *SMALL,
                "--output", run, stdout=subprocess.PIPE,
                preexec_fn=(lambda: signal.signal(number, signal.SIG_IGN)) if ignored else None)
            started.stdout.readline()
            started.send_signal(number)
            output, errors = started.communicate()
            code = 0 if ignored else 128 + number
            name = f"{number.name}{', ignored' if ignored else ''}"
            expect(started.returncode == code, f"{name}: {started.returncode}, {errors!r}")
            snapshots = [file for file in os.listdir(run) if file.endswith(".npz")]
            expect(ignored or snapshots, f"{name}: no snapshot")
            if snapshots:
                expect("--resume" in errors.decode(), f"{name}: {errors!r}")


def check_two_runs():
    """Two runs into one folder: the second is refused, and the first isn't disturbed."""
    with temporary_folder() as folder:
        run = f"{folder}/my run"
        started = program.start(
            "train", "--json", "--iterations", "100000", *SMALL, "--output", run,
            stdout=subprocess.PIPE)
        started.stdout.readline()
        expect_refusal(
            "a second run", program.run("train", "--iterations", "2", *SMALL, "--output", run),
            run, "another run")
        started.send_signal(signal.SIGTERM)
        errors = started.communicate()[1].decode()
        expect(started.returncode == 143, f"the first of two runs: {started.returncode}")
        # What it says to go on with is what a shell needs.
        hint = errors.split("Go on with: walkthrough ")[-1].strip()
        words = subprocess.run(
            ["sh", "-c", f"for word in {hint}; do printf '%s\\n' \"$word\"; done"],
            stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
        iteration = int(re.search(r"snapshot_iter_(\d+)", hint)[1])
        expect_success("the hint", program.run(*words, "--iterations", str(iteration + 1)))


def check_overwriting():
    """What is there and wasn't made by the command stays, unless it is told; what is read stays anyway."""
    with temporary_folder() as folder:
        mine = b"mine\n"
        database = f"{folder}/db"
        shutil.copytree(RECORDS, database)
        shutil.copy(f"{PICTURES}/small.png", f"{folder}/p.png")
        shutil.copy(f"{TINY}/weights.caffemodel", f"{folder}/w.caffemodel")
        brief = ["train", "--iterations", "1", *SMALL]
        commands = {
            "train.prototxt": ["prototxt", "--output", folder],
            "deploy.prototxt": ["prototxt", "--deploy", "--output", folder],
            "mean.binaryproto": ["mean", database, f"{folder}/mean.binaryproto"],
            "tour.html": ["tour", "--network", "mini", "--html", f"{folder}/tour.html"],
            "run.html": [*brief, "--output", f"{folder}/run", "--html", f"{folder}/run.html"],
            "history.npz": [
                *brief, "--output", f"{folder}/run", "--history", f"{folder}/history.npz"],
            "own/mini.caffemodel": [*brief, "--output", f"{folder}/own"],
            "lesson-zero-weights.svg": ["train", "--lesson", "zero-weights", "--output", folder],
            "loss.svg": [*brief, "--output", folder],
            "out.npz": ["dump", *BLOBS, "--output", f"{folder}/out.npz"],
            "w.safetensors": ["convert-weights", f"{folder}/w.caffemodel", f"{folder}/w.safetensors"],
        }
        os.mkdir(f"{folder}/own")
        for name, arguments in commands.items():
            write(f"{folder}/{name}", mine)
            expect_refusal(f"over {name}", program.run(*arguments), name, "--force")
            expect(read(f"{folder}/{name}") == mine, f"{name} is overwritten unasked")
            expect_success(f"over {name}, forced", program.run(*arguments, "--force"))
            expect(read(f"{folder}/{name}") != mine, f"{name} is not written when asked")
        for name in [
                "train.prototxt", "tour.html", "run.html", "history.npz", "own/mini.caffemodel",
                "lesson-zero-weights.svg", "loss.svg", "out.npz"]:
            expect_success(f"{name} once more", program.run(*commands[name]))
        snapshot = make_snapshot(folder)
        pairs = {
            snapshot: [
                "train", "--resume", snapshot, "--iterations", "4", "--output", f"{folder}/on", "--html",
                snapshot],
            f"{database}/data.mdb": ["mean", database, f"{database}/data.mdb"],
            f"{folder}/p.png": [
                "tour", "--network", "mini", "--image", f"{folder}/p.png", "--html",
                f"{folder}/p.png"],
            f"{folder}/w.caffemodel": [
                "dump", "--net", f"{TINY}/net.prototxt", "--weights", f"{folder}/w.caffemodel",
                "--input", f"{TINY}/data.npy", "--label", f"{TINY}/label.npy", "--output",
                f"{folder}/w.caffemodel"],
        }
        for path, arguments in pairs.items():
            before = read(path)
            for forced in [[], ["--force"]]:
                expect_refusal(f"{path} as output", program.run(*arguments, *forced), path, "is read")
            expect(read(path) == before, f"{path} is lost")
        # Two outputs under one name, also through a link.
        os.symlink(f"{folder}/twice", f"{folder}/link")
        os.mkdir(f"{folder}/twice")
        for outputs in [
                ["--html", f"{folder}/x", "--history", f"{folder}/x"],
                ["--html", f"{folder}/link/y", "--history", f"{folder}/twice/y"],
                ["--html", f"{folder}/twice/loss.svg"],
                ["--history", f"{folder}/link/mini.caffemodel"]]:
            expect_refusal(" ".join(outputs), program.run(
                *brief, *outputs, "--output", f"{folder}/twice"), "is written twice")
        # Weights near the end of Float are seen in a history, too.
        expect_success("a history of huge weights", program.run(
            *brief, "--no-augmentation", "--policy", "fixed", "--lr", "1e38", "--output",
            f"{folder}/huge", "--history", f"{folder}/huge.npz"))
        # Appended where standard output stands.
        with open(f"{folder}/log", "wb") as log:
            log.write(mine)
            log.flush()
            expect_success("into standard output by its name", program.run(
                "tour", "--network", "mini", "--html", "/dev/stdout", stdout=log))
        text = read(f"{folder}/log").decode()
        expect(
            text.startswith("mine\n<!doctype html>") and text.rstrip().endswith("in a browser."),
            "standard output by its name replaces what it led to")


def check_modes_and_links():
    """What takes the place of a file has its permissions; links are followed, and never parted."""
    with temporary_folder() as folder:
        def mean(path, *options):
            return program.run("mean", RECORDS, path, "--force", *options)

        for mode in [0o600, 0o640, 0o664]:
            write(f"{folder}/mean", "x")
            os.chmod(f"{folder}/mean", mode)
            if IS_ROOT:
                os.chown(f"{folder}/mean", 65534, 65534)
            expect_success(f"over a file of mode {mode:o}", mean(f"{folder}/mean"))
            facts = os.stat(f"{folder}/mean")
            expect(stat.S_IMODE(facts.st_mode) == mode, f"mode {mode:o} becomes {facts.st_mode:o}")
            expect(not IS_ROOT or facts.st_uid == 65534, "the owner changes")
        os.mkdir(f"{folder}/elsewhere")
        for name, target in [("link", "mean"), ("dangling", "elsewhere/new")]:
            os.symlink(target, f"{folder}/{name}")
            expect_success(f"over a {name}", mean(f"{folder}/{name}"))
            expect(os.path.islink(f"{folder}/{name}"), f"a {name} is replaced")
            expect(
                read(f"{folder}/{target}") == read(f"{folder}/mean"), f"a {name} isn't followed")
        os.symlink("loop", f"{folder}/loop")
        expect_refusal("over a loop of links", mean(f"{folder}/loop"), "loop")
        os.link(f"{folder}/mean", f"{folder}/hard")
        expect_refusal("over a hard link", mean(f"{folder}/hard"), "2 names")
        expect(os.stat(f"{folder}/hard").st_nlink == 2, "hard links are parted")


def check_moved_run():
    """A run goes on from anywhere, and says when its data aren't what they were."""
    with temporary_folder() as folder:
        os.mkdir(f"{folder}/start")
        make_database(f"{folder}/start", "db", 10)
        expect_success("a run on a database", program.run(
            "train", "--dataset", "db", "--iterations", "2", "--batch", "2", "--snapshot", "2",
            "--output", "run", folder=f"{folder}/start"))
        go_on = ["train", "--resume", f"{folder}/start/run", "--output", f"{folder}/on"]
        ended = program.run(*go_on, "--iterations", "3", folder="/")
        expect_success("from another folder", ended)
        expect("changed" not in ended.errors, f"from another folder: {ended.errors!r}")
        os.rename(f"{folder}/start/db", f"{folder}/moved")
        expect_refusal(
            "a database that has moved", program.run(*go_on, "--iterations", "3"), "no such database")
        ended = program.run(
            *go_on, "--iterations", "3", "--dataset", "../moved", folder=f"{folder}/start")
        expect_success("a database that has moved, named", ended)
        expect("changed" not in ended.errors, f"a database that has moved: {ended.errors!r}")
        make_database(folder, "other", 10, 3)
        ended = program.run(*go_on, "--iterations", "3", "--dataset", f"{folder}/other")
        expect_success("another database", ended)
        expect("have changed" in ended.errors, f"another database: {ended.errors!r}")


def check_memory_of_pictures():
    """Synthetic pictures are kept: they count."""
    with temporary_folder() as folder:
        for limits, arguments in [
            (ROOM, ["--images", "40000"]), ((), ["--images", "1000000", "--network", "caffenet"])]:
            expect_refusal(
                " ".join(arguments), program.run(
                    "train", *arguments, "--output", f"{folder}/run", limits=limits, patience=60),
                "pictures", "memory")


def check_ignored_options():
    """An option that would change nothing is refused."""
    for arguments in [
        ["check", "--gallery", "--layer", "conv1"], ["check", "--gallery", "--broken", "x"],
        ["check", "--gallery", "--end-to-end"], ["check", "--broken", "relu-mask", "--samples", "3"],
        ["check", "--mode", "exhaustive", "--samples", "3"],
        ["check", "--mode", "directional", "--samples", "3"],
        ["check", "--network", "mini", "--layer", "loss", "--end-to-end"],
        ["tour", "--json", "--html", "x"], ["compare", "--svg", ""],
        ["tour", "--net", "a", "--weights", "b", "--network", "mini"],
        ["prototxt", "--deploy", "--train-lmdb", "x"],
        ["train", "--solver", "x", "--weights", ""], ["train", "--solver", "x", "--lr", "1"],
        ["train", "--solver", "x", "--output", "y"], ["train", "--dataset", "x", "--images", "3"],
        ["scale", "--each", "4", "--batch", "8"], ["scale", "--efficiency", "2"],
        ["scale", "--machines", "1", "--exchange", "1"], ["ladder", "--code", "3", "--batch", "2"],
        ["ladder", "--code", "3", "--layer", "conv1"], ["convert-images", "x", "y", "z", "--seed", "2"],
        ["dump", "--net", fixture("interop/nets/tiny35.onnx"), "--input", f"{TINY}/data.npy", "--label",
         f"{TINY}/label.npy", "--output", "x"],
        ["prototxt", "--named", "--network", "torchvision"],
        ["prototxt", "--output", ""], ["train", "--output="], ["tour", "--image", ""], ["lint", ""],
        ["foo"], ["--networks"],
    ]:
        expect_refusal(" ".join(arguments), program.run(*arguments, patience=60))
    ended = program.run("foo")
    expect("compare" in ended.errors, f"an unknown command: {ended.errors!r}")
    ended = program.run("--version")
    expect(ended.code == 0 and ended.output.startswith("walkthrough"), f"--version: {ended.output!r}")


def check_names():
    """Names of any kind: escape sequences, tildes, combining marks, lengths, bytes that are no text."""
    with temporary_folder() as folder:
        escape = "\x1b]0;owned\x07\x1b[31m"
        with open(f"{TINY}/net.prototxt") as file:
            net = file.read()
        first = re.search(r'name: "(conv[^"]*)"', net)[1]
        write(f"{folder}/esc.prototxt", net.replace(f'"{first}"', f'"{first}{escape}"'))
        shutil.copy(f"{PICTURES}/small.png", f"{folder}/x.png")
        os.rename(f"{folder}/x.png", f"{folder}/{escape}.png")
        write(f"{folder}/labels.txt", "".join(f"class {escape}{i}\n" for i in range(10)))
        for arguments in [
            ["lint", f"{folder}/esc.prototxt"],
            ["dump", "--net", f"{folder}/esc.prototxt", *BLOBS[2:], "--output", f"{folder}/o.npz"],
            ["lint", f"{folder}/{escape}"],
            ["classify", *NETWORK, "--labels", f"{folder}/labels.txt", f"{PICTURES}/small.png"],
            ["tour", "--network", "mini", "--image", f"{folder}/{escape}.png", "--all"],
            [f"foo{escape}"],
        ]:
            ended = program.run(*arguments)
            expect(
                "\x1b" not in ended.output + ended.errors,
                f"{arguments[0]}: a name reaches the terminal: {(ended.output + ended.errors)!r}")
        for name in ["~", "~/tilde", "\u0338mark", "x" * 240, "ä" * 120, "a b'c"]:
            if name == "~/tilde":
                os.mkdir(f"{folder}/~dir")
                name = "~dir/tilde"
            ended = program.run("mean", RECORDS, name, folder=folder)
            expect_success(f"a file called {name[:20]!r}", ended)
            expect(os.path.isfile(f"{folder}/{name}"), f"{name[:20]!r} is written somewhere else")
        bad = os.fsencode(folder) + b"/p\xff.binaryproto"
        ended = program.run("mean", RECORDS, bad)
        expect_refusal("a name that is no UTF-8", ended, "UTF-8")
        os.mkdir(os.fsencode(folder) + b"/d\xff")
        expect_refusal(
            "a folder that is no UTF-8",
            program.run("shapes", folder=os.fsencode(folder) + b"/d\xff"), "UTF-8")
        twice = net.replace(f'"{first}"', f'"{first}\u00e9"', 1)
        twice = twice.replace("layer {", f'layer {{ name: "{first}e\u0301" type: "ReLU" '
                              f'bottom: "{first}\u00e9" top: "{first}e\u0301" }}\nlayer {{', 1)
        write(f"{folder}/twice.prototxt", twice)
        expect_refusal(
            "two spellings of a name", program.run("lint", f"{folder}/twice.prototxt"), "two ways")
        write(f"{folder}/bom.txt", "\ufeffn01440764 tench\u2028, Tinca\n" + "n01443537 goldfish\n" * 9)
        ended = program.run(
            "classify", *NETWORK, "--labels", f"{folder}/bom.txt", f"{PICTURES}/small.png", "--json")
        if ended.code == 0:
            names = {p["name"] for p in json.loads(ended.output)[0]["predictions"]}
            expect(
                names <= {"goldfish", "tench\u2028, Tinca"}, f"names with a mark: {sorted(names)}")
        write(f"{folder}/list.txt", "small.png 0\n")
        expect_refusal(
            "a database without a name",
            program.run("convert-images", f"{folder}/list.txt", PICTURES, ""), "name")


def check_descriptors():
    """Few descriptors: a message, no trap."""
    for count in range(3, 24):
        ended = program.run("tour", "--network", "mini", "--all",
                            limits=[(resource.RLIMIT_NOFILE, count)])
        if ended.code != 0:
            # With three, not even the loader can open its libraries.
            expect_refusal(f"{count} descriptors", ended)


CHECKS = [value for name, value in list(globals().items()) if name.startswith("check_")]


def main():
    chosen = [name for name in sys.argv[2:] if not name.startswith("--")]
    for check in CHECKS:
        if chosen and check.__name__ not in chosen:
            continue
        start = time.monotonic()
        check()
        if "--thorough" in sys.argv:
            print(f"{check.__name__}: {time.monotonic() - start:.0f} s")
    print("\n".join(problems) or "nothing is wrong")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
