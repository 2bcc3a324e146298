"use strict";

/** The numbers that a picture's bytes stand for, in 256 levels. */
function planeOf(raster) {
  const bytes = Uint8Array.from(atob(raster.pixels), (character) => character.charCodeAt(0));
  const step = (raster.upper - raster.lower) / 255;
  return (y, x) =>
    y < 0 || x < 0 || y >= raster.height || x >= raster.width
      ? null : raster.lower + bytes[y * raster.width + x] * step;
}

/** Three digits for a small cell. */
const short = (value) => Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)));

/** Writes a window's numbers into the cells of its table, in the unit that its caption names. */
function fillGrid(table, rows) {
  const factor = Number(table.dataset.factor);
  const cells = table.querySelectorAll("td");
  const reach = Math.max(...rows.flat().map((value) => Math.abs(value ?? 0)), 1e-12);
  rows.flat().forEach((value, index) => {
    const cell = cells[index];
    if (!cell) return;
    cell.textContent = value === null ? "·" : short(value * factor);
    cell.className = value === null ? "padding" : value < 0 ? "negative" : "positive";
    cell.style.setProperty("--share", Math.abs(value ?? 0) / reach);
  });
}

/** What a window of one channel adds to the output, with the greatest terms spelled out. */
function convolutionText(rows, weights) {
  const terms = [];
  let sum = 0;
  rows.forEach((row, i) => row.forEach((value, j) => {
    if (value === null) return;
    sum += value * weights[i][j];
    terms.push([value, weights[i][j]]);
  }));
  terms.sort((a, b) => Math.abs(b[0] * b[1]) - Math.abs(a[0] * a[1]));
  const factor = (number) => (number < 0 ? `(${digits(number)})` : digits(number));
  const shown = terms.slice(0, 3).map(([value, weight]) => `${factor(weight)}·${factor(value)}`);
  const left = terms.slice(3).reduce((total, [value, weight]) => total + value * weight, 0);
  const rest = terms.length > 3 ? ` + ${factor(left)} from the other ${terms.length - 3}` : "";
  return `${shown.join(" + ")}${rest} = ${digits(sum)}`;
}

/**
 * The maximum or the mean of a window, and which cell the maximum stands in. The mean is over `area`
 * cells: padding counts, what lies beyond it doesn't.
 */
function poolingText(rows, method, area) {
  const known = rows.flat().map((value, index) => [value, index]).filter(([value]) => value !== null);
  if (method === "average") {
    const sum = known.reduce((total, [value]) => total + value, 0);
    return { text: `(${digits(sum)}) / ${area} = ${digits(sum / area)}` };
  }
  const best = known.reduce((a, b) => (b[0] > a[0] ? b : a), [-Infinity, -1]);
  return { text: `max of ${known.length} values = ${digits(best[0])}`, chosen: best[1] };
}

for (const piece of document.querySelectorAll("[data-sliding]")) {
  const layer = data.layers.find((layer) => layer.anchor === piece.dataset.sliding);
  if (layer.sliding === "channels") slideOverChannels(piece, layer);
  else slideOverPositions(piece, layer);
}

/**
 * Shows what belongs to the value computed by hand only while that one is shown: its heading, its steps
 * and its result, and, of a window over channels, its pictures.
 */
function showPlace(piece, isExample, ...others) {
  for (const element of [piece.querySelector("[data-place]"), ...others]) {
    if (element) element.hidden = !isExample;
  }
}

/** Moves the rectangle on a picture, where there is one. */
function moveMark(stack, top, left) {
  for (const rectangle of stack?.querySelectorAll("rect") ?? []) {
    rectangle.setAttribute("x", left);
    rectangle.setAttribute("y", top);
  }
}

