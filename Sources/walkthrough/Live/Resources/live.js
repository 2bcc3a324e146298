"use strict";

/**
 * The part of a page that computes. Each panel is a function of this app that builds its elements once, puts
 * what draws them into `panels`, and returns them; `changed` runs the network and draws all panels.
 */
class LiveApp {
  constructor(page) {
    this.page = page;
    this.network = new live.LiveNetwork(page, live.floatsOf(page.parameters));
    [, this.side] = page.input;
    this.area = this.side * this.side;
    /** Red, green and blue of each pixel of the picture. */
    this.pixels = new Uint8ClampedArray(3 * this.area);
    /** The layer of the loss. */
    this.last = this.network.layers.length - 1;
    this.firstConvolution = this.network.layers.findIndex((layer) => layer.type === "Convolution");
    /** What is looked at: a value of a layer, one of the channels that it is made of, and a weight there. */
    this.chosen = {
      layer: -1, channel: 0, row: 0, column: 0, source: 0, i: 0, j: 0,
      view: "values", pixel: [this.side >> 1, this.side >> 1],
      /** Whether the class of the loss is the likeliest one, as nobody has chosen one. */
      isLabelOpen: false,
    };
    this.panels = [];
    /** What takes longer, and is done once nothing has changed for a while. */
    this.later = [];
    /** What the next run has to do; `null` when nothing has changed. */
    this.awaited = null;
    this.nudge = new Nudge(this);
  }

  loadPixels() {
    for (let c = 0; c < 3; c++) {
      for (let i = 0; i < this.area; i++) {
        this.network.input[c * this.area + i] =
          (this.pixels[3 * i + inputOrder[c]] - this.page.mean[c]) * this.page.scale;
      }
    }
  }

  /** Runs the network from a layer on, and draws everything when the screen is drawn next. */
  changed({ first = 0, isNudge = false } = {}) {
    if (!isNudge) this.nudge.letGo();
    // The picture is read when the network runs: until then, what runs in pieces may still put back what
    // it knows of the one before.
    const { awaited } = this;
    this.awaited = {
      first: Math.min(first, awaited?.first ?? Infinity), isNudge: isNudge && (awaited?.isNudge ?? true),
      isPictureNew: (first === 0 && !isNudge) || Boolean(awaited?.isPictureNew),
    };
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.runNow();
    });
  }

  runNow() {
    if (!this.awaited) return;
    const { network, chosen } = this;
    const { first, isNudge, isPictureNew } = this.awaited;
    this.awaited = null;
    if (isPictureNew) this.loadPixels();
    network.forward(first);
    // Nobody said what an own picture shows: the loss is for what the network takes it for.
    if (chosen.isLabelOpen && !isNudge) {
      network.label = network.probabilities.indexOf(Math.max(...network.probabilities));
      network.forward(this.last);
    }
    network.backward();
    if (!isNudge) this.nudge.begin();
    for (const draw of this.panels) draw();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { for (const task of this.later) task(); }, 250);
  }

  /** Moves what is looked at, within the layer's extents. */
  choose(changes) {
    const { chosen } = this;
    const former = chosen.layer;
    Object.assign(chosen, changes);
    const { output: [channels, rows, columns], values } = this.network.layers[chosen.layer];
    if (chosen.layer !== former) {
      // The channel that is most awake, and its most awake place.
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
    this.changed({ first: this.last });
  }
}

/**
 * Does `step` with 0, 1, 2, … until it returns false or the owner's next run begins, without blocking the
 * page. `pause` puts everything back before anybody else may look at the network.
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

if (document.getElementById("live-app")) {
  const app = new LiveApp(JSON.parse(document.getElementById("live-data").textContent));
  const place = document.getElementById("live-app");
  place.append(picturePanel(app), insidePanel(app), nudgePanel(app), dependencePanel(app));
  if (app.page.history) place.append(learningPanel(app));
  place.hidden = false;
  document.querySelector(".live-fallback").hidden = true;
  // Seen from the start: the busiest map of the first convolution.
  app.loadPixels();
  app.network.forward();
  app.choose({ layer: Math.max(app.firstConvolution, 0) });
  app.runNow();
  app.nudge.takeStrongest();
  place.network = app.network;
}
