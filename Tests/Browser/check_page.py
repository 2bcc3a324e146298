"""Opens a page in a headless browser and says what is wrong with it, a line each.

    check_page.py [--thorough] BROWSER PAGE EXPECTATIONS [AXE]

EXPECTATIONS is JSON written by the Swift tests: the ids that have to be there and what the page's
controls have to show. AXE is axe-core's file, if there is one; it looks at everything when the check
is thorough. Exits with 1 when something is wrong.
"""

import json
import pathlib
import sys

import access
import document
import pieces
from devtools import Browser
from page import Page


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--thorough"]
    is_thorough = "--thorough" in sys.argv
    executable, path, expectations = arguments[:3]
    axe = pathlib.Path(arguments[3]).read_text() if len(arguments) > 3 else None
    browser = Browser(executable)
    try:
        page = Page(browser, path, json.loads(pathlib.Path(expectations).read_text()))
        page.open()
        document.check_contents(page)
        pieces.check_shapes(page)
        pieces.check_curves(page)
        pieces.check_order(page)
        pieces.check_groups(page)
        pieces.check_sliding(page)
        pieces.check_stepping(page)
        pieces.check_formulas(page)
        pieces.check_versions(page)
        access.check_keyboard(page)
        access.check_widths_and_schemes(page, axe, is_thorough)
        document.check_paper(page)
        document.check_without_script(page)
        document.check_silence(page)
    finally:
        browser.close()
    print("\n".join(page.problems) or "nothing is wrong")
    sys.exit(1 if page.problems else 0)


if __name__ == "__main__":
    main()
