"use strict";

// The part of a page that computes. Each panel is a function that builds its elements once and returns
// what draws them; `changed` runs the network and draws all panels. Names from files become text only.
if (document.getElementById("live-app")) {
  const { LiveNetwork, sizeOf, bytesOf, floatsOf } = live;
  const page = JSON.parse(document.getElementById("live-data").textContent);
  const network = new LiveNetwork(page, floatsOf(page.parameters));
  const [, side] = page.input;
  const area = side * side;
  const pixels = new Uint8ClampedArray(3 * area);
  const last = network.layers.length - 1;
  const firstConvolution = network.layers.findIndex((layer) => layer.type === "Convolution");
  /** What is looked at: a value of a layer, one of the channels that it is made of, and a weight there. */
  const chosen = {
    layer: Math.max(firstConvolution, 0), channel: 0, row: 0, column: 0, source: 0, i: 0, j: 0,
    view: "values", pixel: [side >> 1, side >> 1],
    /** Whether the class of the loss is the likeliest one, as nobody has chosen one. */
    isLabelOpen: false,
  };
  const panels = [];

  // MARK: - Elements

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

  // MARK: - Running

  const inputOrder = [2, 1, 0];  // of blue, green, red among red, green, blue
  function loadPixels() {
    for (let c = 0; c < 3; c++) {
      for (let i = 0; i < area; i++) {
        network.input[c * area + i] = (pixels[3 * i + inputOrder[c]] - page.mean[c]) * page.scale;
      }
    }
  }

  let awaited = null;
  /** Runs the network from a layer on, and draws everything when the screen is drawn next. */
  function changed({ first = 0, isNudge = false } = {}) {
    if (!isNudge) nudge.letGo();
    // The picture is read when the network runs: until then, what runs in pieces may still put back what
    // it knows of the one before.
    awaited = {
      first: Math.min(first, awaited?.first ?? Infinity), isNudge: isNudge && (awaited?.isNudge ?? true),
      isPictureNew: (first === 0 && !isNudge) || Boolean(awaited?.isPictureNew),
    };
    if (changed.frame) return;
    changed.frame = requestAnimationFrame(() => {
      changed.frame = null;
      runNow();
    });
  }
  function runNow() {
    if (!awaited) return;
    const { first, isNudge, isPictureNew } = awaited;
    awaited = null;
    if (isPictureNew) loadPixels();
    network.forward(first);
    // Nobody said what an own picture shows: the loss is for what the network takes it for.
    if (chosen.isLabelOpen && !isNudge) {
      network.label = network.probabilities.indexOf(Math.max(...network.probabilities));
      network.forward(last);
    }
    network.backward();
    if (!isNudge) nudge.begin();
    for (const draw of panels) draw();
    later.start();
  }
  /** What takes longer is done once nothing has changed for a while. */
  const later = {
    tasks: [],
    start() {
      clearTimeout(later.timer);
      later.timer = setTimeout(() => { for (const task of later.tasks) task(); }, 250);
    },
  };
  /**
   * Does `step` with 0, 1, 2, … until it returns false or the next run begins, without blocking the page.
   * `pause` puts everything back before anybody else may look at the network.
   */
  function inPieces(owner, step, pause) {
    const run = owner.run = {};
    let number = 0;
    const go = () => {
      if (owner.run !== run) return;
      const end = performance.now() + 25;
      let goesOn = true;
      while (goesOn && performance.now() < end) goesOn = step(number++);
      pause();
      if (goesOn) setTimeout(go);
    };
    setTimeout(go);
  }

  // MARK: - The picture and what it is taken for

  function picturePanel() {
    const shown = canvas("The picture, as the network gets it", side, side);
    shown.tabIndex = 0;
    shown.setAttribute("role", "application");
    const { element, mark } = marked(shown);
    element.classList.add("live-picture");
    const message = node("output", { class: "live-message", "aria-live": "polite" });
    let [tool, ink, name, isChanged] = ["look", [20, 20, 20], "", false];
    const brush = slider("brush, pixels", 3, 31, 9, () => {});
    const inks = radios("Ink", [["dark", "dark"], ["light", "light"]], "dark", (value) => {
      ink = value === "dark" ? [20, 20, 20] : [240, 240, 240];
    });
    const tools = radios("The pointer", [
      ["look", "chooses a pixel"], ["draw", "draws"], ["cover", "covers with grey"],
    ], tool, (value) => {
      tool = value;
      inks.hidden = value !== "draw";
      brush.box.hidden = value === "look";
    });
    [inks.hidden, brush.box.hidden] = [true, true];

    function use([row, column], former) {
      chosen.pixel = [row, column];
      if (tool === "look") return changed();
      const reach = Number(brush.input.value) / 2;
      const colour = tool === "cover" ? [...page.mean].reverse() : ink;
      const [fromRow, fromColumn] = former ?? [row, column];
      const steps = Math.max(Math.abs(row - fromRow), Math.abs(column - fromColumn), 1);
      for (let step = 0; step <= steps; step++) {
        const centre = [
          fromRow + (row - fromRow) * step / steps, fromColumn + (column - fromColumn) * step / steps];
        for (let y = 0; y < side; y++) {
          for (let x = 0; x < side; x++) {
            const distance = tool === "cover"
              ? Math.max(Math.abs(y - centre[0]), Math.abs(x - centre[1]))
              : Math.hypot(y - centre[0], x - centre[1]);
            if (distance < reach) pixels.set(colour, 3 * (y * side + x));
          }
        }
      }
      isChanged = true;
      changed();
    }
    let former = null;
    shown.addEventListener("pointerdown", (event) => {
      shown.setPointerCapture(event.pointerId);
      use(former = placeOf(event, shown));
    });
    shown.addEventListener("pointermove", (event) => {
      if (!former) return;
      const place = placeOf(event, shown);
      use(place, former);
      former = place;
    });
    for (const type of ["pointerup", "pointercancel"]) shown.addEventListener(type, () => { former = null; });
    shown.addEventListener("keydown", (event) => {
      const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      const clamp = (value) => Math.min(Math.max(value, 0), side - 1);
      if (moves[event.key]) {
        const step = event.shiftKey ? 10 : 1;
        chosen.pixel = chosen.pixel.map((value, axis) => clamp(value + step * moves[event.key][axis]));
        if (tool === "look") changed();
        else draw();
      } else if (event.key === "Enter" || event.key === " ") use(chosen.pixel);
      else return;
      event.preventDefault();
    });

    function show(rgb, title, label) {
      pixels.set(rgb);
      [name, isChanged] = [title, false];
      message.textContent = "";
      chosen.isLabelOpen = label === undefined;
      if (!chosen.isLabelOpen) network.label = label;
      changed();
    }
    const samples = node("div", { class: "live-samples", role: "group", "aria-label": "Pictures to begin with" });
    let current = null;
    for (const sample of page.samples) {
      const bytes = bytesOf(sample.pixels);
      const small = canvas("", side, side);
      small.setAttribute("aria-hidden", "true");
      paint(small, side, side, (y, x) => bytes.subarray(3 * (y * side + x), 3 * (y * side + x) + 3));
      const choice = node("button", { type: "button", "aria-label": sample.name, title: sample.name }, small);
      const use = () => {
        current = { bytes, sample };
        show(bytes, sample.name, sample.label);
      };
      choice.addEventListener("click", use);
      samples.append(choice);
      if (!current) {
        current = { bytes, sample };
        pixels.set(bytes);
        [name, network.label] = [sample.name, sample.label];
      }
    }

    /** Takes a picture from outside: its middle square. What is no picture is named, and nothing changes. */
    async function take(file) {
      const title = file.name || "the picture";
      const refuse = (problem) => { message.textContent = `${title}: ${problem}`; };
      message.textContent = "";
      if (file.size > 100e6) return refuse("is larger than 100 MB. Take a smaller picture.");
      let bitmap;
      try {
        bitmap = await createImageBitmap(file);
      } catch {
        return refuse("is no picture that this browser can read. PNG, JPEG, WebP and GIF will do.");
      }
      const { width, height } = bitmap;
      const square = Math.min(width, height);
      const context = node("canvas", { width: side, height: side }).getContext("2d");
      context.fillStyle = "white";
      context.fillRect(0, 0, side, side);
      context.imageSmoothingQuality = "high";
      try {
        context.drawImage(
          bitmap, (width - square) / 2, (height - square) / 2, square, square, 0, 0, side, side);
      } catch {
        return refuse(`has ${width}×${height} pixels, more than this browser can draw.`);
      } finally {
        bitmap.close();
      }
      const rgba = context.getImageData(0, 0, side, side).data;
      const rgb = new Uint8ClampedArray(3 * area);
      for (let i = 0; i < area; i++) rgb.set(rgba.subarray(4 * i, 4 * i + 3), 3 * i);
      current = { bytes: rgb, sample: null };
      show(rgb, `${title}, the middle square of ${width}×${height} pixels`);
      if (square < 16) refuse(`has ${width}×${height} pixels: too few to show a pattern.`);
      return undefined;
    }
    const file = node("input", { type: "file", accept: "image/*", class: "live-file" });
    file.addEventListener("change", () => {
      if (file.files[0]) take(file.files[0]);
      file.value = "";
    });
    element.addEventListener("dragover", (event) => {
      event.preventDefault();
      element.classList.add("over");
    });
    element.addEventListener("dragleave", () => element.classList.remove("over"));
    element.addEventListener("drop", (event) => {
      event.preventDefault();
      element.classList.remove("over");
      const [dropped] = event.dataTransfer.files;
      if (dropped) take(dropped);
      else message.textContent = "What was dropped is no file.";
    });
    addEventListener("paste", (event) => {
      const pasted = Array.from(event.clipboardData?.files ?? []);
      if (pasted.length === 0) return;
      event.preventDefault();
      take(pasted[0]);
    });

    const caption = node("figcaption");
    function draw() {
      paint(shown, side, side, (y, x) => pixels.subarray(3 * (y * side + x), 3 * (y * side + x) + 3));
      const { rows, columns } = network.field(chosen.layer, chosen.row, chosen.column);
      const [pixelRow, pixelColumn] = chosen.pixel;
      mark([[rows[0], columns[0], rows[1] - rows[0], columns[1] - columns[0]],
        [pixelRow, pixelColumn, 1, 1]]);
      const layer = network.layers[chosen.layer];
      caption.textContent = `${name}${isChanged ? ", changed by hand" : ""}. The frame is what one value `
        + `of ${layer.name} sees: ${rows[1] - rows[0]}×${columns[1] - columns[0]} pixels.`;
      shown.setAttribute("aria-label", `The picture: ${name}. Arrow keys move the pointer, now at row `
        + `${pixelRow}, column ${pixelColumn}; Enter uses it.`);
    }
    panels.push(draw);
    const classes = classBars();
    return node("div", { class: "live-panel" }, node("div", { class: "live-head" },
      node("div", {},
        node("figure", {}, element, caption),
        samples),
      node("div", {}, heading("What the network takes it for"), classes,
        node("div", { class: "live-tools" }, tools, inks, brush.box),
        node("div", { class: "buttons" },
          node("label", { class: "live-choose" }, "Your own picture ", file),
          button("Blank sheet", () => {
            show(new Uint8ClampedArray(3 * area).fill(235), "A blank sheet");
            tools.querySelector("[value=draw]").click();
          }),
          button("As it was", () => show(current.bytes, current.sample?.name ?? name, current.sample?.label))),
        note("Or drop a picture on the large one, or paste it. Nothing leaves this page."),
        message)));
  }

  /** A bar for each class; the chosen one is that of the loss. */
  function classBars() {
    const list = node("div", { class: "live-classes", role: "radiogroup", "aria-label": "The class that the loss is for" });
    const rows = page.classes.map((title, label) => {
      const input = node("input", { type: "radio", name: "live-class", value: label });
      input.addEventListener("change", () => {
        network.label = label;
        chosen.isLabelOpen = false;
        changed({ first: last });
      });
      const [bar, share] = [node("span", { class: "live-bar" }), node("span", { class: "live-share" })];
      list.append(node("label", {}, input, node("span", { class: "live-class" }, title),
        node("span", { class: "live-track" }, bar), share));
      return { input, bar, share };
    });
    const sentence = node("p", { class: "live-loss" });
    panels.push(() => {
      const best = network.probabilities.indexOf(Math.max(...network.probabilities));
      rows.forEach(({ input, bar, share }, label) => {
        const p = network.probabilities[label];
        input.checked = label === network.label;
        bar.style.setProperty("--share", p);
        bar.classList.toggle("best", label === best);
        share.textContent = `${(100 * p).toFixed(p > 0.9995 || p < 0.0005 ? 0 : 1)} %`;
      });
      sentence.textContent = `Loss for “${page.classes[network.label]}”: L = −ln `
        + `${digits(network.probabilities[network.label])} = ${digits(network.loss)}`;
    });
    return node("div", {}, list, sentence);
  }

  // MARK: - Inside

  const kinds = {
    Convolution: "convolution", Pooling: "pooling", LRN: "lrn", InnerProduct: "inner-product",
    ReLU: "pointwise", Dropout: "pointwise", SoftmaxWithLoss: "loss",
  };
  /** What a layer's values are made of, layers of products alike: channels with a window of weights each. */
  function windowOf(layer, k, row, column) {
    const isConvolution = layer.type === "Convolution";
    const [height, width] = isConvolution ? [layer.kernel, layer.kernel] : [layer.rows, layer.columns];
    return {
      firstChannel: isConvolution ? layer.firstChannel(k) : 0, channels: layer.channels, height, width,
      top: isConvolution ? row * layer.stride - layer.pad : 0,
      left: isConvolution ? column * layer.stride - layer.pad : 0,
      weight(c, i, j) { return ((k * layer.channels + c) * height + i) * width + j; },
    };
  }
  const hasWeights = (layer) => layer.parameters.length > 0;

  function insidePanel() {
    const strip = radios("Layer", network.layers.map((layer, index) =>
      [String(index), layer.name, kinds[layer.type]]), String(chosen.layer), (value) => choose({ layer: Number(value) }),
    "live-strip");
    const view = radios("Maps of", [["values", "its output"], ["gradient", "∂L/∂output"]], "values",
      (value) => choose({ view: value }));
    const maps = canvas("The layer's maps");
    const { element, mark } = marked(maps);
    element.classList.add("live-maps");
    const controls = { };
    const sliders = node("div", { class: "live-sliders" });
    for (const [key, label] of [["channel", "channel"], ["row", "row"], ["column", "column"]]) {
      controls[key] = slider(label, 0, 1, 0, (value) => choose({ [key]: value }));
      sliders.append(controls[key].box);
    }
    const caption = node("figcaption");
    let across = 1;
    maps.addEventListener("click", (event) => {
      const layer = network.layers[chosen.layer];
      const [channels, rows, columns] = layer.output;
      const [y, x] = placeOf(event, maps);
      const channel = Math.floor(y / (rows + 1)) * across + Math.floor(x / (columns + 1));
      if (channel >= channels) return;
      choose({ channel, row: Math.min(y % (rows + 1), rows - 1),
        column: Math.min(x % (columns + 1), columns - 1) });
    });
    panels.push(() => {
      const layer = network.layers[chosen.layer];
      const [channels, rows, columns] = layer.output;
      strip.choose(chosen.layer);
      const values = layer[chosen.view];
      const scale = colours(values);
      across = rows === 1 ? Math.min(channels, 16) : Math.min(channels, Math.max(4, Math.ceil(Math.sqrt(channels))));
      mosaic(maps, layer.output, (c, y, x) => scale.of(values[(c * rows + y) * columns + x]), across);
      const [top, left] = [
        Math.floor(chosen.channel / across) * (rows + 1), (chosen.channel % across) * (columns + 1)];
      mark([[top, left, rows, columns]].concat(
        rows > 1 ? [[top + chosen.row, left + chosen.column, 1, 1]] : []));
      for (const [key, extent] of [["channel", channels], ["row", rows], ["column", columns]]) {
        const { box, input, shown } = controls[key];
        box.hidden = extent < 2;
        input.max = extent - 1;
        input.value = chosen[key];
        shown.textContent = chosen[key];
      }
      caption.textContent = `${layer.name}: ${layer.output.join("×")} values`
        + `${chosen.view === "gradient" ? " of ∂L/∂output" : ""}, at most ±${digits(scale.most)}. `
        + "Choose one by the sliders, or click it.";
    });
    return node("div", { class: "live-panel" },
      heading("Look inside"), strip,
      node("div", { class: "live-columns" },
        node("div", {}, node("div", { class: "live-tools" }, view), node("figure", {}, element, caption), sliders, switches()),
        sumPanel()));
  }

  /** Moves what is looked at, within the layer's extents. */
  function choose(changes) {
    const former = chosen.layer;
    Object.assign(chosen, changes);
    const [channels, rows, columns] = network.layers[chosen.layer].output;
    if (chosen.layer !== former) {
      // The channel that is most awake, and its most awake place.
      const { values } = network.layers[chosen.layer];
      const size = rows * columns;
      const sums = Array.from({ length: channels }, (_, c) =>
        values.subarray(c * size, (c + 1) * size).reduce((a, b) => a + Math.max(b, 0), 0));
      chosen.channel = sums.indexOf(Math.max(...sums));
      const map = values.subarray(chosen.channel * size, (chosen.channel + 1) * size);
      const place = map.indexOf(Math.max(...map));
      [chosen.row, chosen.column] = [Math.floor(place / columns), place % columns];
    }
    // Another value has other channels that matter.
    if (["layer", "channel", "row", "column"].some((key) => key in changes)) chosen.source = null;
    chosen.channel = Math.min(chosen.channel, channels - 1);
    chosen.row = Math.min(chosen.row, rows - 1);
    chosen.column = Math.min(chosen.column, columns - 1);
    changed({ first: last });
  }

  function switches() {
    const channel = checkbox("channel off", (isOff) => set(isOff, [chosen.channel]));
    const group = checkbox("group off", (isOff) => {
      const layer = network.layers[chosen.layer];
      const size = layer.output[0] / layer.group;
      const start = Math.floor(chosen.channel / size) * size;
      set(isOff, Array.from({ length: size }, (_, i) => start + i));
    });
    const skip = checkbox("without this layer", (isOff) => {
      network.layers[chosen.layer].isSkipped = isOff;
      changed({ first: chosen.layer });
    });
    const drop = checkbox("drop at random, as in training", (isOn) => {
      const layer = network.layers[chosen.layer];
      layer.mask = isOn ? layer.values.map(() => (Math.random() < layer.ratio ? 0 : 1 / (1 - layer.ratio))) : null;
      changed({ first: chosen.layer });
    });
    function set(isOff, channels) {
      const { muted } = network.layers[chosen.layer];
      for (const channel of channels) {
        if (isOff) muted.add(channel);
        else muted.delete(channel);
      }
      changed({ first: chosen.layer });
    }
    const list = node("p", { class: "note" });
    const reset = button("All on again", () => {
      for (const layer of network.layers) {
        layer.muted.clear();
        [layer.isSkipped, layer.mask] = [false, null];
      }
      changed();
    });
    panels.push(() => {
      const layer = network.layers[chosen.layer];
      const isLoss = layer.type === "SoftmaxWithLoss";
      channel.label.hidden = isLoss;
      channel.text.textContent = `channel ${chosen.channel} off`;
      channel.input.checked = layer.muted.has(chosen.channel);
      group.label.hidden = !(layer.group > 1);
      if (layer.group > 1) {
        const size = layer.output[0] / layer.group;
        const number = Math.floor(chosen.channel / size);
        group.text.textContent = `group ${number} off: channels ${number * size} to ${(number + 1) * size - 1}`;
        group.input.checked = Array.from({ length: size }, (_, i) => number * size + i)
          .every((channel) => layer.muted.has(channel));
      }
      skip.label.hidden = !["LRN", "ReLU"].includes(layer.type);
      skip.text.textContent = `without ${layer.name}`;
      skip.input.checked = layer.isSkipped;
      drop.label.hidden = layer.type !== "Dropout";
      drop.input.checked = Boolean(layer.mask);
      const off = network.layers.flatMap((layer) => [
        ...(layer.muted.size ? [`${layer.muted.size} of ${layer.output[0]} channels of ${layer.name}`] : []),
        ...(layer.isSkipped ? [layer.name] : []), ...(layer.mask ? [`what ${layer.name} drops`] : [])]);
      reset.hidden = off.length === 0;
      list.textContent = off.length ? `Off: ${off.join(", ")}.` : "Nothing is switched off.";
    });
    return node("fieldset", { class: "live-switches" }, node("legend", {}, "Switch off"),
      channel.label, group.label, skip.label, drop.label, list, reset);
  }

  // MARK: - One value

  /** How the chosen value is computed, whole. */
  function sumPanel() {
    const title = node("h4");
    const text = node("p", { class: "live-equation" });
    const parts = node("div", { class: "live-parts", role: "group", "aria-label": "What each channel adds" });
    const more = button("", () => {
      isWhole = !isWhole;
      draw();
    });
    const numbers = node("div", { class: "numbers" });
    let [isWhole, shownLayer] = [false, -1];

    function grid(caption, rows, chosenCell) {
      const table = node("table", { class: "grid" }, node("caption", {}, caption));
      const body = node("tbody");
      const most = Math.max(...rows.flat().map((value) => Math.abs(value ?? 0)), 1e-12);
      rows.forEach((row, i) => body.append(node("tr", {}, ...row.map((value, j) => {
        const cell = node("td", {
          class: (value === null ? "padding" : value < 0 ? "negative" : "positive")
            + (chosenCell && chosenCell[0] === i && chosenCell[1] === j ? " chosen" : ""),
        }, value === null ? "0" : short(value));
        cell.style.setProperty("--share", Math.abs(value ?? 0) / most);
        return cell;
      }))));
      table.append(body);
      return node("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption }, table);
    }

    function drawProducts(layer, input) {
      const { channel: k, row, column } = chosen;
      const frame = windowOf(layer, k, row, column);
      const sums = [];
      for (let c = 0; c < frame.channels; c++) {
        let sum = 0;
        for (let i = 0; i < frame.height; i++) {
          for (let j = 0; j < frame.width; j++) {
            const [y, x] = [frame.top + i, frame.left + j];
            if (y < 0 || x < 0 || y >= layer.rows || x >= layer.columns) continue;
            sum += layer.weights[frame.weight(c, i, j)]
              * input[((frame.firstChannel + c) * layer.rows + y) * layer.columns + x];
          }
        }
        sums.push(sum);
      }
      const total = sums.reduce((a, b) => a + b, 0);
      const value = layer.values[(k * layer.output[1] + row) * layer.output[2] + column];
      const isMuted = layer.muted.has(k);
      text.textContent = `b ${digits(layer.bias[k])} + ${frame.channels} channels ${digits(total)} = `
        + `${digits(layer.bias[k] + total)}${isMuted ? "; this channel is off, so 0 goes on" : ""}`;
      text.dataset.sum = layer.bias[k] + total;
      text.dataset.value = value;
      const order = sums.map((_, c) => c).sort((a, b) => Math.abs(sums[b]) - Math.abs(sums[a]));
      chosen.source = Math.min(chosen.source ?? order[0], frame.channels - 1);
      const shown = isWhole || order.length <= 24 ? order : order.slice(0, 24);
      const most = Math.max(...sums.map(Math.abs), 1e-12);
      const names = network.layers[chosen.layer - 1]?.name ?? "the picture";
      const scale = colours(input);
      // The tiles are kept from one drawing to the next, or one that has the focus would lose it.
      while (parts.children.length < shown.length) {
        const tile = node("button", { type: "button" });
        const map = marked(canvas("", 1, 1));
        tile.map = map;
        tile.canvas = map.element.querySelector("canvas");
        tile.canvas.setAttribute("aria-hidden", "true");
        tile.caption = node("span");
        tile.append(map.element, tile.caption, node("span", { class: "live-signed" }));
        tile.addEventListener("click", () => {
          chosen.source = tile.source;
          changed({ first: last });
        });
        parts.append(tile);
      }
      while (parts.children.length > shown.length) parts.lastChild.remove();
      const colourNames = ["blue", "green", "red"];
      shown.forEach((c, position) => {
        const tile = parts.children[position];
        tile.source = c;
        const plane = (frame.firstChannel + c) * layer.rows * layer.columns;
        paint(tile.canvas, layer.columns, layer.rows, (y, x) => scale.of(input[plane + y * layer.columns + x]));
        const [top, left] = [Math.max(frame.top, 0), Math.max(frame.left, 0)];
        tile.map.mark(layer.rows === 1 ? [] : [[top, left,
          Math.min(frame.top + frame.height, layer.rows) - top,
          Math.min(frame.left + frame.width, layer.columns) - left]]);
        const name = chosen.layer === 0 ? colourNames[c] : frame.firstChannel + c;
        tile.caption.textContent = `${name}: ${digits(sums[c], 3)}`;
        tile.setAttribute("aria-label", `Channel ${name} of ${names} adds ${digits(sums[c])}`);
        tile.setAttribute("aria-pressed", c === chosen.source);
        const bar = tile.querySelector(".live-signed");
        bar.style.setProperty("--share", Math.abs(sums[c]) / most);
        bar.classList.toggle("negative", sums[c] < 0);
      });
      const rest = order.slice(shown.length).reduce((sum, c) => sum + sums[c], 0);
      more.hidden = order.length <= 24;
      more.textContent = isWhole ? "Only the 24 greatest"
        : `The other ${order.length - 24} channels add ${digits(rest)}: show them`;
      const cell = (read) => Array.from({ length: frame.height }, (_, i) =>
        Array.from({ length: frame.width }, (_, j) => read(i, j)));
      const c = chosen.source;
      const from = chosen.layer === 0 ? `the ${colourNames[c]} plane` : `channel ${frame.firstChannel + c} of ${names}`;
      chosen.i = Math.min(chosen.i, frame.height - 1);
      chosen.j = Math.min(chosen.j, frame.width - 1);
      numbers.replaceChildren(
        grid(`in: ${from}`, cell((i, j) => {
          const [y, x] = [frame.top + i, frame.left + j];
          return y < 0 || x < 0 || y >= layer.rows || x >= layer.columns ? null
            : input[((frame.firstChannel + c) * layer.rows + y) * layer.columns + x];
        })),
        node("span", { class: "times", "aria-hidden": "true" }, "·"),
        grid(`w: kernel ${k}, the same channel`, cell((i, j) => layer.weights[frame.weight(c, i, j)]),
          [chosen.i, chosen.j]));
      numbers.querySelectorAll("table")[1].addEventListener("click", (event) => {
        const clicked = event.target.closest("td");
        if (clicked) nudge.chooseWeight(clicked.parentElement.rowIndex, clicked.cellIndex);
      });
    }

    function drawOthers(layer, input) {
      const { channel: c, row, column } = chosen;
      const position = (c * layer.output[1] + row) * layer.output[2] + column;
      const value = layer.values[position];
      delete text.dataset.sum;
      parts.replaceChildren();
      numbers.replaceChildren();
      more.hidden = true;
      if (layer.type === "Pooling") {
        const [top, left] = [row * layer.stride - layer.pad, column * layer.stride - layer.pad];
        let best = null;
        const rows = Array.from({ length: layer.kernel }, (_, i) =>
          Array.from({ length: layer.kernel }, (_, j) => {
            const [y, x] = [top + i, left + j];
            if (y < 0 || x < 0 || y >= layer.rows || x >= layer.columns) return null;
            const at = (c * layer.rows + y) * layer.columns + x;
            if (at === layer.winners[position]) best = [i, j];
            return input[at];
          }));
        text.textContent = `The greatest of ${rows.flat().filter((v) => v !== null).length} values = `
          + `${digits(value)}. Backwards, all of ∂L/∂out = ${digits(layer.gradient[position])} goes to it.`;
        numbers.replaceChildren(grid(`the window in channel ${c}`, rows, best));
      } else if (layer.type === "LRN" && !layer.isSkipped) {
        const area = layer.rows * layer.columns;
        const around = layer.neighbours(position, area);
        const energy = around.reduce((sum, i) => sum + input[i] ** 2, 0);
        text.textContent = `s = ${layer.k} + ${digits(layer.alpha)}/${layer.size} · ${digits(energy)} = `
          + `${digits(layer.scale[position])};  ${digits(input[position])} · s^−${layer.beta} = ${digits(value)}`;
        numbers.replaceChildren(grid(
          `this place in channels ${Math.floor(around[0] / area)} to ${Math.floor(around.at(-1) / area)}`,
          [around.map((i) => input[i])], [0, around.indexOf(position)]));
      } else if (layer.type === "ReLU" && !layer.isSkipped) {
        text.textContent = `max(0, ${digits(input[position])}) = ${digits(value)}. Backwards, ∂L/∂out = `
          + `${digits(layer.gradient[position])} ${input[position] > 0 ? "goes through" : "is stopped here"}.`;
      } else if (layer.type === "SoftmaxWithLoss") {
        const rows = [["p", (i) => network.probabilities[i]], ["onehot", (i) => Number(i === layer.label)],
          ["p − onehot", (i) => network.probabilities[i] - Number(i === layer.label)]];
        text.textContent = `p = e^score / Σ e^score;  L = −ln p[${layer.label}] = ${digits(value)}. `
          + "Backwards, ∂L/∂score = p − onehot.";
        const table = node("table", {}, node("caption", {}, "The loss by each score"),
          node("thead", {}, node("tr", {}, ...["class", "score", ...rows.map(([name]) => name)]
            .map((title, i) => node("th", { scope: "col", class: i ? "number" : undefined }, title)))),
          node("tbody", {}, ...page.classes.map((title, i) => node("tr", {},
            node("th", { scope: "row" }, title), node("td", { class: "number" }, digits(input[i])),
            ...rows.map(([, read]) => node("td", { class: "number" }, digits(read(i), 3)))))));
        numbers.replaceChildren(node("div",
          { class: "scroll", tabindex: "0", role: "group", "aria-label": "The loss by each score" }, table));
      } else {
        const factor = layer.mask && !layer.isSkipped ? layer.mask[position] : 1;
        text.textContent = `${digits(input[position])} · ${digits(factor)} = ${digits(value)}`
          + (layer.type === "Dropout" && !layer.mask ? ". Nothing is dropped outside of training." : "");
      }
    }

    function draw() {
      const layer = network.layers[chosen.layer];
      if (shownLayer !== chosen.layer) [shownLayer, isWhole] = [chosen.layer, false];
      const place = layer.output[1] > 1 ? `, row ${chosen.row}, column ${chosen.column}` : "";
      title.textContent = layer.type === "SoftmaxWithLoss" ? layer.name
        : `${layer.name}: channel ${chosen.channel}${place}`;
      const input = network.inputOf(chosen.layer);
      if (hasWeights(layer)) drawProducts(layer, input);
      else drawOthers(layer, input);
    }
    panels.push(draw);
    return node("div", { class: "live-sum" }, title, text, parts, more, numbers);
  }

  // MARK: - Nudge

  /** One number of the network or of the picture, moved by a slider, and the loss as it moves. */
  const nudge = {
    kind: "weight", reach: 1, target: null, h: 0,
    /** Puts everything back to where it was. */
    letGo() {
      if (!nudge.target || nudge.h === 0) return;
      nudge.move(0);
      if (nudge.slider) [nudge.slider.input.value, nudge.slider.shown.textContent] = [0, "0"];
      awaited = { first: 0, isNudge: false, isPictureNew: Boolean(awaited?.isPictureNew) };
    },
    move(h) {
      nudge.h = h;
      const { tensor, places, base } = nudge.target;
      places.forEach((place, i) => { tensor[place] = base[i] + h; });
    },
    /** The layer whose weights are meant: the one looked at, or the next below it that has some. */
    layer() {
      let index = chosen.layer;
      while (index > 0 && !hasWeights(network.layers[index])) index--;
      return index;
    },
    find() {
      const index = nudge.layer();
      const layer = network.layers[index];
      if (nudge.kind === "pixel") {
        const [row, column] = chosen.pixel;
        const places = [0, 1, 2].map((c) => c * area + row * side + column);
        return { tensor: network.input, gradient: network.inputGradient, places, first: 0, unit: 64 * page.scale,
          name: `pixel (${row}, ${column}), all three colours` };
      }
      const k = Math.min(chosen.channel, layer.output[0] - 1);
      if (nudge.kind === "bias") {
        return { tensor: layer.bias, gradient: layer.biasGradient, places: [k], first: index,
          unit: spread(layer.weights) * 4, name: `bias b[${k}] of ${layer.name}` };
      }
      const frame = windowOf(layer, k, 0, 0);
      const [c, i, j] = [Math.min(chosen.source ?? 0, frame.channels - 1),
        Math.min(chosen.i, frame.height - 1), Math.min(chosen.j, frame.width - 1)];
      return { tensor: layer.weights, gradient: layer.weightGradient, places: [frame.weight(c, i, j)],
        first: index, unit: spread(layer.weights) * 4, name: `weight w[${k},${c},${i},${j}] of ${layer.name}` };
    },
    /** After the network has run with nothing moved: what the slope is here. */
    begin() {
      const target = nudge.find();
      target.base = target.places.map((place) => target.tensor[place]);
      target.slope = target.places.reduce((sum, place) => sum + target.gradient[place], 0);
      target.loss = network.loss;
      [nudge.target, nudge.h] = [target, 0];
      nudge.curve = null;
    },
    chooseWeight(i, j) {
      Object.assign(chosen, { i, j });
      nudge.kind = "weight";
      changed({ first: last });
    },
  };
  /** The standard deviation of numbers around 0. */
  const spread = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

  function nudgePanel() {
    const steps = 100;
    const kind = radios("Which number", [["weight", "a weight"], ["bias", "a bias"], ["pixel", "a pixel"]],
      nudge.kind, (value) => {
        nudge.kind = value;
        changed({ first: last });
      });
    const reach = radios("How far", [["4", "far"], ["1", "near"], ["0.1", "very near"]], "1", (value) => {
      nudge.reach = Number(value);
      changed({ first: last });
    });
    const control = slider("h", -steps, steps, 0, (value) => {
      nudge.move(value / steps * nudge.reach * nudge.target.unit);
      changed({ first: nudge.target.first, isNudge: true });
    });
    nudge.slider = control;
    const takeStrongest = () => {
      const layer = network.layers[nudge.layer()];
      const frame = windowOf(layer, Math.min(chosen.channel, layer.output[0] - 1), 0, 0);
      let best = 0;
      for (let c = 0; c < frame.channels; c++) {
        for (let i = 0; i < frame.height; i++) {
          for (let j = 0; j < frame.width; j++) {
            const gradient = Math.abs(layer.weightGradient[frame.weight(c, i, j)]);
            if (gradient > best) {
              best = gradient;
              Object.assign(chosen, { source: c, i, j });
            }
          }
        }
      }
      nudge.kind = "weight";
      changed({ first: last });
    };
    const strongest = button("The one with the greatest gradient", takeStrongest);
    nudge.takeStrongest = takeStrongest;
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
    later.tasks.push(() => { if (!nudge.curve) trace(); });

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
      text.textContent = `The ${target.name} is ${digits(target.base[0])}, and ∂L = ${digits(target.slope)} a unit.${moved}`;
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

  // MARK: - What the score depends on

  function whyPanel() {
    const [saliency, occlusion] = [canvas("Saliency"), canvas("Occlusion")];
    const saliencyText = node("figcaption");
    const occlusionText = node("figcaption");
    const cover = 15;
    const stride = 6;
    const owner = {};
    function drawSaliency() {
      const label = network.label;
      network.backward(label);
      const strength = Float32Array.from({ length: area }, (_, i) =>
        Math.max(...[0, 1, 2].map((c) => Math.abs(network.inputGradient[c * area + i]))));
      network.backward();
      // A few pixels outshine all others: the scale ends at the 99th of a hundred.
      const most = Float32Array.from(strength).sort()[Math.floor(0.99 * area)] || 1;
      paint(saliency, side, side, (y, x) => sequential(strength[y * side + x] / most));
      saliencyText.textContent = `|∂ score of “${page.classes[label]}” / ∂ pixel|: bright where a small `
        + "change of a pixel would change the score most.";
    }
    const run = button("Cover every place in turn", () => {
      const label = network.label;
      const before = network.scores[label];
      const places = Math.floor((side - 1) / stride) + 1;
      const drops = new Float32Array(places * places);
      let done = 0;
      const kept = network.input.slice();
      inPieces(owner, (number) => {
        const start = (index) => index * stride - (cover >> 1);
        const [top, left] = [start(Math.floor(number / places)), start(number % places)];
        for (let y = Math.max(top, 0); y < Math.min(top + cover, side); y++) {
          for (let c = 0; c < 3; c++) {
            const row = c * area + y * side;
            network.input.fill(0, row + Math.max(left, 0), row + Math.min(left + cover, side));
          }
        }
        network.forward();
        drops[number] = before - network.scores[label];
        network.input.set(kept);
        done = number + 1;
        return done < drops.length;
      }, () => {
        network.forward();
        occlusion.hidden = false;
        const scale = Math.max(...drops.map(Math.abs), 1e-6);
        paint(occlusion, places, places, (y, x) => diverging(drops[y * places + x] / scale));
        occlusionText.textContent = done < drops.length ? `${Math.round(100 * done / drops.length)} %`
          : `Where it is red, covering that place takes up to ${digits(Math.max(...drops), 3)} from the score of `
            + `“${page.classes[label]}”` + (Math.min(...drops) < 0 ? "; where it is blue, it adds." : ".");
      });
    });
    panels.push(() => {
      if (owner.run) {
        owner.run = null;
        occlusionText.textContent = "";
        occlusion.hidden = true;
      }
    });
    later.tasks.push(drawSaliency);
    occlusion.hidden = true;
    return node("div", { class: "live-panel" }, heading("What does the score depend on?"),
      node("p", {}, "Two answers, for the class that is chosen above. Saliency asks the gradient; "
        + "occlusion covers a square of 15×15 pixels with grey, at one place after the other, and looks at "
        + "what is left of the score."),
      node("div", { class: "live-pair" },
        node("figure", {}, saliency, saliencyText),
        node("figure", {}, node("div", { class: "buttons" }, run), occlusion, occlusionText)));
  }

  // MARK: - The training

  function historyPanel() {
    const { history } = page;
    const [kernels, , height, width] = history.shape;
    const bytes = bytesOf(history.filters);
    const biases = floatsOf(history.biases);
    const size = sizeOf(history.shape.slice(1)) * kernels;
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

  const app = document.getElementById("live-app");
  app.append(picturePanel(), insidePanel(), nudgePanel(), whyPanel());
  if (page.history) app.append(historyPanel());
  app.hidden = false;
  document.querySelector(".live-fallback").hidden = true;
  // Seen from the start: the middle of the first layer's busiest map.
  loadPixels();
  network.forward();
  chosen.layer = -1;
  choose({ layer: Math.max(firstConvolution, 0) });
  runNow();
  nudge.takeStrongest();
  app.network = network;
}
