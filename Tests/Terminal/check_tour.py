"""Takes the tour in a terminal and says what is wrong, a line each.

    check_tour.py WALKTHROUGH

WALKTHROUGH is the program. Exits with 1 when something is wrong.
"""

import re
import signal
import sys

from pseudo_terminal import PseudoTerminal

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
STYLE = re.compile(r"\x1b\[[0-9;]*m")
CLEAR = "\x1b[H\x1b[2J"
# What a process writes when it is ended or stopped from outside.
RESET = "\x1b[0m\r\n"
PROMPT = "/word, ? or q › "
NARROW_PROMPT = "Enter, b, /, ?, q › "

problems = []


def expect(condition, problem):
    if not condition:
        problems.append(problem)


def widest(text):
    return max(len(line) for line in ESCAPE.sub("", text).splitlines())


class Tour:
    """mini's tour, which is there in a moment."""

    def __init__(self, *arguments, columns=80, **environment):
        environment = {"TERM": "xterm-256color", "COLORTERM": "truecolor", **environment}
        self.terminal = PseudoTerminal(
            [sys.argv[1], "tour", "--network", "mini", "--deterministic", *arguments],
            columns, **environment)

    def __enter__(self):
        return self.terminal

    def __exit__(self, *_):
        self.terminal.close()


def check_walking():
    with Tour() as terminal:
        # High enough for every station.
        terminal.resize(80, rows=300)
        start = terminal.expect(PROMPT)
        expect("mini, layer by layer" in start, "it doesn't begin with the introduction")
        expect("█" in start.split("mini, layer by layer")[0], "nothing says how far it has come")
        for typed, shown in [
            ("", "  conv1  "), ("conv2", "  conv2  "), ("b", "  norm1  "), ("-conv2", "conv2, backwards"),
            ("5", "  conv2  "), ("/overlap", "pool"), ("end", "All layers together"), ("?", "this help"),
            ("conv9", 'There is no "conv9"'), ("/xyzzy", "No station mentions"),
        ]:
            terminal.type(typed + "\n")
            station = terminal.expect(PROMPT)
            expect(shown in ESCAPE.sub("", station), f"{typed!r} doesn't lead to {shown!r}")
        terminal.type("q\n")
        terminal.expect("[exit 0 kept]")
    # The end of all lines, also when it was typed before keys were read one by one.
    for shown in ["", PROMPT]:
        with Tour() as terminal:
            terminal.expect(shown)
            terminal.type("\x04")
            terminal.expect("[exit 0 kept]")


def check_paging():
    """A station that is higher than the window begins at its head, and goes on by a screenful."""
    with Tour() as terminal:
        terminal.expect(PROMPT)
        terminal.resize(80, rows=24)
        terminal.type("conv2\n")
        first = ESCAPE.sub("", terminal.expect(" lines: "))
        terminal.expect(PROMPT)
        expect("conv2  Convolution" in first, "a high station doesn't begin at its head")
        expect(len(first.splitlines()) <= 26, "more than a screenful at once")
        expect("1–23 of " in first, "nothing says that there is more")
        for typed, shown, name in [
            ("\n", "24–46 of ", "Enter"), ("\x1b[5~", "1–23 of ", "PgUp"),
            ("\x1b[6~", "24–46 of ", "PgDn"), (" ", "47–69 of ", "Space"), ("\x1b[A", "24–46 of ", "↑"),
            ("\x1b[B", "47–69 of ", "↓"), ("\x1b[H", "1–23 of ", "Home"),
        ]:
            terminal.type(typed)
            part = ESCAPE.sub("", terminal.expect(" lines: "))
            terminal.expect(PROMPT)
            expect(shown in part, f"{name} doesn't lead to lines {shown}")
            expect("^[" not in part, f"{name} is printed")
        for typed, shown, name in [
            ("\x1b[C", "  relu2  ", "→"), ("\x1b[D", "  conv2  ", "←"), ("\x1b[D", "  norm1  ", "←"),
            ("\x1bOC", "  conv2  ", "→ of another kind"),
        ]:
            terminal.type(typed)
            station = ESCAPE.sub("", terminal.expect(PROMPT))
            expect(shown in station, f"{name} doesn't lead to {shown!r}")
        terminal.type("connn\x7f\x7fv3\n")  # taken back and typed anew
        expect("  conv3  " in ESCAPE.sub("", terminal.expect(PROMPT)), "a typed line can't be mended")
        terminal.type("xyz\x15pool5\n")
        expect("  pool5  " in ESCAPE.sub("", terminal.expect(PROMPT)), "a typed line can't be taken back")
        terminal.type("q\n")
        terminal.expect("[exit 0 kept]")


