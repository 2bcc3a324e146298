"use strict";

// One number of the network or of the picture, moved by a slider, and the loss as it moves.

class Nudge {
  constructor(app) {
    this.app = app;
    [this.kind, this.reach, this.target, this.h] = ["weight", 1, null, 0];
  }

  /** Puts everything back to where it was. */
  letGo() {
    if (!this.target || this.h === 0) return;
    this.move(0);
    if (this.slider) [this.slider.input.value, this.slider.shown.textContent] = [0, "0"];
    this.app.awaited = { first: 0, isNudge: false, isPictureNew: Boolean(this.app.awaited?.isPictureNew) };
  }

  move(h) {
    this.h = h;
    const { tensor, places, base } = this.target;
    places.forEach((place, i) => { tensor[place] = base[i] + h; });
  }

  /** The layer whose weights are meant: the one looked at, or the next below it that has some. */
  layer() {
    const { chosen, network } = this.app;
    let index = chosen.layer;
    while (index > 0 && !network.layers[index].hasWeights) index--;
    return index;
  }

  find() {
    const { chosen, network, side, area, page } = this.app;
    if (this.kind === "pixel") {
      const [row, column] = chosen.pixel;
      const places = [0, 1, 2].map((c) => c * area + row * side + column);
      return { tensor: network.input, gradient: network.inputGradient, places, first: 0, unit: 64 * page.scale,
        name: `pixel (${row}, ${column}), all three colours`, symbol: "∂L/∂in" };
    }
    const first = this.layer();
    const layer = network.layers[first];
    // Weights are of about their standard deviation around 0.
    const unit = 4 * Math.sqrt(layer.weights.reduce((sum, w) => sum + w * w, 0) / layer.weights.length);
    const k = Math.min(chosen.channel, layer.output[0] - 1);
    if (this.kind === "bias") {
      return { tensor: layer.bias, gradient: layer.biasGradient, places: [k], first, unit,
        name: `bias b[${k}] of ${layer.name}`, symbol: "∂L/∂b" };
    }
    const window = layer.window(k, 0, 0);
    const [c, i, j] = [Math.min(chosen.source ?? 0, window.channels - 1),
      Math.min(chosen.i, window.height - 1), Math.min(chosen.j, window.width - 1)];
    return { tensor: layer.weights, gradient: layer.weightGradient, places: [window.weight(c, i, j)], first, unit,
      name: `weight w[${k},${c},${i},${j}] of ${layer.name}`, symbol: "∂L/∂w" };
  }

  /** After the network has run with nothing moved: what the slope is here. */
  begin() {
    const target = this.find();
    target.base = target.places.map((place) => target.tensor[place]);
    target.slope = target.places.reduce((sum, place) => sum + target.gradient[place], 0);
    target.loss = this.app.network.loss;
    [this.target, this.h, this.curve] = [target, 0, null];
  }

  chooseWeight(i, j) {
    Object.assign(this.app.chosen, { i, j });
    this.kind = "weight";
    this.app.changed({ first: this.app.last });
  }

  /** Takes the weight of the chosen kernel on which the loss depends most. */
  takeStrongest() {
    const { chosen, network } = this.app;
    const layer = network.layers[this.layer()];
    const window = layer.window(Math.min(chosen.channel, layer.output[0] - 1), 0, 0);
    const [first, count] = [window.weight(0, 0, 0), window.channels * window.height * window.width];
    const sizes = layer.weightGradient.subarray(first, first + count).map(Math.abs);
    const strongest = sizes.indexOf(sizes.reduce((a, b) => Math.max(a, b), 0));
    chosen.source = Math.floor(strongest / (window.height * window.width));
    this.chooseWeight(Math.floor(strongest / window.width) % window.height, strongest % window.width);
  }
}

