"""Lets things go wrong around the program, and says how it took them.

    check_faults.py WALKTHROUGH [--thorough] [CHECK ...]

WALKTHROUGH is the program. Whatever happens, it has to end with a message and an exit code that say
so, leave nothing half-written behind, and a terminal as it was. With --thorough there are more
moments, limits and sizes, gigabytes of output among them, and a line says what each check did.
Exits with 1 when something is wrong.
"""

import contextlib
import math
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Terminal"))
from program import CRASHES, IS_ROOT, Program, fixture, small_disk, temporary_folder, unfinished
from pseudo_terminal import PseudoTerminal

# Megabytes of address space: from where the program can just be started to where everything runs.
LIMITS = [260, 280, 300, 350, 400, 500, 600, 800, 1000, 1200, 1500, 2000, 2500, 3000, 4000]

STYLE = re.compile(r"\x1b\[[0-9;]*m")

thorough = "--thorough" in sys.argv[2:]
program = Program(sys.argv[1])
problems = []
skipped = []

TINY = fixture("caffe/tiny35")
RECORDS = fixture("caffe/lmdb/raw_lmdb")
PICTURES = fixture("pictures")
NETWORK = ["--net", f"{TINY}/net.prototxt", "--weights", f"{TINY}/weights.caffemodel"]
BLOBS = [*NETWORK, "--input", f"{TINY}/data.npy", "--label", f"{TINY}/label.npy"]
SMALL = ["--batch", "4", "--images", "8", "--test-images", "4"]


def expect(condition, problem):
    if not condition:
        problems.append(problem)


def expect_refusal(name, ended, *words):
    problem = ended.refuses(*words)
    expect(problem is None, f"{name}: {problem}")


def expect_nothing_unfinished(name, folder):
    expect(not unfinished(folder), f"{name} leaves {unfinished(folder)}")


def printing(folder):
    """Commands by what they print."""
    return {
        "the tour": ["tour", "--network", "mini", "--all"],
        "the tour as JSON": ["tour", "--network", "mini", "--json"],
        "shapes": ["shapes"],
        "check": ["check", "--network", "mini", "--layer", "fc8"],
        "a sweep": ["compare", "--network", "mini", "--sweep", "threads", "--repeats", "1"],
        "train": ["train", "--iterations", "2", *SMALL, "--output", f"{folder}/run"],
        "train as JSON": [
            "train", "--json", "--iterations", "2", *SMALL, "--output", f"{folder}/json"],
        "lint": ["lint", f"{TINY}/net.prototxt"],
        "mean": ["mean", RECORDS],
        "dump": ["dump", *BLOBS, "--output", f"{folder}/blobs.npz"],
    }


def writing(folder, elsewhere):
    """Commands by what they write into a folder."""
    with open(f"{elsewhere}/list.txt", "w") as file:
        file.write("colour.png 0\njpeg_420.jpg 1\n")
    brief = ["train", "--iterations", "3", *SMALL]
    return {
        "snapshots": [*brief, "--snapshot", "1", "--output", f"{folder}/run"],
        "curves": [*brief, "--output", f"{folder}/curves"],
        "a training page": [
            *brief, "--output", f"{elsewhere}/run", "--html", f"{folder}/run.html"],
        "a tour's page": ["tour", "--network", "mini", "--html", f"{folder}/tour.html"],
        "a chart": [
            "compare", "--network", "mini", "--sweep", "threads", "--repeats", "1", "--svg",
            f"{folder}/chart.svg"],
        "prototxt": ["prototxt", "--output", folder],
        "blobs": ["dump", *BLOBS, "--output", f"{folder}/blobs.npz"],
        "a database": ["convert-images", f"{elsewhere}/list.txt", PICTURES, f"{folder}/database"],
        "a mean": ["mean", RECORDS, f"{folder}/mean.binaryproto"],
    }


def check_full_output():
    """Standard output that takes nothing."""
    with temporary_folder() as folder, open("/dev/full", "wb") as full:
        for name, arguments in printing(folder).items():
            ended = program.run(*arguments, stdout=full)
            expect_refusal(
                f"{name} on a full disk", ended, "standard output could not be written")


