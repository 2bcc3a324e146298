"""A program in a terminal of its own, under what a shell is to it."""

import codecs
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time


def run_job(command):
    """What a shell does with a command: gives it the terminal, and tells how it ended.

    When it ends, and each time that it is stopped, this writes `[exit CODE SETTINGS]`: CODE as a
    shell has it, 128 + the number of a signal; SETTINGS is "kept" when the terminal's are as they
    were. After a stop, the job goes on when a line is typed.
    """
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # else this process couldn't take the terminal back
    before = termios.tcgetattr(0)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        # Whoever runs tests may ignore some, as nohup and `&` do, and children take that over.
        for number in [
            signal.SIGTTOU, signal.SIGTSTP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP,
        ]:
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], command)
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        os.tcsetpgrp(0, os.getpid())
        settings = "kept" if termios.tcgetattr(0) == before else "changed"
        if os.WIFEXITED(status):
            code = os.WEXITSTATUS(status)
        else:
            code = 128 + (os.WSTOPSIG(status) if os.WIFSTOPPED(status) else os.WTERMSIG(status))
        os.write(1, f"[exit {code} {settings}]\n".encode())
        if not os.WIFSTOPPED(status):
            break
        while b"\n" not in os.read(0, 1024):
            pass
        os.tcsetpgrp(0, job)
        os.killpg(job, signal.SIGCONT)
    # When a session's leader ends, its terminal is hung up, and may lose what was not delivered yet. So
    # this one stays until `close`, or until SIGHUP says that whoever reads has ended.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    while True:
        signal.pause()


class PseudoTerminal:
    """Runs a command; `output` is all that it and `run_job` have written so far."""

    def __init__(self, command, columns=80, patience=120, **environment):
        self.output = ""
        self._seen = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._patience = patience
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            try:
                # Whoever runs tests may hold signals back, and children take that over.
                signal.pthread_sigmask(signal.SIG_SETMASK, [])
                os.environ.pop("NO_COLOR", None)
                os.environ.update(environment)
                self.resize(columns, descriptor=0)
                run_job(command)
            finally:
                os._exit(0)

    def resize(self, columns, rows=40, descriptor=None):
        """Gives the window another size, of which the kernel tells whoever runs in it."""
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._master if descriptor is None else descriptor, termios.TIOCSWINSZ, size)

    def type(self, text):
        os.write(self._master, text.encode())

    def send(self, number):
        """Sends a signal to the job in the foreground alone; to nobody where it has ended."""
        group = os.tcgetpgrp(self._master)
        if group not in [0, self.pid]:  # 0 would be the group of this process
            os.killpg(group, number)

    def wait_for_start(self, program):
        """Waits until the job is the program itself, no longer what starts it, or has ended."""
        limit = time.monotonic() + self._patience
        while time.monotonic() < limit:
            if "[exit " in self.output:
                return
            try:
                job = os.tcgetpgrp(self._master)
                if os.path.samefile(f"/proc/{job}/exe", program):
                    return
            except (OSError, ProcessLookupError):
                pass
            self.read_for(0.001)
        raise RuntimeError(f"{program} doesn't start: {self.output[-500:]!r}")

    def read_for(self, seconds):
        """Reads along for so long."""
        limit = time.monotonic() + seconds
        while (left := limit - time.monotonic()) > 0:
            if not self._read(left):
                time.sleep(min(left, 0.01))

    def expect(self, text):
        """Waits for a text behind the last one that was waited for. Returns what stands before it."""
        limit = time.monotonic() + self._patience
        while (place := self.output.find(text, self._seen)) < 0:
            if not self._read(limit - time.monotonic()):
                raise RuntimeError(f"no {text!r} behind {self.output[self._seen:][-500:]!r}")
        before, self._seen = self.output[self._seen:place], place + len(text)
        return before

    def _read(self, seconds):
        """Reads what there is; whether there was anything in time."""
        ready, _, _ = select.select([self._master], [], [], max(seconds, 0))
        data = os.read(self._master, 1 << 16) if ready else b""
        self.output += self._decoder.decode(data)
        return bool(data)

    def close(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.close(self._master)
        os.waitpid(self.pid, 0)
