"""The pieces of a page that move: they show what the Swift code computes, and obey the keyboard."""

import math

# Four digits are shown.
ROUNDING = 5.1e-4


def shows(text, value):
    """Whether the number at the end of a text is a value, rounded to four digits."""
    try:
        shown = float(text.rsplit(" ", 1)[-1].replace("−", "-"))
    except ValueError:
        return False
    return math.isclose(shown, value, rel_tol=ROUNDING, abs_tol=1e-12)


def check_shapes(page):
    """The sliders show the sizes that Swift computed."""
    cases = page.cases("shapes")
    if not cases:
        return
    answers = page.evaluate("""cases => {
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
    }""", cases)
    for case, answer in zip(cases, answers):
        right = (
            answer.startswith(f"{case['output']} = ") if case.get("output") is not None
            else "must" in answer)
        page.expect(right, f"{case}: the page says {answer!r}")


def check_curves(page):
    """LRN's curve goes through the values that Swift computed."""
    cases = page.cases("curves")
    if not cases:
        return
    answers = page.evaluate("""cases => {
      const piece = document.querySelector("[data-curves]");
      const controls = piece.querySelector(".controls");
      return cases.map(one => {
        for (const [name, value] of Object.entries(one.sliders)) {
          controls.querySelector(`[name=${name}]`).value = value;
        }
        controls.dispatchEvent(new Event("input"));
        return [piece.querySelector(".answer").textContent, piece.querySelectorAll(".curve").length];
      });
    }""", cases)
    for case, (answer, curves) in zip(cases, answers):
        page.expect(shows(answer, case["output"]), f"{case}: the page says {answer!r}")
        page.expect(curves == 1, f"{case}: {curves} curves")


def check_order(page):
    """LRN before or after pooling: how many values it touches."""
    for order, count in page.expected.get("order", {}).items():
        answer = page.evaluate("""order => {
          const piece = document.querySelector("[data-order]");
          piece.querySelector(`[value=${order}]`).click();
          return piece.querySelector(".answer").textContent;
        }""", order)
        page.expect(answer.startswith(count + " "), f"order {order}: {answer!r}, not {count}")


def check_groups(page):
    for case in page.cases("groups"):
        texts = page.evaluate("""name => {
          const piece = document.querySelector(`[data-groups="${name}"]`);
          const read = () => piece.querySelector("output").textContent;
          const together = read();
          piece.querySelector("input").click();
          const apart = read();
          piece.querySelector("input").click();
          return [together, apart, read()];
        }""", case["layer"])
        page.expect(texts[0] == texts[2], f"{case['layer']}: {texts[2]!r} after two clicks")
        page.expect(texts[0].startswith(case["grouped"] + " parameters"), f"{case}: {texts[0]!r}")
        page.expect(texts[1].startswith(case["whole"] + " parameters"), f"{case}: {texts[1]!r}")


# Of a window that slides: where its sliders stand, what it says, and where its marks lie.
STATE = """piece => ({
  sliders: Array.from(piece.querySelectorAll(".slider-panel input"), input => Number(input.value)),
  answer: piece.querySelector(".slider-panel .answer").textContent,
  place: !piece.querySelector("[data-place]").hidden,
  caption: piece.querySelector(".numbers caption")?.textContent,
  cells: Array.from(piece.querySelectorAll(".numbers table:first-of-type th"), th => th.textContent),
  marks: Array.from(piece.querySelectorAll(".stack"), stack => {
    const mark = stack.querySelector("rect");
    return [Number(mark.getAttribute("y")), Number(mark.getAttribute("x"))];
  }),
})"""


def check_sliding(page):
    """Each window starts on the value computed by hand; elsewhere it has what Swift computes there."""
    for case in page.cases("sliding"):
        name = case["layer"]
        states = page.evaluate("""(name, places) => {
          const piece = document.querySelector(`[data-sliding="${name}"]`);
          const state = %s;
          const start = state(piece);
          const move = sliders => {
            piece.querySelectorAll(".slider-panel input").forEach((input, index) => {
              input.value = sliders[index];
              input.dispatchEvent(new Event("input", { bubbles: true }));
            });
            return state(piece);
          };
          return [start, ...places.map(move), move(start.sliders)];
        }""" % STATE, name, [move["sliders"] for move in case["moves"]])
        start, *moved, back = states
        page.expect(start == back, f"{name}: sliding back gives {back}, not {start}")
        page.expect(start["place"], f"{name}: the value by hand is hidden at the start")
        if "result" in case:
            page.expect(
                shows(start["answer"], case["result"]),
                f"{name}: {start['answer']!r}, but by hand {case['result']}")
        for move, state in zip(case["moves"], moved):
            where = f"{name} at {move['sliders']}"
            page.expect(
                shows(state["answer"], move["result"]),
                f"{where}: {state['answer']!r}, but Swift has {move['result']}")
            # What was computed for the first place isn't shown at another one.
            page.expect(
                not state["place"], f"{where}: heading, steps and result of the first place are shown")
            if "window" not in move:
                channel, cells = str(move["sliders"][0]), state["cells"]
                page.expect(
                    channel in cells and f"channels {cells[0]} to {cells[-1]} " in state["caption"],
                    f"{where}: the caption says {state['caption']!r} of channels {cells}")
            if "window" in move:
                marks = [move["window"], move["sliders"]]
                page.expect(state["marks"] == marks, f"{where}: marks at {state['marks']}, not {marks}")