function nudgePanel(app) {
  const { network, nudge, panels, later } = app;
  const steps = 100;
  const kind = radios("Which number", [["weight", "a weight"], ["bias", "a bias"], ["pixel", "a pixel"]],
    nudge.kind, (value) => {
      nudge.kind = value;
      app.changed({ first: app.last });
    });
  const reach = radios("How far", [["4", "far"], ["1", "near"], ["0.1", "very near"]], "1", (value) => {
    nudge.reach = Number(value);
    app.changed({ first: app.last });
  });
  const control = slider("h", -steps, steps, 0, (value) => {
    nudge.move(value / steps * nudge.reach * nudge.target.unit);
    app.changed({ first: nudge.target.first, isNudge: true });
  });
  nudge.slider = control;
  const strongest = button("The one with the greatest gradient", () => nudge.takeStrongest());
  const drawing = node("div", { class: "drawing" });
  const text = node("output", { class: "answer", "aria-live": "polite" });

  /** Fills in L(w + h) point by point, with everything put back after each piece. */
  function trace() {
    const { target } = nudge;
    const curve = nudge.curve = [];
    const count = 48;
    inPieces(nudge, (number) => {
      if (nudge.target !== target) return false;
      const now = nudge.h;
      const offset = (2 * number / count - 1) * nudge.reach * target.unit;
      nudge.move(offset);
      network.forward(target.first);
      curve.push([offset, network.loss]);
      nudge.move(now);
      return number < count;
    }, () => {
      network.forward(nudge.target.first);
      draw();
    });
  }
  later.push(() => { if (!nudge.curve) trace(); });

  function draw() {
    const { target, h } = nudge;
    if (!target) return;
    kind.choose(nudge.kind);
    strongest.hidden = nudge.kind !== "weight";
    control.shown.textContent = digits(h, 2);
    const reachNow = nudge.reach * target.unit;
    const width = widthOf(drawing) || 480;
    const height = 260;
    const tangent = (h) => target.loss + target.slope * h;
    const points = nudge.curve ?? [];
    const losses = points.map(([, loss]) => loss).concat(network.loss, target.loss);
    const [low, high] = [Math.min(...losses), Math.max(...losses)];
    const margin = Math.max((high - low) * 0.25, target.loss * 1e-4, 1e-9);
    const y = (loss) => 16 + (height - 52) * (1 - (loss - low + margin) / (high - low + 2 * margin));
    const x = (h) => 24 + (width - 48) * (h / reachNow + 1) / 2;
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
      "aria-label": `The loss as the ${target.name} moves, and its tangent` });
    // A drawing within the drawing cuts off what leaves it.
    const inner = [0, 4, width, height - 32];
    const clip = svg("svg", { x: 0, y: 4, width, height: height - 32, viewBox: inner.join(" ") });
    const line = (x1, y1, x2, y2, style) => svg("line", { x1, y1, x2, y2, class: style });
    const tangentLine = line(x(-reachNow), y(tangent(-reachNow)), x(reachNow), y(tangent(reachNow)), "live-tangent");
    clip.append(tangentLine);
    picture.append(line(x(0), 8, x(0), height - 28, "live-axis"),
      line(x(-reachNow), height - 28, x(reachNow), height - 28, "live-axis"), clip,
      svg("polyline", { class: "live-curve", points: points.map(([h, loss]) => `${x(h)},${y(loss)}`).join(" ") }),
      svg("circle", { class: "live-dot", cx: x(h), cy: y(network.loss), r: 6 }),
      svg("text", { x: x(-reachNow), y: height - 10 }, digits(-reachNow, 2)),
      svg("text", { x: x(0), y: height - 10, "text-anchor": "middle" }, "h = 0"),
      svg("text", { x: x(reachNow), y: height - 10, "text-anchor": "end" }, digits(reachNow, 2)));
    drawing.replaceChildren(picture);
    const moved = h === 0 ? "" : ` Moved by ${digits(h, 3)}: L = ${digits(network.loss)}, and the tangent `
      + `says ${digits(tangent(h))}.`;
    text.textContent = `The ${target.name} is ${digits(target.base[0])}; the slope ${target.symbol} there is `
      + `${digits(target.slope)}.${moved}`;
    text.dataset.slope = target.slope;
  }
  panels.push(draw);
  return node("div", { class: "live-panel" }, heading("Nudge one number"),
    node("p", {}, "A gradient is a slope. Move one number by h: the curve is the loss, computed anew "
      + "at each place, and the straight line is what the gradient promises. Near h = 0 they are "
      + "one; further out a ReLU starts or stops passing, or another value wins a window of the "
      + "pooling, and the curve has a kink."),
    node("div", { class: "live-columns" },
      node("div", { class: "live-tools live-stacked" }, kind, reach, control.box, strongest,
        note("The weight is the one with a frame in the table above; a click there chooses another. "
          + "The pixel is the one with a frame in the picture.")),
      node("div", {}, drawing, text)));
}
