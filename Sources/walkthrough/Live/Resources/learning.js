"use strict";

// How the first layer's filters came to be.

function learningPanel(app) {
  const { network, panels, firstConvolution } = app;
  const { history } = app.page;
  const [kernels, , height, width] = history.shape;
  const bytes = live.bytesOf(history.filters);
  const biases = live.floatsOf(history.biases);
  const size = live.sizeOf(history.shape.slice(1)) * kernels;
  const peak = Math.max(...history.peaks);
  const source = network.layers[firstConvolution];
  const filters = canvas("The filters of the first layer");
  const maps = canvas("What the filters make of the picture");
  const [filtersText, mapsText] = [node("figcaption"), node("figcaption")];
  const drawing = node("div", { class: "drawing" });
  const text = node("output", { class: "answer", "aria-live": "polite" });
  const total = history.iterations.at(-1);
  let moment = history.iterations.length - 1;
  const control = slider("snapshot", 0, history.iterations.length - 1, moment, (value) => {
    moment = value;
    draw();
  });
  control.box.classList.add("wide");
  let playing = null;
  const play = button("Play", () => {
    const stop = () => {
      clearInterval(playing);
      playing = null;
      play.textContent = "Play";
    };
    if (playing) return stop();
    play.textContent = "Stop";
    moment = -1;
    const step = () => {
      if (moment >= history.iterations.length - 1) return stop();
      control.input.value = ++moment;
      draw();
      return undefined;
    };
    playing = setInterval(step, 450);
    return step();
  });
  /** The weights of a moment: bytes around 128. */
  function weightsAt(moment) {
    return Float32Array.from(bytes.subarray(moment * size, (moment + 1) * size),
      (byte) => (byte - 128) / 127 * history.peaks[moment]);
  }
  function draw() {
    const weights = weightsAt(moment);
    const at = (k, c, i, j) => weights[((k * 3 + c) * height + i) * width + j];
    mosaic(filters, [kernels, height, width], (k, i, j) =>
      inputOrder.map((c) => 128 + 127 * at(k, c, i, j) / peak), 6);
    // The first layer as it was then, on the picture as it is now, and its ReLU.
    const layer = Object.assign(Object.create(Object.getPrototypeOf(source)), source, {
      weights, bias: biases.subarray(moment * kernels, (moment + 1) * kernels),
      values: new Float32Array(source.values.length),
    });
    live.forward(layer, network.inputOf(firstConvolution), layer.values);
    const values = layer.values.map((value) => Math.max(value, 0));
    const scale = colours(values);
    const [, rows, columns] = source.output;
    mosaic(maps, source.output, (c, y, x) => scale.of(values[(c * rows + y) * columns + x]), 6);
    const iteration = history.iterations[moment];
    control.shown.textContent = grouped(iteration);
    filtersText.textContent = `${source.name}'s ${kernels} filters. Grey is 0; the largest weight is `
      + `${digits(history.peaks[moment], 3)} here.`;
    mapsText.textContent = "What they make of the picture above, after ReLU.";
    const tests = history.testIterations.map((test, i) => [test, history.testAccuracies[i]])
      .filter(([test]) => test <= iteration);
    const loss = history.losses[Math.min(Math.floor(iteration / total * history.losses.length), history.losses.length - 1)];
    text.textContent = `After ${grouped(iteration)} iterations the loss is about ${digits(loss, 2)}`
      + (tests.length ? `; at the last test ${(100 * tests.at(-1)[1]).toFixed(1)} % of new pictures were right.` : ".");
    drawCurve(iteration);
  }
  function drawCurve(iteration) {
    const [w, h] = [widthOf(drawing) || 480, 170];
    const logs = history.losses.map((loss) => Math.log10(Math.max(loss, 1e-5)));
    const [low, high] = [Math.floor(Math.min(...logs)), Math.max(...logs)];
    const x = (iteration) => 44 + (w - 60) * iteration / total;
    const y = (log) => 12 + (h - 44) * (high - log) / (high - low);
    const picture = svg("svg", { viewBox: `0 0 ${w} ${h}`, role: "img", "aria-label": "The loss over the training" });
    for (let log = low; log <= high; log++) {
      picture.append(svg("line", { class: "grid-line", x1: 44, x2: w - 16, y1: y(log), y2: y(log) }),
        svg("text", { x: 38, y: y(log) + 4, "text-anchor": "end" }, digits(10 ** log)));
    }
    picture.append(
      svg("polyline", { class: "live-curve", points: logs.map((log, i) =>
        `${x((i + 0.5) / logs.length * total)},${y(log)}`).join(" ") }),
      svg("line", { class: "live-now", x1: x(iteration), x2: x(iteration), y1: 8, y2: h - 28 }),
      svg("text", { x: x(0), y: h - 8 }, "0"),
      svg("text", { x: x(total), y: h - 8, "text-anchor": "end" }, `${grouped(total)} iterations`));
    drawing.replaceChildren(picture);
  }
  panels.push(draw);
  return node("div", { class: "live-panel" }, heading("Watch it learn"),
    node("p", {}, `The training of these very weights, looked at ${history.iterations.length} times: from `
      + "noise to edges. Every class comes in all colours; what tells ink from ground is how light they "
      + "are, and green carries most of the light. So the weights of green are the largest, and "
      + "the filters are green against its opposite, purple."),
    node("div", { class: "live-tools" }, control.box, play), text,
    node("div", { class: "live-pair" },
      node("figure", {}, filters, filtersText), node("figure", {}, maps, mapsText)),
    drawing);
}
