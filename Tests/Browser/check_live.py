"""Opens the page that computes in a headless browser and says what is wrong with it, a line each.

    check_live.py BROWSER PAGE EXPECTATIONS [AXE]

EXPECTATIONS is JSON written by the Swift tests: every blob and gradient that Reference computed of some
of the page's pictures. The page has to compute the same, whatever is chosen, and to refuse what is no
picture. AXE is axe-core's file, if there is one. Exits with 1 when something is wrong.
"""

import json
import pathlib
import struct
import sys
import tempfile
import time
import zlib

import access
import document
from devtools import Browser
from page import Page

# Single precision here and there, other orders of summing: 1e-4 of an array's greatest magnitude.
TOLERANCE = 1e-4

# What the script computes for a pass: for each array the greatest difference by the greatest magnitude.
COMPARE = """(pass, tolerance) => {
  const network = document.getElementById("live-app").network;
  network.label = pass.label;
  network.forward();
  network.backward();
  const problems = [];
  function compare(name, actual, text) {
    const expected = live.floatsOf(text);
    if (actual.length !== expected.length) {
      problems.push(`${name}: ${actual.length} numbers, not ${expected.length}`);
      return;
    }
    let [difference, most] = [0, 0];
    expected.forEach((value, i) => {
      difference = Math.max(difference, Math.abs(actual[i] - value));
      most = Math.max(most, Math.abs(value));
    });
    if (!(difference <= tolerance * most) || most === 0) {
      problems.push(`${name} differs by ${difference}, of ${most}`);
    }
  }
  let parameter = 0;
  network.layers.forEach((layer, index) => {
    compare(`${layer.name}'s output`, layer.values, pass.outputs[index]);
    compare(`the gradient by ${layer.name}'s input`,
      index ? network.layers[index - 1].gradient : network.inputGradient, pass.inputGradients[index]);
    for (const name of ["weightGradient", "biasGradient"]) {
      if (layer.parameters.length) {
        compare(`${layer.name}'s ${name}`, layer[name], pass.parameterGradients[parameter++]);
      }
    }
  });
  if (parameter !== pass.parameterGradients.length) problems.push("parameters are left out");
  return problems;
}"""


def main():
    executable, path, expectations = sys.argv[1:4]
    axe = pathlib.Path(sys.argv[4]).read_text() if len(sys.argv) > 4 else None
    browser = Browser(executable)
    try:
        page = Page(browser, path, json.loads(pathlib.Path(expectations).read_text()))
        page.open()
        check_numbers(page)
        check_sums(page)
        check_switches(page)
        check_nudge(page)
        check_pictures(page)
        check_keyboard(page)
        check_history(page)
        access.check_widths_and_schemes(page, axe, False)
        document.check_paper(page)
        document.check_without_script(page)
        document.check_silence(page)
    finally:
        browser.close()
    print("\n".join(page.problems) or "nothing is wrong")
    sys.exit(1 if page.problems else 0)


def settle(page):
    """Waits until the page has drawn what it was told."""
    page.evaluate("""() => new Promise(resolve =>
      requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve))))""")


def click(page, selector, number=0):
    page.evaluate("(s, n) => document.querySelectorAll(s)[n].click()", selector, number)
    settle(page)


def slide(page, selector, value):
    page.evaluate("""(selector, value) => {
      const input = document.querySelector(selector);
      input.value = value;
      input.dispatchEvent(new Event("input"));
    }""", selector, value)
    settle(page)


def shares(page):
    return page.evaluate("() => Array.from(document.getElementById('live-app').network.probabilities)")


def choose_layer(page, name):
    page.evaluate("""name => Array.from(document.querySelectorAll(".live-strip label"))
      .find(label => label.textContent === name).click()""", name)
    settle(page)


def check_numbers(page):
    """Every blob and gradient is that of Reference."""
    page.expect(len(page.expected["passes"]) > 0, "there is nothing to compare with")
    for one in page.expected["passes"]:
        click(page, ".live-samples button", one["sample"])
        for problem in page.evaluate(COMPARE, one, TOLERANCE):
            page.expect(False, f"picture {one['sample']}: {problem}")
        loss = page.evaluate("() => document.getElementById('live-app').network.loss")
        page.expect(
            abs(loss - one["loss"]) <= TOLERANCE * max(abs(one["loss"]), 1),
            f"picture {one['sample']}: a loss of {loss}, not {one['loss']}")
    click(page, ".live-samples button")
    texts = page.evaluate("""() => Array.from(document.querySelectorAll(".live-classes label"), label =>
      [label.querySelector(".live-class").textContent, parseFloat(label.querySelector(".live-share").textContent)])""")
    page.expect(
        len(texts) == 10 and 99 <= sum(share for _, share in texts) <= 101 and texts[5][0] == "rings",
        f"the classes are {texts}")


