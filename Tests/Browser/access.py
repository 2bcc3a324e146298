"""Whether everybody can use the page: with the keyboard, on any screen, in any colours."""

import pathlib

RULES = (pathlib.Path(__file__).parent / "accessibility.js").read_text()


def check_keyboard(page):
    browser = page.browser
    page.open()
    browser.press("Tab")
    page.expect(
        browser.evaluate("document.activeElement.className") == "skip",
        "the first Tab doesn't reach the link to the content")
    browser.press("Enter", text="\r")
    page.expect(
        browser.evaluate("document.activeElement.id") == "main",
        "the link to the content doesn't lead there")
    browser.press("Tab")
    outline = browser.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    page.expect(outline not in ("none", ""), "the focus can't be seen")
    if not page.cases("shapes"):
        return
    read = """(() => { const piece = document.querySelector("[data-shapes]");
      return [Number(piece.querySelector("[name=size]").value),
        piece.querySelector(".answer").textContent]; })()"""
    size, answer = browser.evaluate(read)
    browser.evaluate("document.querySelector('[data-shapes] [name=size]').focus()")
    browser.press("ArrowRight")
    new_size, new_answer = browser.evaluate(read)
    page.expect(new_size == size + 1 and new_answer != answer, "an arrow key moves no slider")
    browser.evaluate("document.querySelector('.layer summary').focus()")
    browser.press("Enter", text="\r")
    page.expect(
        browser.evaluate("document.querySelector('.layer details').open"),
        "Enter doesn't open the code")


def check_widths_and_schemes(page, axe, is_thorough):
    browser = page.browser
    for scheme in ("light", "dark"):
        browser.media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
        for width in (360, 1440):
            browser.resize(width)
            page.open()
            browser.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
            where = f"{scheme}, {width} pixels: "
            for problem in too_wide(page) + page.browser.evaluate(RULES):
                page.expect(False, where + problem)
            scrolling = browser.evaluate("getComputedStyle(document.documentElement).scrollBehavior")
            page.expect(scrolling == "auto", where + "it scrolls smoothly where motion isn't wanted")
            if axe:
                for problem in found_by_axe(page, axe, is_thorough):
                    page.expect(False, where + problem)
    browser.media()


def too_wide(page):
    return page.evaluate("""() => {
      const excess = document.documentElement.scrollWidth - document.documentElement.clientWidth;
      if (excess <= 0) return [];
      const wide = Array.from(document.querySelectorAll("main *"))
        .filter(e => e.getBoundingClientRect().right > innerWidth + 1
          && !e.closest(".scroll, .lines, .contents ol"));
      return [`${excess} pixels too wide: ` + wide.slice(0, 3).map(e => e.outerHTML.slice(0, 120))];
    }""")


def found_by_axe(page, axe, is_thorough):
    """What axe-core finds, whatever its weight.

    Unless the check is to be thorough, all listings but one are left out, which are many lines of
    the same kind, and so are contrasts, which accessibility.js measures: axe takes a minute for them.
    """
    page.browser.evaluate(axe + "; 0")
    return page.evaluate("""async isThorough => {
      if (!isThorough) {
        for (const listing of Array.from(document.querySelectorAll(".lines pre")).slice(1)) {
          listing.replaceChildren("…");
        }
      }
      const rules = { "color-contrast": { enabled: isThorough } };
      const result = await axe.run(document, { resultTypes: ["violations"], rules });
      return result.violations.map(found => `axe: ${found.impact}: ${found.id}: ${found.help}: `
        + found.nodes.slice(0, 3).map(node => node.html.slice(0, 120)));
    }""", is_thorough)
