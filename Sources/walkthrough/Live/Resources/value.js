"use strict";

// How the chosen value is computed, whole.

function sumPanel(app) {
  const { page, network, chosen, panels } = app;
  const title = node("h4");
  const text = node("p", { class: "live-equation" });
  const parts = node("div", { class: "live-parts", role: "group", "aria-label": "What each channel adds" });
  const more = button("", () => {
    isWhole = !isWhole;
    draw();
  });
  const numbers = node("div", { class: "numbers" });
  const colourNames = ["blue", "green", "red"];
  const mostParts = 24;
  let [isWhole, shownLayer] = [false, -1];

  const scrolling = (caption, table) =>
    node("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption }, table);

  /** Numbers on a ground that is the stronger the further they are from 0; `null` is padding. */
  function grid(caption, rows, chosenCell) {
    const most = Math.max(...rows.flat().map((value) => Math.abs(value ?? 0)), 1e-12);
    const cell = (value, isChosen) => {
      const style = value === null ? "padding" : value < 0 ? "negative" : "positive";
      const element = node("td", { class: style + (isChosen ? " chosen" : "") }, value === null ? "0" : short(value));
      element.style.setProperty("--share", Math.abs(value ?? 0) / most);
      return element;
    };
    return scrolling(caption, node("table", { class: "grid" }, node("caption", {}, caption),
      node("tbody", {}, ...rows.map((row, i) => node("tr", {}, ...row.map((value, j) =>
        cell(value, chosenCell?.[0] === i && chosenCell[1] === j)))))));
  }
  const rowsOf = (height, width, read) =>
    Array.from({ length: height }, (_, i) => Array.from({ length: width }, (_, j) => read(i, j)));

  // MARK: - Layers with weights

  function drawProducts(layer, input) {
    const { channel: k, row, column } = chosen;
    const frame = layer.window(k, row, column);
    const tap = (c, i, j) => layer.tap(input, frame.firstChannel + c, frame.top + i, frame.left + j);
    const sums = Array.from({ length: frame.channels }, (_, c) => {
      let sum = 0;
      for (let i = 0; i < frame.height; i++) {
        for (let j = 0; j < frame.width; j++) sum += layer.weights[frame.weight(c, i, j)] * tap(c, i, j);
      }
      return sum;
    });
    const total = sums.reduce((a, b) => a + b, 0);
    text.textContent = `b ${digits(layer.bias[k])} + ${frame.channels} channels ${digits(total)} = `
      + `${digits(layer.bias[k] + total)}${layer.muted.has(k) ? "; this channel is off, so 0 goes on" : ""}`;
    text.dataset.sum = layer.bias[k] + total;
    text.dataset.value = layer.values[(k * layer.output[1] + row) * layer.output[2] + column];
    const order = sums.map((_, c) => c).sort((a, b) => Math.abs(sums[b]) - Math.abs(sums[a]));
    chosen.source = Math.min(chosen.source ?? order[0], frame.channels - 1);
    const shown = isWhole ? order : order.slice(0, mostParts);
    drawParts(layer, input, frame, sums, shown);
    const rest = order.slice(shown.length).reduce((sum, c) => sum + sums[c], 0);
    more.hidden = order.length <= mostParts;
    more.textContent = isWhole ? `Only the ${mostParts} greatest`
      : `The other ${order.length - mostParts} channels add ${digits(rest)}: show them`;
    const c = chosen.source;
    chosen.i = Math.min(chosen.i, frame.height - 1);
    chosen.j = Math.min(chosen.j, frame.width - 1);
    const weights = grid(`w: kernel ${k}, the same channel`,
      rowsOf(frame.height, frame.width, (i, j) => layer.weights[frame.weight(c, i, j)]), [chosen.i, chosen.j]);
    weights.addEventListener("click", (event) => {
      const clicked = event.target.closest("td");
      if (clicked) app.nudge.chooseWeight(clicked.parentElement.rowIndex, clicked.cellIndex);
    });
    numbers.replaceChildren(
      grid(`in: ${nameOf(frame, c)}`, rowsOf(frame.height, frame.width, (i, j) => tap(c, i, j))),
      node("span", { class: "times", "aria-hidden": "true" }, "·"), weights);
  }

  /** Channel c of a window, for a reader. */
  const nameOf = (frame, c) => chosen.layer === 0 ? `the ${colourNames[c]} plane of the picture`
    : `channel ${frame.firstChannel + c} of ${network.layers[chosen.layer - 1].name}`;

  /** A map for each channel, with what it adds. */
  function drawParts(layer, input, frame, sums, shown) {
    // The tiles are kept from one drawing to the next, or one that has the focus would lose it.
    while (parts.children.length < shown.length) {
      const tile = node("button", { type: "button" });
      const map = canvas("");
      map.setAttribute("aria-hidden", "true");
      const { element, mark } = marked(map);
      const caption = node("span");
      Object.assign(tile, { map, mark, caption });
      tile.append(element, caption, node("span", { class: "live-signed" }));
      tile.addEventListener("click", () => {
        chosen.source = tile.source;
        app.changed({ first: app.last });
      });
      parts.append(tile);
    }
    while (parts.children.length > shown.length) parts.lastChild.remove();
    const most = Math.max(...sums.map(Math.abs), 1e-12);
    const scale = colours(input);
    const [top, left] = [Math.max(frame.top, 0), Math.max(frame.left, 0)];
    const window = [top, left, Math.min(frame.top + frame.height, layer.rows) - top,
      Math.min(frame.left + frame.width, layer.columns) - left];
    shown.forEach((c, position) => {
      const tile = parts.children[position];
      tile.source = c;
      paint(tile.map, layer.columns, layer.rows, (y, x) =>
        scale.of(layer.tap(input, frame.firstChannel + c, y, x)));
      tile.mark(layer.rows === 1 ? [] : [window]);
      const name = chosen.layer === 0 ? colourNames[c] : frame.firstChannel + c;
      tile.caption.textContent = `${name}: ${digits(sums[c], 3)}`;
      tile.setAttribute("aria-label", `${nameOf(frame, c)} adds ${digits(sums[c])}`);
      tile.setAttribute("aria-pressed", c === chosen.source);
      const bar = tile.querySelector(".live-signed");
      bar.style.setProperty("--share", Math.abs(sums[c]) / most);
      bar.classList.toggle("negative", sums[c] < 0);
    });
  }

  // MARK: - Layers without

  /** For each type: the equation of the value at a position, and what stands below it. */
  const explanations = {
    Pooling(layer, input, position) {
      const { channel, row, column } = chosen;
      const [top, left] = [row * layer.stride - layer.pad, column * layer.stride - layer.pad];
      const rows = rowsOf(layer.kernel, layer.kernel, (i, j) => layer.tap(input, channel, top + i, left + j));
      const winner = layer.winners[position] % (layer.rows * layer.columns);
      return [`The greatest of ${rows.flat().filter((value) => value !== null).length} values = `
        + `${digits(layer.values[position])}. Backwards, all of ∂L/∂out = ${digits(layer.gradient[position])} `
        + "goes to it.",
      grid(`the window in channel ${channel}`, rows,
        [Math.floor(winner / layer.columns) - top, winner % layer.columns - left])];
    },

    LRN(layer, input, position) {
      const area = layer.rows * layer.columns;
      const around = layer.neighbours(position, area);
      const energy = around.reduce((sum, i) => sum + input[i] ** 2, 0);
      return [`s = ${layer.k} + ${digits(layer.alpha)}/${layer.size} · ${digits(energy)} = `
        + `${digits(layer.scale[position])};  ${digits(input[position])} · s^−${layer.beta} = `
        + digits(layer.values[position]),
      grid(`this place in channels ${Math.floor(around[0] / area)} to ${Math.floor(around.at(-1) / area)}`,
        [around.map((i) => input[i])], [0, around.indexOf(position)])];
    },

    ReLU: (layer, input, position) => [
      `max(0, ${digits(input[position])}) = ${digits(layer.values[position])}. Backwards, ∂L/∂out = `
        + `${digits(layer.gradient[position])} ${input[position] > 0 ? "goes through" : "is stopped here"}.`],

    Dropout: (layer, input, position) => [
      `${digits(input[position])} · ${digits(layer.mask?.[position] ?? 1)} = ${digits(layer.values[position])}`
        + (layer.mask ? "" : ". Nothing is dropped outside of training.")],

    SoftmaxWithLoss(layer, input) {
      const caption = "The loss by each score";
      const titles = ["class", "score", "p", "onehot", "p − onehot"];
      const head = node("tr", {}, ...titles.map((title, i) =>
        node("th", { scope: "col", class: i ? "number" : undefined }, title)));
      const rows = page.classes.map((title, c) => {
        const [p, onehot] = [network.probabilities[c], Number(c === layer.label)];
        return node("tr", {}, node("th", { scope: "row" }, title),
          ...[digits(input[c]), ...[p, onehot, p - onehot].map((value) => digits(value, 3))]
            .map((cell) => node("td", { class: "number" }, cell)));
      });
      return [`p = e^score / Σ e^score;  L = −ln ${network.probabilityText} = ${digits(layer.values[0])}. `
        + "Backwards, ∂L/∂score = p − onehot.",
      scrolling(caption, node("table", {}, node("caption", {}, caption), node("thead", {}, head),
        node("tbody", {}, ...rows)))];
    },
  };

  function drawOthers(layer, input) {
    const position = (chosen.channel * layer.output[1] + chosen.row) * layer.output[2] + chosen.column;
    const [equation, ...below] = layer.isSkipped
      ? [`Without ${layer.name}, ${digits(layer.values[position])} goes on as it came.`]
      : explanations[layer.type](layer, input, position);
    text.textContent = equation;
    delete text.dataset.sum;
    numbers.replaceChildren(...below);
    parts.replaceChildren();
    more.hidden = true;
  }

  function draw() {
    const layer = network.layers[chosen.layer];
    if (shownLayer !== chosen.layer) [shownLayer, isWhole] = [chosen.layer, false];
    const place = layer.output[1] > 1 ? `, row ${chosen.row}, column ${chosen.column}` : "";
    title.textContent = chosen.layer === app.last ? layer.name
      : `${layer.name}: channel ${chosen.channel}${place}`;
    const input = network.inputOf(chosen.layer);
    if (layer.hasWeights) drawProducts(layer, input);
    else drawOthers(layer, input);
  }
  panels.push(draw);
  return node("div", { class: "live-sum" }, title, text, parts, more, numbers);
}
