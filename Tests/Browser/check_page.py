"""Opens a page in a headless browser and says what is wrong with it, a line each.

    check_page.py BROWSER PAGE EXPECTATIONS [AXE]

EXPECTATIONS is JSON written by the Swift tests: the ids that have to be there and what the page's
controls have to show. AXE is axe-core's file, if there is one. Exits with 1 when something is wrong.
"""

import json
import pathlib
import sys

from devtools import Browser

HERE = pathlib.Path(__file__).parent


class Page:
    def __init__(self, browser, path, expected):
        self.browser = browser
        self.url = pathlib.Path(path).resolve().as_uri()
        self.expected = expected
        self.problems = []

    def expect(self, condition, problem):
        if not condition:
            self.problems.append(problem)

    def check_loading(self):
        """Nothing is asked for beside the page itself, and nothing is complained of."""
        self.browser.open(self.url)
        for event in self.browser.events:
            parameters = event["params"]
            if event["method"] == "Network.requestWillBeSent":
                url = parameters["request"]["url"]
                self.expect(
                    url == self.url or url.startswith(("data:", "about:")), f"a request for {url[:200]}")
            elif event["method"] == "Runtime.exceptionThrown":
                self.expect(False, f"an exception: {json.dumps(parameters)[:500]}")
            elif event["method"] == "Runtime.consoleAPICalled":
                self.expect(
                    parameters["type"] not in ("error", "warning", "assert"),
                    f"on the console: {json.dumps(parameters['args'])[:500]}")
            elif event["method"] == "Log.entryAdded":
                entry = parameters["entry"]
                self.expect(
                    entry["level"] not in ("error", "warning"), f"in the log: {entry['text'][:500]}")

    def check_contents(self):
        missing = self.browser.evaluate(
            f"{json.dumps(self.expected['ids'])}.filter(id => !document.getElementById(id))")
        self.expect(not missing, f"missing: {missing}")
        broken = self.browser.evaluate(
            "Array.from(document.images).filter(i => !(i.complete && i.naturalWidth)).length")
        self.expect(broken == 0, f"{broken} pictures can't be decoded")

    def check_shapes(self):
        """The sliders show the sizes that Swift computed."""
        cases = self.expected.get("shapes", [])
        if not cases:
            return
        answers = self.browser.evaluate("""(cases => {
          const piece = document.querySelector("[data-shapes]");
          const controls = piece.querySelector(".controls");
          return cases.map(one => {
            controls.querySelector(`[value=${one.operation}]`).checked = true;
            for (const name of ["size", "kernel", "stride", "pad"]) {
              controls.querySelector(`[name=${name}]`).value = one[name];
            }
            controls.dispatchEvent(new Event("input"));
            return piece.querySelector(".answer").textContent;
          });
        })(%s)""" % json.dumps(cases))
        for case, answer in zip(cases, answers):
            right = (
                answer.startswith(f"{case['output']} = ") if case.get("output") is not None
                else "must" in answer)
            self.expect(right, f"{case}: the page says {answer!r}")

    def check_groups(self):
        for case in self.expected.get("groups", []):
            texts = self.browser.evaluate("""(name => {
              const piece = document.querySelector(`[data-groups=${name}]`);
              const read = () => piece.querySelector("output").textContent;
              const together = read();
              piece.querySelector("input").click();
              const apart = read();
              piece.querySelector("input").click();
              return [together, apart, read()];
            })(%s)""" % json.dumps(case["layer"]))
            self.expect(texts[0] == texts[2], f"{case['layer']}: {texts[2]!r} after two clicks")
            self.expect(
                texts[0].startswith(case["grouped"] + " parameters"), f"{case}: {texts[0]!r}")
            self.expect(
                texts[1].startswith(case["whole"] + " parameters"), f"{case}: {texts[1]!r}")

    def check_sliding(self):
        """Each window starts on the value computed by hand and moves from there."""
        for case in self.expected.get("sliding", []):
            name = case["layer"]
            before, after, back = self.browser.evaluate("""(name => {
              const piece = document.querySelector(`[data-sliding=${name}]`);
              const answer = piece.querySelector(".slider-panel .answer");
              const sliders = Array.from(piece.querySelectorAll(".slider-panel input"));
              const slider = sliders.at(-1);
              const start = slider.value;
              const move = (to) => {
                slider.value = to;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
                return answer.textContent;
              };
              const before = answer.textContent;
              return [before, move(start === slider.max ? slider.min : slider.max), move(start)];
            })(%s)""" % json.dumps(name))
            self.expect(before != after, f"{name}: sliding changes nothing: {before!r}")
            self.expect(before == back, f"{name}: sliding back gives {back!r}, not {before!r}")
            if "result" in case:
                value = before.rsplit("= ", 1)[-1].replace("−", "-")
                close = abs(float(value) - case["result"]) <= 2e-3 * abs(case["result"]) + 1e-12
                self.expect(close, f"{name}: {before!r}, but by hand {case['result']}")

    def check_keyboard(self):
        browser = self.browser
        browser.open(self.url)
        browser.press("Tab")
        self.expect(
            browser.evaluate("document.activeElement.className") == "skip",
            "the first Tab doesn't reach the link to the content")
        browser.press("Enter", text="\r")
        self.expect(
            browser.evaluate("document.activeElement.id") == "main",
            "the link to the content doesn't lead there")
        browser.press("Tab")
        outline = browser.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        self.expect(outline not in ("none", ""), "the focus can't be seen")
        if not self.expected.get("shapes"):
            return
        read = """(() => { const piece = document.querySelector("[data-shapes]");
          return [Number(piece.querySelector("[name=size]").value),
            piece.querySelector(".answer").textContent]; })()"""
        size, answer = browser.evaluate(read)
        browser.evaluate("document.querySelector('[data-shapes] [name=size]').focus()")
        browser.press("ArrowRight")
        new_size, new_answer = browser.evaluate(read)
        self.expect(new_size == size + 1 and new_answer != answer, "an arrow key moves no slider")
        browser.evaluate("document.querySelector('.layer summary').focus()")
        browser.press("Enter", text="\r")
        self.expect(
            browser.evaluate("document.querySelector('.layer details').open"),
            "Enter doesn't open the code")

    def check_widths_and_schemes(self, axe):
        rules = (HERE / "accessibility.js").read_text()
        for scheme in ("light", "dark"):
            self.browser.media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
            for width in (360, 1440):
                self.browser.resize(width)
                self.browser.open(self.url)
                self.browser.evaluate(
                    "document.querySelectorAll('details').forEach(d => { d.open = true })")
                where = f"{scheme}, {width} pixels: "
                found = self.browser.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth")
                if found > 0:
                    wide = self.browser.evaluate("""Array.from(document.querySelectorAll("main *"))
                      .filter(e => e.getBoundingClientRect().right > innerWidth + 1
                        && !e.closest(".scroll, .lines, .contents ol"))
                      .slice(0, 3).map(e => e.outerHTML.slice(0, 120))""")
                    self.expect(False, f"{where}{found} pixels too wide: {wide}")
                for problem in self.browser.evaluate(rules):
                    self.expect(False, where + problem)
                if axe:
                    self.check_with_axe(axe, where)

    def check_with_axe(self, axe, where):
        # Of the listings, thousands of spans, the frame is enough; accessibility.js measures all
        # contrasts, so axe needn't.
        self.browser.evaluate(axe + "; 0")
        violations = self.browser.evaluate(
            "axe.run({ include: document, exclude: ['.lines pre'] }, { resultTypes: ['violations'],"
            " rules: { 'color-contrast': { enabled: false } } }).then(r => r.violations"
            ".filter(v => ['serious', 'critical'].includes(v.impact))"
            ".map(v => `axe: ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map(n => n.html.slice(0, 120))}`))")
        for violation in violations:
            self.expect(False, where + violation)

    def check_without_script(self):
        """What is to be read is there, and no control that would do nothing."""
        self.browser.send("Emulation.setScriptExecutionDisabled", value=True)
        self.browser.open(self.url)
        root = self.browser.send("DOM.getDocument", depth=0)["root"]["nodeId"]
        def count(selector):
            return len(self.browser.send(
                "DOM.querySelectorAll", nodeId=root, selector=selector)["nodeIds"])
        for identifier in self.expected["ids"]:
            self.expect(count(f"[id='{identifier}']") == 1, f"without the script: no {identifier}")
        shown = count(".controls:not([hidden]), .control:not([hidden]), .slider-panel:not([hidden])")
        self.expect(shown == 0, f"without the script: {shown} controls that do nothing")
        self.browser.send("Emulation.setScriptExecutionDisabled", value=False)


def main():
    executable, path, expectations = sys.argv[1:4]
    expected = json.loads(pathlib.Path(expectations).read_text())
    axe = pathlib.Path(sys.argv[4]).read_text() if len(sys.argv) > 4 else None
    browser = Browser(executable)
    try:
        page = Page(browser, path, expected)
        page.check_loading()
        page.check_contents()
        page.check_shapes()
        page.check_groups()
        page.check_sliding()
        page.check_keyboard()
        page.check_widths_and_schemes(axe)
        page.check_without_script()
    finally:
        browser.close()
    print("\n".join(page.problems) or "nothing is wrong")
    sys.exit(1 if page.problems else 0)


if __name__ == "__main__":
    main()