def check_sums(page):
    """The sum that is written out is the network's value, at every corner of every layer with weights."""
    for name in ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"):
        choose_layer(page, name)
        for channel, row, column in ((0, 0, 0), (9, 1, 99), (99, 99, 99)):
            for number, value in enumerate((channel, row, column)):
                slide(page, f".live-sliders .slider:nth-child({number + 1}) input", value)
            found = page.evaluate("""() => {
              const { sum, value } = document.querySelector(".live-equation").dataset;
              const tiles = Array.from(document.querySelectorAll(".live-parts button"), tile =>
                tile.getAttribute("aria-label"));
              return [Number(sum), Number(value), tiles.length];
            }""")
            page.expect(
                abs(found[0] - found[1]) <= 1e-4 * max(abs(found[1]), 1) and found[2] > 0,
                f"{name}, channel {channel}: the parts add up to {found[0]}, not {found[1]}")
    choose_layer(page, "conv1")
    size = page.evaluate("""() => Array.from(document.querySelectorAll(".live-picture rect"))
      .slice(0, 1).map(r => [r.getAttribute("width"), r.getAttribute("height")])""")
    page.expect(size == [["11", "11"]], f"conv1's value sees {size}")
    for name in ("pool1", "norm1", "relu2", "drop6", "loss"):
        choose_layer(page, name)
        text = page.evaluate("() => document.querySelector('.live-equation').textContent")
        page.expect("=" in text and "NaN" not in text and "undefined" not in text, f"{name}: {text}")


def check_switches(page):
    before = shares(page)
    for name, label in (
        ("conv2", "channel"), ("conv4", "group"), ("norm1", "without"), ("drop6", "drop at random")):
        choose_layer(page, name)
        page.evaluate("""label => Array.from(document.querySelectorAll(".live-switches label"))
          .find(l => l.textContent.trim().startsWith(label)).querySelector("input").click()""", label)
        settle(page)
        note = page.evaluate("() => document.querySelector('.live-switches .note').textContent")
        page.expect(note.startswith("Off: ") and name in note, f"{name}: {note!r}")
        page.expect(shares(page) != before, f"{name}: nothing changes when it is off")
        click(page, ".live-switches button")
        page.expect(shares(page) == before, f"{name}: something stays off")


def check_nudge(page):
    """The slope that is promised is that of the curve: a difference quotient over a short way."""
    # A class that it isn't: a loss near 0 is flat.
    click(page, ".live-classes input", 1)
    slider = ".live-stacked input[type=range]"
    read = """() => {
      const network = document.getElementById("live-app").network;
      return [Number(document.querySelector(".live-panel .answer[data-slope]").dataset.slope), network.loss];
    }"""
    for layer, kind in (("conv1", 0), ("conv3", 0), ("fc8", 1), ("conv1", 2)):
        choose_layer(page, layer)
        if kind == 0:
            click(page, ".live-stacked > button")
        click(page, ".live-stacked fieldset:nth-child(1) input", kind)
        click(page, ".live-stacked fieldset:nth-child(2) input", 2)
        slope, _ = page.evaluate(read)
        losses = []
        for value in (-4, 4):
            slide(page, slider, value)
            losses.append(page.evaluate(read)[1])
        reach = page.evaluate("""() => {
          const texts = document.querySelectorAll(".live-stacked")[0].parentElement.querySelectorAll(".drawing text");
          return Number(texts[2].textContent.replace("−", "-"));
        }""")
        quotient = (losses[1] - losses[0]) / (2 * 0.04 * reach)
        slide(page, slider, 0)
        # The loss in single precision, a kink or two, and the axis' two digits: 10 %.
        page.expect(
            abs(quotient - slope) <= 0.1 * abs(slope) + 1e-4,
            f"{layer}, number {kind}: a slope of {slope}, but a quotient of {quotient}")
    # It is drawn while the page has nothing else to do.
    for _ in range(300):
        time.sleep(0.1)
        points = page.evaluate("""() =>
          document.querySelector(".live-columns .live-curve").getAttribute("points").split(" ").length""")
        if points == 49:
            break
    page.expect(points == 49, f"the curve has {points} points")
    click(page, ".live-classes input", 5)


