"""A page that is being checked, and what has been found wrong with it."""

import pathlib


class Page:
    """`expected` is what the Swift tests wrote: what has to be there, and what controls have to show."""

    def __init__(self, browser, path, expected):
        self.browser = browser
        self.url = pathlib.Path(path).resolve().as_uri()
        self.expected = expected
        self.problems = []

    def open(self):
        self.browser.open(self.url)

    def evaluate(self, function, *arguments):
        """What a function of JavaScript returns for some arguments."""
        return self.browser.call(function, *arguments)

    def expect(self, condition, problem):
        if not condition:
            self.problems.append(problem)

    def cases(self, name):
        """What is expected of a kind of pieces; none on a page that has no such."""
        return self.expected.get(name, [])
