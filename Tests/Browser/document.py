"""The page as a document: complete, alone, readable without its script and on paper."""

import base64
import json

# Of A4 within the margins of the style sheet, in CSS pixels: 210 − 2·13 mm.
PAPER = 695


def check_silence(page):
    """In all that happened, nothing was asked for beside the page itself or complained of."""
    for event in page.browser.events:
        parameters = event["params"]
        if event["method"] == "Network.requestWillBeSent":
            url = parameters["request"]["url"]
            page.expect(
                url == page.url or url.startswith(("data:", "about:")), f"a request for {url[:200]}")
        elif event["method"] == "Runtime.exceptionThrown":
            page.expect(False, f"an exception: {json.dumps(parameters)[:500]}")
        elif event["method"] == "Runtime.consoleAPICalled":
            page.expect(
                parameters["type"] not in ("error", "warning", "assert"),
                f"on the console: {json.dumps(parameters['args'])[:500]}")
        elif event["method"] == "Log.entryAdded":
            entry = parameters["entry"]
            page.expect(
                entry["level"] not in ("error", "warning"), f"in the log: {entry['text'][:500]}")


def check_contents(page):
    missing = page.evaluate(
        "ids => ids.filter(id => !document.getElementById(id))", page.expected["ids"])
    page.expect(not missing, f"missing: {missing}")
    broken = page.evaluate(
        "() => Array.from(document.images).filter(i => !(i.complete && i.naturalWidth)).length")
    page.expect(broken == 0, f"{broken} pictures can't be decoded")
    listings = page.evaluate("() => document.querySelectorAll('.listing').length")
    page.expect(
        listings >= page.expected.get("listings", 0), f"only {listings} listings of code")


def check_without_script(page):
    """What is to be read is there, and no control that would do nothing."""
    browser = page.browser
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    page.open()
    root = browser.send("DOM.getDocument", depth=0)["root"]["nodeId"]

    def count(selector):
        found = browser.send("DOM.querySelectorAll", nodeId=root, selector=selector)
        return len(found["nodeIds"])

    for identifier in page.expected["ids"]:
        page.expect(count(f"[id='{identifier}']") == 1, f"without the script: no {identifier}")
    shown = count(".controls:not([hidden]), .control:not([hidden]), .slider-panel:not([hidden])")
    page.expect(shown == 0, f"without the script: {shown} controls that do nothing")
    browser.send("Emulation.setScriptExecutionDisabled", value=False)


def check_paper(page):
    """Everything is on paper: nothing closed, nothing cut off, no control; dark on white."""
    browser = page.browser
    page.open()
    # Dark, as the reader's screen may be; a sheet of paper isn't.
    browser.media(prefers_color_scheme="dark")
    file = browser.send("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]
    page.expect(base64.b64decode(file[:8]).startswith(b"%PDF"), "it can't be printed")
    browser.resize(PAPER)
    browser.media(media="print", prefers_color_scheme="dark")
    problems = page.evaluate("""() => {
      const problems = [];
      const isShown = element => element.getClientRects().length > 0;
      const name = element => element.outerHTML.replace(/base64,[^"]*/, "…").slice(0, 100);
      const all = selector => Array.from(document.querySelectorAll(selector)).filter(isShown);
      const edge = document.querySelector("main").getBoundingClientRect().right + 1;
      const wide = all("main table, main figure, main img, main svg, main pre, main p")
        .filter(element => element.getBoundingClientRect().right > edge);
      for (const element of wide.slice(0, 5)) problems.push(`too wide: ${name(element)}`);
      for (const element of all(".lines, .scroll")) {
        if (element.scrollHeight > element.clientHeight + 1 && getComputedStyle(element).overflowY !== "visible") {
          problems.push(`cut off: ${name(element)}`);
        }
      }
      for (const element of all("details:not([open])")) problems.push(`closed: ${name(element)}`);
      for (const element of all("input, button, select, nav")) problems.push(`of no use: ${name(element)}`);
      const ground = getComputedStyle(document.body).backgroundColor;
      if (ground !== "rgb(255, 255, 255)") problems.push(`on a ground of ${ground}`);
      return problems;
    }""")
    for problem in problems:
        page.expect(False, f"on paper: {problem}")
    browser.media()
    browser.resize(1440)
