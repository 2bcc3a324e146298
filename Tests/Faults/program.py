"""The program under test, and the surroundings in which it is to fail well."""

import contextlib
import os
import pwd
import resource
import signal
import subprocess
import sys
import tempfile

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Fixtures")
IS_ROOT = os.geteuid() == 0

# What a trap, a crash or a sanitizer prints. None of it is an answer to a user.
CRASHES = ["Fatal error", "Stack dump", "Crash", "Illegal instruction", "Sanitizer", "terminate"]


class Ended:
    """How a run ended. `code` is as in a shell: 128 + the number of a signal that ended it."""

    def __init__(self, code, output, errors):
        self.code = 128 - code if code < 0 else code
        self.output = output
        self.errors = errors

    def refuses(self, *words):
        """What is wrong with this as a refusal that says all of some words; `None` if it is well."""
        said = self.errors.strip()
        if not 0 < self.code < 128:
            return f"ends with {self.code} instead of an error; it says {said[-300:]!r}"
        if any(crash in said for crash in CRASHES):
            return f"crashes: {said[-300:]!r}"
        for word in words:
            if word not in said:
                return f"doesn't say {word!r}, but {said[-300:]!r}"
        return None


class Program:
    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.runs = 0

    def run(self, *arguments, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, folder=None,
            limits=(), user=None, ignoring=None, closing_input=False, patience=600):
        """Runs the program to its end.

        limits: pairs of a limit of `resource` and its value. user: a user's name to become.
        ignoring: a signal that is ignored from the start. closing_input: whether standard input is
        closed, not only at its end.
        """
        def prepare():
            for limit, value in limits:
                resource.setrlimit(limit, (value, value))
            if ignoring is not None:
                signal.signal(ignoring, signal.SIG_IGN)
            if closing_input:
                os.close(0)
            if user is not None:
                entry = pwd.getpwnam(user)
                os.setgroups([])
                os.setgid(entry.pw_gid)
                os.setuid(entry.pw_uid)

        self.runs += 1
        environment = dict(os.environ)
        if any(limit == resource.RLIMIT_FSIZE for limit, _ in limits):
            # Built for coverage, the program leaves its counts in a file as it ends. One that is cut
            # off at the limit would keep those of all other runs from being read.
            environment["LLVM_PROFILE_FILE"] = os.devnull
        process = subprocess.run(
            [self.path, *arguments], stdout=stdout, stderr=subprocess.PIPE, stdin=stdin,
            cwd=folder, env=environment, preexec_fn=prepare, timeout=patience)
        return Ended(
            process.returncode, (process.stdout or b"").decode(errors="replace"),
            process.stderr.decode(errors="replace"))

    def start(self, *arguments, **options):
        """Starts the program and doesn't wait."""
        self.runs += 1
        return subprocess.Popen(
            [self.path, *arguments], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)


def fixture(path):
    return os.path.normpath(os.path.join(FIXTURES, path))


def unfinished(folder):
    """The files and folders below a folder that are half of something."""
    return [
        os.path.join(place, name) for place, folders, files in os.walk(folder)
        for name in folders + files if name.endswith(".tmp")]


@contextlib.contextmanager
def temporary_folder():
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        os.chmod(folder, 0o755)
        yield folder


@contextlib.contextmanager
def small_disk(size):
    """A folder on a file system of its own with so much room, or `None` where it can't be mounted."""
    with temporary_folder() as folder:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "faults", folder],
            stderr=subprocess.DEVNULL).returncode == 0 if IS_ROOT else False
        try:
            yield folder if mounted else None
        finally:
            if mounted:
                subprocess.run(["umount", folder], check=True)