def check_resizing():
    with Tour() as terminal:
        terminal.expect(PROMPT)
        terminal.type("conv2\n")
        terminal.expect(PROMPT)
        terminal.type("conv")  # and then, before the line's end, the window changes
        for columns, prompt in [(200, PROMPT), (40, NARROW_PROMPT), (80, PROMPT)]:
            terminal.resize(columns)
            terminal.expect(CLEAR)
            station = terminal.expect(prompt)
            width = widest(station)
            expect("conv2" in station, f"at {columns} columns another station is drawn")
            expect(
                columns / 2 < width <= columns, f"at {columns} columns a line has {width}")
        # As a border is dragged: what counts is where it ends.
        for columns in range(81, 121):
            terminal.resize(columns)
        while widest(terminal.expect(PROMPT)) <= 110:
            pass
        terminal.resize(120, rows=30)
        terminal.type("?\n")
        expect(CLEAR not in terminal.expect(PROMPT), "another height has it drawn again")
        terminal.type("q\n")
        terminal.expect("[exit 0 kept]")


def check_ending():
    for name, end in [
        ("Ctrl-C", lambda terminal: terminal.type("\x03")),
        ("SIGINT", lambda terminal: terminal.send(signal.SIGINT)),
        ("SIGTERM", lambda terminal: terminal.send(signal.SIGTERM)),
        ("SIGHUP", lambda terminal: terminal.send(signal.SIGHUP)),
    ]:
        code = {"SIGTERM": 143, "SIGHUP": 129}.get(name, 130)
        with Tour() as terminal:
            terminal.expect(PROMPT)
            end(terminal)
            last = terminal.expect(f"[exit {code} kept]")
            expect(last.endswith(RESET), f"{name} leaves colours behind")
    with Tour("--all") as terminal:
        terminal.expect("mini, layer by layer")
        # The rest is more than a terminal takes that nobody reads: it waits in the midst of colours.
        terminal.type("\x03")
        last = terminal.expect("[exit 130 kept]")
        expect(STYLE.findall(last)[-1] == "\x1b[0m", "Ctrl-C in a picture leaves colours behind")


def check_stopping():
    with Tour() as terminal:
        terminal.expect(PROMPT)
        # More than once: the second stop has to be handled as the first.
        for _ in range(2):
            terminal.type("\x1a")  # Ctrl-Z
            last = terminal.expect("[exit 148 kept]")
            expect(last.endswith(RESET), "Ctrl-Z leaves colours behind")
            terminal.type("\n")
            terminal.expect(PROMPT)
        terminal.type("\x1a")
        terminal.expect("[exit 148 kept]")
        terminal.resize(40)
        terminal.type("\n")
        terminal.expect(CLEAR)
        terminal.expect(NARROW_PROMPT)
        terminal.type("\x03")
        terminal.expect("[exit 130 kept]")


def check_plain():
    """Where no escape sequence is wanted, none is written, whatever happens."""
    with Tour(TERM="dumb") as terminal:
        terminal.expect(PROMPT)
        terminal.resize(40)
        terminal.expect(NARROW_PROMPT)
        terminal.type("\x03")
        terminal.expect("[exit 130 kept]")
        expect("\x1b" not in terminal.output, "a plain terminal gets escape sequences")


def main():
    for check in [check_walking, check_paging, check_resizing, check_ending, check_stopping, check_plain]:
        try:
            check()
        except RuntimeError as error:
            problems.append(f"{check.__name__}: {error}")
    print("\n".join(problems) or "nothing is wrong")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
