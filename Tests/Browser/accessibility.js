// The rules of accessibility that a page has to keep, as a list of what breaks them. Beside axe-core,
// which the tests add where it is installed, and in its place where it isn't.
(() => {
  const problems = [];
  const name = (element) =>
    `<${element.tagName.toLowerCase()}${element.id ? " #" + element.id : ""}> `
    + (element.outerHTML || "").replace(/base64,[^"]*/, "…").slice(0, 90);
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const isShown = (element) => element.getClientRects().length > 0;

  if (!document.documentElement.lang) problems.push("the document names no language");
  if (!document.title.trim()) problems.push("the document has no title");
  if (all("h1").length !== 1) problems.push(`${all("h1").length} headings of level 1`);
  let level = 0;
  for (const heading of all("h1, h2, h3, h4, h5, h6")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) problems.push(`a heading jumps from level ${level} to ${next}: ${name(heading)}`);
    if (!heading.textContent.trim()) problems.push(`an empty heading: ${name(heading)}`);
    level = next;
  }
  for (const image of all("img")) {
    if (!image.hasAttribute("alt")) problems.push(`a picture without a text: ${name(image)}`);
  }
  for (const image of all('svg[role="img"]')) {
    const title = image.querySelector(":scope > title")?.textContent ?? "";
    if (!image.getAttribute("aria-label") && !title.trim()) problems.push(`a drawing without a text: ${name(image)}`);
  }
  for (const head of all("th")) {
    if (!head.hasAttribute("scope")) problems.push(`a table header without scope: ${name(head)}`);
  }
  for (const table of all("table")) {
    if (!table.caption) problems.push(`a table without a caption: ${name(table)}`);
  }
  for (const control of all("input, select, textarea")) {
    const label = control.getAttribute("aria-label") || Array.from(control.labels ?? [])
      .map((l) => l.textContent).join("");
    if (!label.trim()) problems.push(`a control without a label: ${name(control)}`);
  }
  for (const control of all("button, a[href], summary")) {
    const text = control.getAttribute("aria-label") || control.textContent;
    if (!text.trim()) problems.push(`a link or button without a text: ${name(control)}`);
  }
  const ids = new Set();
  for (const element of all("[id]")) {
    if (ids.has(element.id)) problems.push(`an id that occurs twice: ${element.id}`);
    ids.add(element.id);
  }
  for (const link of all('a[href^="#"]')) {
    const target = decodeURIComponent(link.getAttribute("href").slice(1));
    if (!ids.has(target)) problems.push(`a link to nowhere: ${name(link)}`);
  }
  for (const element of all("[aria-labelledby]")) {
    for (const id of element.getAttribute("aria-labelledby").split(" ")) {
      if (!ids.has(id)) problems.push(`a label that isn't there: ${id}`);
    }
  }
  if (all("[tabindex]").some((element) => element.tabIndex > 0)) problems.push("a tabindex above 0");
  for (const element of all("*")) {
    const style = getComputedStyle(element);
    const scrolls = /auto|scroll/.test(style.overflowX) && element.scrollWidth > element.clientWidth + 1;
    const reached = element.tabIndex >= 0 || element.querySelector("a[href], button, input, [tabindex]");
    if (isShown(element) && scrolls && !reached) {
      problems.push(`what scrolls can't be reached by keyboard: ${name(element)}`);
    }
  }

  // Contrast of text on the ground that shows through: WCAG 2.2, 1.4.3.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  canvas.canvas.width = canvas.canvas.height = 1;
  const channels = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, ground) =>
    [0, 1, 2].map((i) => top[i] * top[3] + ground[i] * (1 - top[3])).concat(1);
  const groundOf = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const colour = channels(getComputedStyle(e).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((ground, layer) => over(layer, ground), [255, 255, 255, 1]);
  };
  const luminance = (colour) => colour.slice(0, 3)
    .map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  // In a drawing the ground is the last shape that was painted there before the text.
  const groundInDrawing = (text) => {
    const box = text.getBoundingClientRect();
    const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
    const drawing = text.closest("svg");
    let ground = groundOf(drawing.parentElement);
    for (const shape of drawing.querySelectorAll("rect, polygon, circle")) {
      if (shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_PRECEDING) break;
      const fill = getComputedStyle(shape).fill;
      const place = shape.getBoundingClientRect();
      const isBelow = place.left <= x && x <= place.right && place.top <= y && y <= place.bottom;
      if (fill !== "none" && isBelow) ground = over(channels(fill), ground);
    }
    return ground;
  };
  const seen = new Set();
  for (const element of all("body *:not(script):not(style):not(title)")) {
    const hasText = Array.from(element.childNodes)
      .some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    if (!hasText || !isShown(element)) continue;
    const style = getComputedStyle(element);
    const isDrawn = element.namespaceURI.endsWith("svg");
    const [colour, ground] = isDrawn
      ? [style.fill, groundInDrawing(element)] : [style.color, groundOf(element)];
    const key = colour + ground + style.fontSize;
    if (seen.has(key)) continue;
    seen.add(key);
    const [a, b] = [luminance(over(channels(colour), ground)), luminance(ground)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (isLarge ? 3 : 4.5)) {
      problems.push(`contrast of ${contrast.toFixed(2)}: ${name(element)}`);
    }
  }
  return problems;
})()