def check_full_disk():
    """A disk without room, or, thoroughly, with room for the first of several files."""
    for size in ["4k", "64k", "1M", "3M", "8M"] if thorough else ["4k"]:
        for number in range(9):
            with small_disk(size) as disk, temporary_folder() as elsewhere:
                if disk is None:
                    skipped.append("a full disk: only root can mount a small one")
                    return
                name, arguments = list(writing(disk, elsewhere).items())[number]
                if size == "4k":
                    fill(disk)
                ended = program.run(*arguments)
                title = f"{name} on a disk of {size}"
                expect_whole(title, ended, disk, size == "4k")
                expect_same_files(title, name, disk, elsewhere)
                if name == "prototxt" and size == "4k":
                    with open(f"{disk}/text", "wb") as text:
                        ended = program.run("tour", "--network", "mini", "--json", stdout=text)
                    expect_refusal(
                        "JSON into a full disk", ended,
                        "standard output could not be written: No space left on device")


def fill(disk):
    """Leaves no room on a small disk."""
    with open(f"{disk}/filler", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def expect_whole(name, ended, folder, must_fail):
    """Whether a run on a small disk failed as it has to, and left only whole files."""
    if must_fail or ended.code != 0:
        expect_refusal(name, ended, folder, "No space left on device")
    expect_nothing_unfinished(name, folder)
    for place, _, files in os.walk(folder):
        for file in files:
            path = os.path.join(place, file)
            if file.endswith(".npz"):
                expect(zipfile.ZipFile(path).testzip() is None, f"{name} leaves half of {file}")
            if file.endswith((".html", ".svg")):
                with open(path) as text:
                    expect(
                        text.read().rstrip().endswith((">",)), f"{name} leaves half of {file}")


def expect_same_files(title, name, folder, elsewhere):
    """Whether what a command left is what it writes where there is room. Of Caffe's files a half may
    be a file as well, with fewer layers. What has times in it isn't the same twice."""
    def contents(folder):
        found = {}
        for place, _, names in os.walk(folder):
            for file in names:
                if file.endswith((".caffemodel", ".solverstate", ".binaryproto", ".prototxt")):
                    path = os.path.join(place, file)
                    with open(path, "rb") as content:
                        # A .solverstate names its .caffemodel.
                        found[path.removeprefix(folder)] = content.read().replace(
                            folder.encode(), b"")
        return found

    left = contents(folder)
    if left:
        with temporary_folder() as roomy:
            ended = program.run(*writing(roomy, elsewhere)[name])
            expect(ended.code == 0, f"{title}, where there is room: {ended.errors!r}")
            whole = contents(roomy)
            for file, content in left.items():
                expect(content == whole.get(file), f"{title} leaves half of {file}")
    if os.path.exists(f"{folder}/database"):
        ended = program.run("mean", f"{folder}/database")
        expect(
            ended.output.startswith("Mean of 2 records"),
            f"{title} leaves half a database: {ended.output!r}, {ended.errors!r}")


def check_file_size():
    """As on a full disk, under a limit of the size of files: its signal must not end the process."""
    with temporary_folder() as folder, temporary_folder() as elsewhere:
        for name, arguments in writing(folder, elsewhere).items():
            if name == "a database":
                continue  # LMDB
            ended = program.run(*arguments, limits=[(resource.RLIMIT_FSIZE, 1024)])
            expect_refusal(f"{name} beyond the limit of files", ended, "File too large")
            expect_nothing_unfinished(name, folder)


def check_read_only():
    """A folder that can't be written to."""
    with small_disk("64k") as disk, temporary_folder() as plain, temporary_folder() as elsewhere:
        folder = disk or plain
        commands = writing(folder, elsewhere)
        if disk:
            subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        elif not IS_ROOT:
            os.chmod(plain, 0o555)
        else:
            skipped.append("a read-only folder: root writes everywhere, and can't mount here")
            return
        for name, arguments in commands.items():
            expect_refusal(f"{name} in a read-only folder", program.run(*arguments), folder)
        os.chmod(plain, 0o755)


def check_unreadable():
    """Input that isn't there, is a folder, may not be read, or is somebody else's."""
    with temporary_folder() as folder:
        names = {
            "nothing": "No such file",
            "folder": "is a folder",
            "locked": "Permission denied",
        }
        os.mkdir(f"{folder}/folder")
        shutil.copyfile(f"{TINY}/net.prototxt", f"{folder}/locked")
        os.chmod(f"{folder}/locked", 0)
        for name, reason in names.items():
            path = f"{folder}/{name}"
            user, runner, network, pictures = None, program, NETWORK, PICTURES
            if name == "locked" and IS_ROOT:
                # Root reads everything. Somebody else can't always reach this checkout, as one in root's
                # home: what they need comes along.
                runner = Program(shutil.copy(program.path, f"{folder}/walkthrough"))
                user = "nobody"
                tiny = shutil.copytree(TINY, f"{folder}/tiny")
                pictures = shutil.copytree(PICTURES, f"{folder}/pictures")
                for place, folders, files in os.walk(folder):
                    for found in folders + files:
                        if found != "locked":
                            os.chmod(os.path.join(place, found), 0o755)
                # Nobody is to write here, too: places for files are tried before anything is read.
                os.chmod(folder, 0o777)
                network = ["--net", f"{tiny}/net.prototxt", "--weights", f"{tiny}/weights.caffemodel"]
                if runner.run("--help", user=user, folder=folder).code != 0:
                    skipped.append("a file that may not be read: nobody can run the program here")
                    continue
            for arguments in [
                ["lint", path],
                ["tour", "--network", "mini", "--image", path],
                ["tour", "--network", "mini", "--weights", path],
                ["dump", "--net", path, *network[2:], "--input", path, "--output",
                 f"{folder}/out.npz"],
                ["dump", *network, "--input", path, "--output", f"{folder}/out.npz"],
                ["classify", *network, path],
                ["train", "--solver", path],
                ["convert-images", path, pictures, f"{folder}/database"],
            ]:
                expect_refusal(
                    f"{arguments[0]} of {name}",
                    runner.run(*arguments, user=user, folder=folder), path, reason)
            for arguments in [["mean", path], ["train", "--resume", path],
                              ["train", "--dataset", path, "--output", f"{folder}/run-{name}"]]:
                expect_refusal(
                    f"{arguments[0]} of {name}",
                    runner.run(*arguments, user=user, folder=folder), path)


def check_vanishing():
    """What is there at first, and then isn't."""
    with temporary_folder() as folder:
        # A pipe in place of a file holds the program at a known place until this opens it.
        os.mkfifo(f"{folder}/pipe")

        def feed(content):
            with open(f"{folder}/pipe", "wb") as pipe:
                pipe.write(content)

        with open(f"{TINY}/net.prototxt", "rb") as file:
            half = file.read()[:700]
        feeding = threading.Thread(target=feed, args=[half])
        feeding.start()
        expect_refusal(
            "a pipe that ends too early", program.run("lint", f"{folder}/pipe"), f"{folder}/pipe")
        feeding.join()

        shutil.copy(f"{PICTURES}/colour.png", f"{folder}/second.png")
        with open(f"{folder}/list.txt", "w") as file:
            file.write("pipe 0\nsecond.png 1\n")
        started = program.start("convert-images", f"{folder}/list.txt", folder, f"{folder}/db")
        with open(f"{PICTURES}/small.png", "rb") as file:
            picture = file.read()
        with open(f"{folder}/pipe", "wb") as pipe:
            os.remove(f"{folder}/second.png")
            pipe.write(picture)
        errors = started.communicate()[1].decode()
        expect(
            started.returncode == 1 and "second.png" in errors and "No such file" in errors,
            f"a picture that vanishes: {started.returncode}, {errors!r}")
        expect(not os.path.exists(f"{folder}/db"), "a picture that vanishes leaves a database")
        expect_nothing_unfinished("a picture that vanishes", folder)

    with temporary_folder() as folder:
        started = program.start(
            "train", "--json", "--iterations", "100000", "--snapshot", "20", *SMALL, "--output",
            f"{folder}/run", stdout=subprocess.PIPE)
        started.stdout.readline()
        os.rename(f"{folder}/run", f"{folder}/elsewhere")
        shutil.rmtree(f"{folder}/elsewhere")
        errors = started.communicate()[1].decode()
        expect(
            started.returncode == 1 and f"{folder}/run" in errors and "No such file" in errors,
            f"a folder that vanishes: {started.returncode}, {errors!r}")


def check_closed_pipe():
    """Output that nobody reads any more ends a program silently, by the signal for that."""
    with temporary_folder() as folder:
        for name, arguments in printing(folder).items():
            reader, writer = os.pipe()
            os.close(reader)
            ended = program.run(*arguments, stdout=writer)
            expect(
                ended.code == 128 + signal.SIGPIPE and not ended.errors,
                f"{name} into a closed pipe: {ended.code}, {ended.errors!r}")
            shutil.rmtree(f"{folder}/run", ignore_errors=True)
            ended = program.run(*arguments, stdout=writer, ignoring=signal.SIGPIPE)
            expect_refusal(
                f"{name} into a closed pipe, the signal ignored", ended,
                "standard output could not be written: Broken pipe")
            os.close(writer)
        for name in ["the tour", "shapes", "train as JSON"]:
            arguments = printing(folder)[name]
            started = program.start(*arguments, stdout=subprocess.PIPE)
            first = started.stdout.readline()
            started.stdout.close()
            errors = started.stderr.read()
            # What is short enough lies in the pipe already and arrives nowhere.
            code = started.wait()
            expect(
                first and code in [0, -signal.SIGPIPE] and not errors,
                f"{name} | head -1: {code}, {errors!r}")


def check_input_at_its_end():
    """Standard input that is at its end, or closed."""
    with temporary_folder() as folder:
        for name, arguments in printing(folder).items():
            if name == "a sweep":
                continue  # prints times
            ended = program.run(*arguments)
            closed = program.run(*arguments, closing_input=True)
            expect(
                ended.code == closed.code and ended.errors == closed.errors == "",
                f"{name} without standard input: {ended.code}, {closed.code}, {closed.errors!r}")


def check_signals():
    """Ctrl-C and `kill` at any moment: the terminal is as it was, and the exit code says why."""
    with temporary_folder() as folder:
        with open(f"{folder}/list.txt", "w") as file:
            file.write("".join(f"jpeg_420.jpg {label}\n" for label in range(2000)))
        commands = {
            "the tour": ["tour", "--network", "mini", "--all"],
            "a tour's page": ["tour", "--network", "mini", "--html", f"{folder}/tour.html"],
            "check": ["check", "--network", "mini", "--layer", "pool2"],
            "a sweep": [
                "compare", "--network", "mini", "--sweep", "threads", "--repeats", "5"],
            "convert-images": ["convert-images", f"{folder}/list.txt", PICTURES, f"{folder}/db"],
            "train": [
                "train", "--iterations", "60", *SMALL, "--snapshot", "1", "--output",
                f"{folder}/run"],
        }
        if thorough:
            commands["check"] = ["check", "--network", "mini"]
            commands["compare"] = ["compare", "--network", "mini", "--repeats", "1"]
        moments = random.Random(1)
        for name, arguments in commands.items():
            def clean():
                shutil.rmtree(f"{folder}/run", ignore_errors=True)
                shutil.rmtree(f"{folder}/db", ignore_errors=True)

            start = time.monotonic()
            ended = program.run(*arguments)
            duration = time.monotonic() - start
            expect(ended.code == 0, f"{name}: {ended.code}, {ended.errors!r}")
            for number in [signal.SIGINT, signal.SIGTERM]:
                for _ in range(20 if thorough else 1):
                    clean()
                    interrupt(
                        f"{name}, {number.name}", arguments, number,
                        moments.uniform(0, duration), folder)
            clean()


def interrupt(name, arguments, number, delay, folder):
    """Runs the program in a terminal, and sends it a signal after so many seconds."""
    program.runs += 1
    terminal = PseudoTerminal(
        [program.path, *arguments], TERM="xterm-256color", COLORTERM="truecolor")
    try:
        terminal.wait_for_start(program.path)
        # Somebody reads along, else the program would wait for the terminal.
        terminal.read_for(delay)
        terminal.send(number)
        before = terminal.expect("[exit ")
        code, settings = terminal.expect("]").split()
        name = f"{name} after {delay:.3f} s"
        expect(code in ["0", str(128 + number)], f"{name}: ends with {code}")
        expect(settings == "kept", f"{name}: the terminal's settings are {settings}")
        styles = STYLE.findall(terminal.output)
        expect(not styles or styles[-1] == "\x1b[0m", f"{name}: colours stay behind")
        # What follows has a line of its own: behind the last one, or where progress was taken away.
        expect(
            not before or before.endswith(("\n", "\r\x1b[K")), f"{name}: ends in {before[-80:]!r}")
        expect(not any(crash in before for crash in CRASHES), f"{name}: {before[-300:]!r}")
        expect_nothing_unfinished(name, folder)
    except RuntimeError as error:
        problems.append(f"{name}: {error}")
    finally:
        terminal.close()


def check_memory():
    """Less memory than the network needs: a message instead of a trap."""
    with temporary_folder() as folder:
        commands = {
            "the tour": ["tour", "--all"],
            "compare": ["compare", "--version", "fast", "--repeats", "1"],
            "compare a batch": [
                "compare", "--version", "fast", "--repeats", "1", "--batch", "32"],
            "compare two versions": [
                "compare", "--version", "fast,tuned", "--repeats", "1", "--batch", "16"],
            "sweep threads": ["compare", "--sweep", "threads", "--repeats", "1"],
            "sweep batches": [
                "compare", "--network", "mini", "--sweep", "batch", "--repeats", "1"],
            "train": [
                "train", "--network", "caffenet", "--iterations", "1", "--batch", "2", "--images",
                "2", "--test-images", "1", "--snapshot", "1", "--output", f"{folder}/run"],
            "check": ["check", "--network", "mini", "--samples", "2"],
            "check end to end": [
                "check", "--network", "mini", "--end-to-end", "--samples", "2"],
            "dump": ["dump", *BLOBS, "--output", f"{folder}/blobs.npz"],
            "test": ["test", "--iterations", "1"],
            "scale": ["scale", "--network", "mini", "--machines", "2"],
        }
        if not thorough:
            # Of compare's ways, 400 and 800 MB are too little for those whose network is large.
            names = ["compare", "compare two versions", "sweep threads", "dump", "test", "scale"]
            commands = {name: commands[name] for name in names}
        # A sanitizer lays claim to terabytes before anything of the program runs.
        roomy = [(resource.RLIMIT_AS, LIMITS[-1] << 20)]
        if program.run("--help", limits=roomy).code != 0:
            skipped.append(f"limits of memory: the program doesn't start in {LIMITS[-1]} MB")
            return
        for name, arguments in commands.items():
            for megabytes in LIMITS if thorough else [400, 800]:
                shutil.rmtree(f"{folder}/run", ignore_errors=True)
                ended = program.run(
                    *arguments, limits=[(resource.RLIMIT_AS, megabytes << 20)])
                if ended.code != 0:
                    expect_refusal(f"{name} in {megabytes} MB", ended, "memory")
                expect_nothing_unfinished(name, folder)



def check_gigabyte():
    """More than a gigabyte into a file and through a pipe."""
    if not thorough:
        return
    images = 30_000
    with temporary_folder() as folder:
        for name, shape in [("data", (images, 3, 35, 35)), ("label", (images,))]:
            header = str({"descr": "<f4", "fortran_order": False, "shape": shape}).ljust(117)
            with open(f"{folder}/{name}.npy", "wb") as file:
                file.write(b"\x93NUMPY\x01\x00\x76\x00" + header.encode() + b"\n")
                file.write(bytes(4 * math.prod(shape)))
        arguments = [
            "dump", *NETWORK, "--input", f"{folder}/data.npy", "--label", f"{folder}/label.npy",
            "--output"]
        ended = program.run(*arguments, f"{folder}/blobs.npz")
        size = os.path.getsize(f"{folder}/blobs.npz") if ended.code == 0 else 0
        if size <= 1 << 30:
            problems.append(f"a gigabyte: {ended.code}, {size} bytes, {ended.errors!r}")
            return
        os.mkfifo(f"{folder}/pipe")
        started = program.start(*arguments, f"{folder}/pipe", stdout=subprocess.DEVNULL)
        with open(f"{folder}/pipe", "rb") as pipe, open(f"{folder}/blobs.npz", "rb") as file:
            while True:
                part, expected = pipe.read(1 << 24), file.read(1 << 24)
                if part != expected:
                    problems.append("a gigabyte through a pipe is not what a file gets")
                    break
                if not part:
                    break
        errors = started.communicate()[1].decode()
        expect(
            started.returncode == 0 and not errors,
            f"a gigabyte through a pipe: {started.returncode}, {errors!r}")


CHECKS = [
    check_full_output, check_full_disk, check_file_size, check_read_only, check_unreadable,
    check_vanishing, check_closed_pipe, check_input_at_its_end, check_signals, check_memory,
    check_gigabyte,
]


def main():
    chosen = [name for name in sys.argv[2:] if not name.startswith("--")]
    for check in CHECKS:
        if chosen and check.__name__ not in chosen:
            continue
        runs, start = program.runs, time.monotonic()
        check()
        if thorough:
            subject = check.__name__.removeprefix("check_").replace("_", " ")
            print(f"{subject}: {program.runs - runs} runs, {time.monotonic() - start:.0f} s")
    for reason in dict.fromkeys(skipped):
        print(f"skipped: {reason}", file=sys.stderr)
    print("\n".join(problems) or "nothing is wrong")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