/** A convolution's or a pool's window, moved over one channel of the input. */
function slideOverPositions(piece, layer) {
  const { window: example, settings } = layer;
  const panel = piece.querySelector(".slider-panel");
  const [window, result] = piece.querySelectorAll(".stack");
  const input = piece.querySelector(".numbers table");
  const value = planeOf(example.plane);
  const [stride, pad, dilation] = [settings.stride, settings.pad, settings.dilation ?? [1, 1]];
  const kernel = settings.kernel ?? [example.height, example.width];
  const answer = document.createElement("output");
  answer.className = "answer";
  answer.setAttribute("aria-live", "polite");

  const place = { row: layer.position[1], column: layer.position[2] };
  const update = () => {
    const [top, left] = [place.row * stride[0] - pad[0], place.column * stride[1] - pad[1]];
    moveMark(window, top, left);
    moveMark(result, place.row, place.column);
    // At the place of the hand computation the numbers are exact, elsewhere those of the picture.
    const isExample = place.row === layer.position[1] && place.column === layer.position[2];
    showPlace(piece, isExample);
    note.hidden = isExample;
    const rows = isExample ? example.inputs : Array.from({ length: kernel[0] }, (_, i) =>
      Array.from({ length: kernel[1] }, (_, j) => value(top + i * dilation[0], left + j * dilation[1])));
    fillGrid(input, rows);
    const where = `row ${place.row}, column ${place.column}: `;
    if (example.weights) {
      answer.textContent = `${where}channel ${example.channel} of ${example.firstChannel} to `
        + `${example.lastChannel} adds ${convolutionText(rows, example.weights)}`;
    } else {
      const area = Math.min(kernel[0], layer.input[1] + pad[0] - top)
        * Math.min(kernel[1], layer.input[2] + pad[1] - left);
      const { text, chosen } = poolingText(rows, settings.method, area);
      answer.textContent = where + text;
      if (chosen >= 0) input.querySelectorAll("td")[chosen]?.classList.add("chosen");
    }
  };
  const row = slider("output row", 0, layer.output[1] - 1, place.row, (to) => { place.row = to; update(); });
  const column = slider("output column", 0, layer.output[2] - 1, place.column, (to) => { place.column = to; update(); });
  const step = () => {
    const next = place.column + 1;
    column.input.value = place.column = next < layer.output[2] ? next : 0;
    if (next >= layer.output[2]) row.input.value = place.row = (place.row + 1) % layer.output[1];
    row.shown.textContent = place.row;
    column.shown.textContent = place.column;
    update();
  };
  const note = fillPanel(panel, [row.box, column.box, stepButtons(step, answer)], answer,
    `Here the page reads the input off its picture, which has 256 levels: the numbers are approximate.`
      + (example.weights ? " Of the other channels it has no picture, so the whole sum isn't shown." : ""));
  update();
}

/** LRN's window, moved over the channels at one position. */
function slideOverChannels(piece, layer) {
  const { window: example, settings } = layer;
  const column = example.column ?? example.inputs[0];
  const offset = example.column ? 0 : example.firstChannel;
  const panel = piece.querySelector(".slider-panel");
  const table = piece.querySelector(".numbers table");
  const caption = table.querySelector("caption");
  const figures = piece.querySelectorAll("figure");
  const answer = document.createElement("output");
  answer.className = "answer";
  answer.setAttribute("aria-live", "polite");
  const reach = Math.floor(settings.localSize / 2);
  const width = table.querySelectorAll("td").length;
  const update = (channel) => {
    const isExample = channel === layer.position[0];
    showPlace(piece, isExample, ...figures);
    const first = Math.min(Math.max(channel - reach, offset), offset + column.length - width);
    const shown = column.slice(first - offset, first - offset + width);
    table.querySelectorAll("th").forEach((head, index) => { head.textContent = first + index; });
    fillGrid(table, [shown]);
    caption.textContent = `in, channels ${first} to ${first + width - 1} at row ${layer.position[1]}, `
      + `column ${layer.position[2]}${table.dataset.unit}`;
    const around = column.slice(Math.max(channel - reach - offset, 0), channel + reach + 1 - offset);
    const energy = around.reduce((sum, value) => sum + value * value, 0);
    const own = column[channel - offset];
    const scale = settings.k + settings.alpha / settings.localSize * energy;
    table.querySelectorAll("td")[channel - first]?.classList.add("chosen");
    answer.textContent = `channel ${channel}: ${digits(own)} · (${digits(settings.k)} + `
      + `${digits(settings.alpha)}/${settings.localSize} · ${digits(energy)})^−${digits(settings.beta)}`
      + ` = ${digits(own * Math.pow(scale, -settings.beta))}`;
  };
  const control = slider("channel", offset, offset + column.length - 1, layer.position[0], update);
  fillPanel(panel, [control.box], answer);
  update(layer.position[0]);
}

function fillPanel(panel, controls, answer, text = "") {
  const bar = document.createElement("div");
  bar.className = "controls";
  bar.append(...controls);
  const note = document.createElement("p");
  note.className = "note";
  note.textContent = text;
  note.hidden = !text;
  panel.append(bar, answer, note);
  panel.hidden = false;
  return note;
}

/** A button for one step, and one that takes steps until it is pressed once more. */
function stepButtons(step, answer) {
  const button = (text, onClick) => {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = text;
    element.addEventListener("click", onClick);
    return element;
  };
  let timer = null;
  const run = button("Slide", () => {
    if (timer === null) {
      timer = setInterval(step, wantsStillness.matches ? 900 : 180);
    } else {
      clearInterval(timer);
      timer = null;
    }
    run.textContent = timer === null ? "Slide" : "Stop";
    // Who listens to the page isn't told of each step, only where the window comes to rest.
    answer.setAttribute("aria-live", timer === null ? "polite" : "off");
  });
  const group = document.createElement("div");
  group.className = "buttons";
  group.append(button("Step", step), run);
  return group;
}
