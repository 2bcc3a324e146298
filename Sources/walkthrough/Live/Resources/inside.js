"use strict";

// A layer's maps, and what can be switched off. How one of its values is computed is in value.js.

function insidePanel(app) {
  const { network, chosen, panels } = app;
  const strip = radios("Layer", network.layers.map((layer, index) => [String(index), layer.name, layer.kind]),
    String(chosen.layer), (value) => app.choose({ layer: Number(value) }), "live-strip");
  const view = radios("Maps of", [["values", "its output"], ["gradient", "∂L/∂output"]], "values",
    (value) => app.choose({ view: value }));
  const maps = canvas("The layer's maps");
  const { element, mark } = marked(maps);
  element.classList.add("live-maps");
  const controls = {};
  const sliders = node("div", { class: "live-sliders" });
  for (const [key, label] of [["channel", "channel"], ["row", "row"], ["column", "column"]]) {
    controls[key] = slider(label, 0, 1, 0, (value) => app.choose({ [key]: value }));
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
    app.choose({ channel, row: Math.min(y % (rows + 1), rows - 1),
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
    const what = chosen.view === "gradient" ? " of ∂L/∂output" : "";
    element.hidden = values.length === 1;
    caption.textContent = values.length === 1 ? `${layer.name}: one number${what}, ${digits(values[0])}.`
      : `${layer.name}: ${layer.output.join("×")} values${what}, at most ±${digits(scale.most)}. `
        + "Choose one by the sliders, or click it.";
  });
  return node("div", { class: "live-panel" },
    heading("Look inside"), strip,
    node("div", { class: "live-columns" },
      node("div", {}, node("div", { class: "live-tools" }, view), node("figure", {}, element, caption), sliders, switches(app)),
      sumPanel(app)));
}


function switches(app) {
  const { network, chosen, panels } = app;
  const channel = checkbox("channel off", (isOff) => set(isOff, [chosen.channel]));
  const group = checkbox("group off", (isOff) => {
    const layer = network.layers[chosen.layer];
    const size = layer.output[0] / layer.group;
    const start = Math.floor(chosen.channel / size) * size;
    set(isOff, Array.from({ length: size }, (_, i) => start + i));
  });
  const skip = checkbox("without this layer", (isOff) => {
    network.layers[chosen.layer].isSkipped = isOff;
    app.changed({ first: chosen.layer });
  });
  const drop = checkbox("drop at random, as in training", (isOn) => {
    const layer = network.layers[chosen.layer];
    layer.mask = isOn ? layer.values.map(() => (Math.random() < layer.ratio ? 0 : 1 / (1 - layer.ratio))) : null;
    app.changed({ first: chosen.layer });
  });
  function set(isOff, channels) {
    const { muted } = network.layers[chosen.layer];
    for (const channel of channels) {
      if (isOff) muted.add(channel);
      else muted.delete(channel);
    }
    app.changed({ first: chosen.layer });
  }
  const list = node("p", { class: "note" });
  const reset = button("All on again", () => {
    for (const layer of network.layers) {
      layer.muted.clear();
      [layer.isSkipped, layer.mask] = [false, null];
    }
    app.changed();
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