def png(width, height, content=None):
    """A grey picture as PNG; or one whose pixels are missing."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    rows = zlib.compress(b"".join(b"\0" + bytes([y % 251]) * width for y in range(height)), 1)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", rows if content is None else content) + chunk(b"IEND", b""))


def check_pictures(page):
    """What comes from outside is shown, or named and refused, and the page goes on."""
    browser = page.browser
    files = {
        "no picture.png": (b"no picture", "is no picture"),
        "empty.jpg": (b"", "is no picture"),
        "<img src=x onerror=alert(1)>.png": (b"<svg onload=alert(1)>", "is no picture"),
        "turned \u202egpj": (b"no picture", "is no picture"),
        "one.png": (png(1, 1), "too few"),
        "large.png": (png(5000, 4000), ""),
        "wide.png": (png(4000, 2), "too few"),
        "cmyk.jpg": ((pathlib.Path(__file__).parent / "cmyk.jpg").read_bytes(), ""),
        "grey.png": (png(40, 30), ""),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, (content, message) in files.items():
            file = pathlib.Path(folder) / name
            file.write_bytes(content)
            # What would turn the text that follows is shown.
            name = name.replace("\u202e", "\ufffd")
            before = shares(page)
            refused = message.startswith("is no")
            root = browser.send("DOM.getDocument", depth=0)["root"]["nodeId"]
            node = browser.send("DOM.querySelector", nodeId=root, selector=".live-file")["nodeId"]
            browser.send("DOM.setFileInputFiles", nodeId=node, files=[str(file)])
            for _ in range(100):
                time.sleep(0.1)
                shown = page.evaluate("""() => [document.querySelector(".live-message").textContent,
                  document.querySelector(".live-head figcaption").textContent]""")
                if message in shown[0] and name in (shown[0] if refused else shown[1]):
                    break
            page.expect(message in shown[0] and (shown[0] != "") == (message != ""), f"{name}: says {shown[0]!r}")
            page.expect((name in shown[0]) if refused else (name in shown[1]), f"{name}: says {shown}")
            settle(page)
            page.expect(refused == (shares(page) == before), f"{name}: takes it for the same as before")
    # Dropped and pasted.
    for kind in ("drop", "paste"):
        click(page, ".live-samples button")
        before = shares(page)
        page.evaluate("""async kind => {
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [64, 64];
          canvas.getContext("2d").fillRect(20, 0, 9, 64);
          const blob = await new Promise(resolve => canvas.toBlob(resolve));
          const transfer = new DataTransfer();
          transfer.items.add(new File([blob], "from outside.png", { type: "image/png" }));
          const target = document.querySelector(".live-picture");
          target.dispatchEvent(kind === "drop"
            ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
            : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
          await new Promise(resolve => setTimeout(resolve, 500));
        }""", kind)
        settle(page)
        page.expect(shares(page) != before, f"{kind}: the picture isn't taken")
    click(page, ".live-samples button")


def check_keyboard(page):
    """The picture can be drawn on with the keyboard alone."""
    browser = page.browser
    before = shares(page)
    page.evaluate("() => document.querySelectorAll('.live-head fieldset input')[2].click()")
    page.evaluate("() => document.querySelector('.live-picture canvas').focus()")
    for _ in range(3):
        for _ in range(9):
            browser.press("ArrowRight")
        browser.press("Enter", text="\r")
    settle(page)
    page.expect(shares(page) != before, "Enter covers nothing")
    caption = page.evaluate("() => document.querySelector('.live-head figcaption').textContent")
    page.expect("changed by hand" in caption, f"the caption says {caption!r}")
    click(page, ".live-samples button")
    page.expect(shares(page) == before, "a sample doesn't bring the picture back")


def check_history(page):
    texts = []
    for value in (0, 7, 20):
        slide(page, ".live-panel .wide input", value)
        texts.append(page.evaluate(
            "() => Array.from(document.querySelectorAll('.live-panel .answer')).at(-1).textContent"))
    page.expect(texts[0].startswith("After 0 iterations"), f"the first snapshot says {texts[0]!r}")
    page.expect("new pictures were right" in texts[2] and len(set(texts)) == 3, f"the snapshots say {texts}")


if __name__ == "__main__":
    main()
