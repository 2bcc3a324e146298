"""Opens a page full of hostile names in a headless browser and says what they have achieved.

    check_names.py BROWSER TAME HOSTILE EXPECTATIONS

TAME is the same page with harmless names: both have to consist of the same elements and attributes.
EXPECTATIONS is JSON written by the Swift tests: where which names have to be read. Then markup is put
into the file as if the escaping had failed, and the page's policy has to stop it. Exits with 1 when
something is wrong.
"""

import json
import pathlib
import sys
import tempfile

import document
from devtools import Browser
from page import Page

# Elements in their order, each with the names of its attributes. Where the reader is in the contents
# depends on the moment; styles are those that the page's script sets.
SKELETON = """() => Array.from(document.querySelectorAll("*"), element =>
  [element.namespaceURI.split("/").pop(), element.localName,
    ...element.getAttributeNames().filter(name => name !== "aria-current").sort()].join(" "))"""

# What somebody would write who got past the escaping, and what it would do.
SMUGGLED = {
    "a script": "<script>document.title = 'PWNED'</script>",
    "a script with a nonce": "<script nonce=''>document.title = 'PWNED'</script>",
    "a module": "<script type=module>document.title = 'PWNED'</script>",
    "a script from elsewhere": "<script src='data:text/javascript,document.title=%22PWNED%22'></script>",
    "a handler": "<img src='data:,' onerror=\"document.title = 'PWNED'\">",
    "a handler of a drawing": "<svg onload=\"document.title = 'PWNED'\"></svg>",
    "a document within": "<iframe srcdoc=\"<script>parent.document.title = 'PWNED'</script>\"></iframe>",
    "an address that is code":
        "<iframe src=\"javascript:parent.document.title = 'PWNED'\"></iframe>",
    "a style sheet": "<style>h1 { color: rgb(1, 2, 3) }</style>",
    "a style": "<p id=smuggled style='color: rgb(1, 2, 3)'>.</p>",
    "a picture from elsewhere": "<img src='http://127.0.0.1:9/picture.png'>",
    "another base": "<base href='http://127.0.0.1:9/'>",
}


def main():
    executable, tame, hostile, expectations = sys.argv[1:]
    expected = json.loads(pathlib.Path(expectations).read_text())
    browser = Browser(executable)
    try:
        page = Page(browser, tame, expected)
        page.open()
        skeleton = page.evaluate(SKELETON)
        browser.events.clear()
        page = Page(browser, hostile, expected)
        page.open()
        check_names(page)
        check_skeleton(page, skeleton)
        document.check_silence(page)
        # That an address with anything behind its # stops nothing either.
        browser.open("about:blank")
        browser.open(page.url + "#%E0%A4%A<img>")
        document.check_silence(page)
        # Once for each kind of page is enough.
        if expected["isExact"]:
            check_policy(page, pathlib.Path(tame).read_text())
    finally:
        browser.close()
    print("\n".join(page.problems) or "nothing is wrong")
    sys.exit(1 if page.problems else 0)


def check_names(page):
    """Names are read where they belong, character for character."""
    title = page.evaluate("() => document.querySelector('title').textContent")
    page.expect(title == page.expected["title"], f"the title is {title!r}")
    page.expect("PWNED" != page.evaluate("() => document.title"), "a name has run: the title is PWNED")
    for case in page.expected["shown"]:
        texts = page.evaluate(
            "s => Array.from(document.querySelectorAll(s), e => e.textContent)", case["selector"])
        if texts != case["texts"]:
            pairs = [p for p in zip(texts, case["texts"]) if p[0] != p[1]] or [
                (len(texts), len(case["texts"]))]
            page.expect(False, f"{case['selector']}: {pairs[0][0]!r}, not {pairs[0][1]!r}")
    for case in page.expected["contained"]:
        missing = page.evaluate("""(selector, texts) => {
          const held = Array.from(document.querySelectorAll(selector), e => [e.textContent,
            ...Array.from(e.attributes, attribute => attribute.value)]).flat();
          return texts.filter(text => !held.some(one => one.includes(text)));
        }""", case["selector"], case["texts"])
        page.expect(bool(case["texts"]), f"{case['selector']}: nothing to look for")
        page.expect(not missing, f"{case['selector']}: nowhere {missing!r}")


def check_skeleton(page, tame):
    """Names make no elements and no attributes."""
    hostile = page.evaluate(SKELETON)
    page.expect(len(tame) > 100, "the tame page is empty")
    if page.expected["isExact"]:
        page.expect(
            len(hostile) == len(tame), f"{len(hostile)} elements, not {len(tame)} as without")
        for here, there in zip(hostile, tame):
            if here != there:
                page.expect(False, f"an element: {here!r}, not {there!r}")
                break
    else:
        page.expect(
            set(hostile) <= set(tame), f"elements: {sorted(set(hostile) - set(tame))}")
    handlers = page.evaluate("""() => Array.from(document.querySelectorAll("*"))
      .filter(e => e.getAttributeNames().some(name => /^on/.test(name)))
      .map(e => e.outerHTML.slice(0, 120))""")
    page.expect(not handlers, f"handlers: {handlers}")
    # The style sheet is in force: it gives the frame its grid. So is the script: it shows controls.
    works = page.evaluate("""() => [getComputedStyle(document.querySelector(".frame")).display,
      document.querySelectorAll(".control[hidden], .controls[hidden]").length]""")
    page.expect(works == ["grid", 0], f"its own style sheet or script doesn't work: {works}")


def check_policy(page, text):
    """What gets into the markup all the same is neither run nor applied nor fetched."""
    browser = page.browser
    title = browser.evaluate("document.title")
    colour = browser.evaluate("getComputedStyle(document.querySelector('h1')).color")
    page.expect(text.count("<main ") == 1, "there is no place to smuggle into")
    with tempfile.TemporaryDirectory() as folder:
        for what, markup in SMUGGLED.items():
            file = pathlib.Path(folder) / "smuggled.html"
            file.write_text(text.replace("<main ", markup + "<main ", 1))
            browser.events.clear()
            browser.open(file.as_uri())
            refused = any(
                e["method"] == "Log.entryAdded"
                and "Content Security Policy" in e["params"]["entry"]["text"]
                for e in browser.events)
            page.expect(refused, f"{what} isn't refused")
            page.expect(browser.evaluate("document.title") != "PWNED", f"{what} is run")
            colours = browser.evaluate("""["h1", "#smuggled"].map(s => document.querySelector(s))
              .map(e => e && getComputedStyle(e).color)""")
            page.expect("rgb(1, 2, 3)" not in colours, f"{what} is applied: {colours}")
            sent = [
                e for e in browser.events if e["method"] == "Network.responseReceived"
                and not e["params"]["response"]["url"].startswith(("file:", "data:"))]
            page.expect(not sent, f"{what} is fetched")
        # A string that is to become elements or code by a script of the page.
        for code in [
            "document.body.innerHTML = '<p>'", "document.body.insertAdjacentHTML('beforeend', '<p>')",
            "document.createElement('script').text = '1'", "document.write('<p>')",
            "document.body.setAttribute('onclick', '1')",
        ]:
            answer = page.evaluate("""code => {
              try { %s; return "done"; } catch (error) { return error.name; }
            }""" % code, None)
            page.expect(answer == "TypeError", f"{code}: {answer}")


if __name__ == "__main__":
    main()