def check_stepping(page):
    """The window goes on by itself, is stopped, and takes single steps, all by keyboard."""
    names = [case["layer"] for case in page.cases("sliding")]
    name = page.evaluate("""names => names.find(name =>
      document.querySelector(`[data-sliding="${name}"] .buttons`))""", names)
    if name is None:
        page.expect(not names, "no window takes steps")
        return
    browser = page.browser
    find = f"document.querySelector('[data-sliding=\"{name}\"]')"

    def state():
        return browser.evaluate(f"({STATE})({find})")

    def press(index, key, text):
        browser.evaluate(f"{find}.querySelectorAll('.buttons button')[{index}].focus()")
        browser.press(key, text=text)
        return browser.evaluate("document.activeElement.textContent")

    columns = browser.evaluate(
        f"Number({find}.querySelectorAll('.slider-panel input')[1].max) + 1")

    def after(sliders):
        row, column = sliders
        return [row, column + 1] if column + 1 < columns else [row + 1, 0]

    for key, text in [("Enter", "\r"), (" ", " ")]:
        before = state()
        press(0, key, text)
        there = state()
        page.expect(
            there["sliders"] == after(before["sliders"]) and there["answer"] != before["answer"]
            and there["marks"] != before["marks"],
            f"{name}: {key!r} on Step leads from {before} to {there}")
    for motion, pause in [("no-preference", 0), ("reduce", 800)]:
        browser.media(prefers_reduced_motion=motion)
        before = state()
        label = press(1, "Enter", "\r")
        page.expect(label == "Stop", f"{name}: a window that slides offers {label!r}")
        waited = page.evaluate("""name => {
          const input = document.querySelectorAll(`[data-sliding="${name}"] .slider-panel input`)[1];
          const [start, time] = [input.value, performance.now()];
          return new Promise(resolve => {
            const look = () => input.value === start
              ? setTimeout(look, 5) : resolve(performance.now() - time);
            look();
          });
        }""", name)
        page.expect(waited >= pause, f"{name}: a step after {waited:.0f} ms in spite of {motion}")
        label = press(1, "Enter", "\r")
        page.expect(label == "Slide", f"{name}: a window that was stopped offers {label!r}")
        rest = state()
        page.expect(rest["sliders"] != before["sliders"], f"{name}: it doesn't slide")
        page.evaluate("() => new Promise(resolve => setTimeout(resolve, 1000))")
        page.expect(state() == rest, f"{name}: it slides on when stopped")
    browser.media()


def check_formulas(page):
    """Each piece of a formula leads to the lines that compute it, in the versions that are shown."""
    if not page.expected.get("listings", 0):
        return
    links, problems = page.evaluate("""() => {
      const links = Array.from(document.querySelectorAll("a[data-lines]"));
      const problems = [];
      for (const link of links) {
        const where = `${link.closest(".layer").id}, ${link.textContent}: `;
        link.click();
        const lines = link.dataset.lines.split(" ").map(id => document.getElementById(id));
        if (lines.includes(null)) {
          problems.push(where + "a line isn't there");
          continue;
        }
        if (!lines[0].closest("details").open) problems.push(where + "the code stays closed");
        for (const line of lines) {
          if (!line.classList.contains("chosen")) problems.push(`${where}${line.id} isn't marked`);
          if (!line.classList.contains("used")) problems.push(`${where}${line.id} isn't marked at rest`);
          if (line.scrollWidth > line.clientWidth + 1) problems.push(`${where}${line.id} is cut off`);
        }
        if (!lines.some(line => line.getClientRects().length)) problems.push(where + "no line is shown");
        link.dispatchEvent(new Event("blur"));
        if (document.querySelector(".line.chosen")) problems.push(where + "lines stay marked");
      }
      return [links.length, problems];
    }""")
    page.expect(links > 0, "no formula leads to code")
    for problem in problems:
        page.expect(False, problem)


def check_versions(page):
    """Any two versions of the code stand side by side, the left one first."""
    if not page.expected.get("listings", 0):
        return
    problems = page.evaluate("""() => {
      const problems = [];
      for (const details of document.querySelectorAll(".layer details")) {
        details.open = true;
        const selects = Array.from(details.querySelectorAll("select"));
        const names = Array.from(details.querySelectorAll("[data-version]"), v => v.dataset.version);
        if (names.length < 2) continue;
        for (const left of names) for (const right of names) {
          [selects[0].value, selects[1].value] = [left, right];
          for (const select of selects) select.dispatchEvent(new Event("change"));
          const shown = Array.from(details.querySelectorAll("[data-version]"))
            .filter(v => !v.hidden)
            .sort((a, b) => getComputedStyle(a).order - getComputedStyle(b).order)
            .map(v => v.dataset.version);
          const wanted = left === right ? [left] : [left, right];
          if (shown.join() !== wanted.join()) problems.push(`${left} and ${right}: ${shown} are shown`);
        }
      }
      return problems;
    }""")
    for problem in problems:
        page.expect(False, problem)
