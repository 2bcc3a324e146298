"use strict";

// The picture, and what the network takes it for.

function picturePanel(app) {
  const { page, network, side, area, pixels, chosen, panels } = app;
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
    if (tool === "look") return app.changed();
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
    app.changed();
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
      if (tool === "look") app.changed();
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
    app.changed();
  }
  const samples = node("div", { class: "live-samples", role: "group", "aria-label": "Pictures to begin with" });
  let current = null;
  for (const sample of page.samples) {
    const bytes = live.bytesOf(sample.pixels);
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
    const title = visible(file.name) || "the picture";
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
  const classes = classBars(app);
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
function classBars(app) {
  const { page, network, chosen, panels } = app;
  const list = node("div", { class: "live-classes", role: "radiogroup", "aria-label": "The class that the loss is for" });
  const rows = page.classes.map((title, label) => {
    const input = node("input", { type: "radio", name: "live-class", value: label });
    input.addEventListener("change", () => {
      network.label = label;
      chosen.isLabelOpen = false;
      app.changed({ first: app.last });
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
    sentence.textContent = `Loss for “${page.classes[network.label]}”: L = −ln ${network.probabilityText} = `
      + digits(network.loss);
  });
  return node("div", {}, list, sentence);
}
