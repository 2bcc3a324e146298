"use strict";

// What the panels of the page that computes are built of, and how they draw numbers. Names from files
// become text only.

/** An element of HTML. Attributes and names are this script's own; strings among the children are text. */
function node(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}
const heading = (text) => node("h3", {}, text);
const note = (text) => node("p", { class: "note" }, text);
function button(text, action) {
  const element = node("button", { type: "button" }, text);
  element.addEventListener("click", action);
  return element;
}
/** The name of a file, with what hides in a text or turns its direction shown as �. */
const visible = (name) => name.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
/** Radio buttons, one of them chosen: values and labels. */
let radioGroups = 0;
function radios(legend, choices, value, onChange, style = "") {
  const group = `live-${radioGroups++}`;
  const set = node("fieldset", { class: style }, node("legend", {}, legend));
  for (const [choice, label, kind] of choices) {
    const input = node("input", { type: "radio", name: group, value: choice });
    input.checked = choice === value;
    input.addEventListener("change", () => onChange(choice));
    set.append(node("label", { class: kind }, input, node("span", {}, label)));
  }
  set.choose = (value) => {
    for (const input of set.querySelectorAll("input")) input.checked = input.value === String(value);
  };
  return set;
}
function checkbox(text, onChange) {
  const input = node("input", { type: "checkbox" });
  input.addEventListener("change", () => onChange(input.checked));
  const label = node("label", {}, input, " ", node("span", {}, text));
  return { label, input, text: label.lastChild };
}
/** A canvas whose pixels are shown as squares. */
function canvas(text, width = 1, height = 1) {
  const element = node("canvas", { role: "img", "aria-label": text });
  [element.width, element.height] = [width, height];
  return element;
}

// MARK: - Colours

/** Of the planes of blue, green and red, among red, green and blue. */
const inputOrder = [2, 1, 0];


const viridis = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
function sequential(share) {
  const place = Math.min(Math.max(share, 0), 1) * 4;
  const [below, above] = [viridis[Math.floor(place)], viridis[Math.min(Math.floor(place) + 1, 4)]];
  return below.map((value, i) => value + (above[i] - value) * (place % 1));
}
function diverging(share) {
  const end = share < 0 ? [33, 102, 172] : [178, 24, 43];
  const depth = Math.min(Math.abs(share), 1);
  return end.map((value) => 250 + (value - 250) * depth);
}
/** The colours of numbers: of two signs around white, or from 0 up. */
function colours(values) {
  let [least, most] = [Infinity, 1e-12];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, Math.abs(value));
  }
  return { most, of: least < 0 ? (value) => diverging(value / most) : (value) => sequential(value / most) };
}
/** Sets each pixel of a canvas to `colour(row, column)`: red, green, blue, and opacity if not full. */
function paint(target, width, height, colour) {
  if (target.width !== width || target.height !== height) [target.width, target.height] = [width, height];
  const context = target.getContext("2d");
  const image = context.createImageData(width, height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [red, green, blue, opacity = 255] = colour(row, column) ?? [0, 0, 0, 0];
      image.data.set([red, green, blue, opacity], 4 * (row * width + column));
    }
  }
  context.putImageData(image, 0, 0);
}
/** Channels side by side with a pixel between them. */
function mosaic(target, [channels, rows, columns], colour, across) {
  const lines = Math.ceil(channels / across);
  paint(target, across * (columns + 1) - 1, lines * (rows + 1) - 1, (y, x) => {
    const channel = Math.floor(y / (rows + 1)) * across + Math.floor(x / (columns + 1));
    const [row, column] = [y % (rows + 1), x % (columns + 1)];
    return channel < channels && row < rows && column < columns ? colour(channel, row, column) : null;
  });
}
/** A canvas below a drawing that marks rectangles on it, in its pixels. */
function marked(target) {
  const drawing = svg("svg", { "aria-hidden": "true", preserveAspectRatio: "none" });
  const element = node("div", { class: "stack live-stack" }, target, drawing);
  return {
    element,
    mark(rectangles) {
      drawing.setAttribute("viewBox", `0 0 ${target.width} ${target.height}`);
      drawing.replaceChildren(...rectangles.flatMap(([y, x, height, width]) => ["below", ""].map(
        (style) => svg("rect", { class: style, x, y, width, height }))));
    },
  };
}
/** Where on a canvas a pointer is: row and column. */
function placeOf(event, target) {
  const box = target.getBoundingClientRect();
  const at = (position, start, extent, count) =>
    Math.min(Math.max(Math.floor((position - start) / extent * count), 0), count - 1);
  return [at(event.clientY, box.top, box.height, target.height),
    at(event.clientX, box.left, box.width, target.width)];
}
