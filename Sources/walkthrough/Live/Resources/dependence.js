"use strict";

// What a score depends on: two answers.

function dependencePanel(app) {
  const { page, network, side, area, panels, later } = app;
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
  later.push(drawSaliency);
  occlusion.hidden = true;
  return node("div", { class: "live-panel" }, heading("What does the score depend on?"),
    node("p", {}, "Two answers, for the class that is chosen above. Saliency asks the gradient; "
      + "occlusion covers a square of 15×15 pixels with grey, at one place after the other, and looks at "
      + "what is left of the score."),
    node("div", { class: "live-pair" },
      node("figure", {}, saliency, saliencyText),
      node("figure", {}, node("div", { class: "buttons" }, run), occlusion, occlusionText)));
}
