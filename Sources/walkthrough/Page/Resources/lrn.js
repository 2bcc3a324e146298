"use strict";

/** in · (k + α/n · (in² + neighbours))^−β, the convention of Caffe. */
function normalised(value, { k, alpha, beta, n, energy }) {
  return value * Math.pow(k + alpha / n * (value * value + energy), -beta);
}

for (const piece of document.querySelectorAll("[data-curves]")) {
  const drawing = piece.querySelector(".drawing");
  const answer = piece.querySelector(".answer");
  watchControls(piece, (values) => {
    const settings = {
      ...values, alpha: Math.pow(10, values.alpha),
      energy: (values.n - 1) * values.neighbours * values.neighbours,
    };
    const points = [];
    for (let value = 0; value <= 200; value += 4) points.push([value, normalised(value, settings)]);
    const top = Math.max(...points.map((point) => point[1]), 1e-9);
    drawing.replaceChildren(drawCurve(points, top, widthOf(drawing)));
    answer.textContent = `α = ${digits(settings.alpha)}: an input of 100 among ${values.n - 1} `
      + `neighbours of ${values.neighbours} becomes ${digits(normalised(100, settings))}`;
  });
}

/** The least of 1, 2 and 5 times a power of ten that is no less than a number. */
function roundStep(number) {
  const power = Math.pow(10, Math.floor(Math.log10(number)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= number * 0.9999);
}

/** The curve on axes with numbers, and the input itself as a dashed line. */
function drawCurve(points, greatest, room) {
  const [left, bottom, width, height] = [52, 202, room - 70, 180];
  const rise = roundStep(greatest / 5);
  const steps = Math.ceil(greatest / rise * 0.9999);
  const top = steps * rise;
  const x = (value) => left + value / 200 * width;
  const y = (value) => bottom - value / top * height;
  const picture = svg("svg", {
    viewBox: `0 0 ${room} 246`, role: "img",
    "aria-label": `The output for inputs from 0 to 200: it reaches ${digits(greatest)}`,
  });
  for (let step = 0; step <= steps; step++) {
    const value = step * rise;
    picture.append(
      svg("line", { class: "grid-line", x1: left, x2: left + width, y1: y(value), y2: y(value) }),
      svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, digits(value, 3)));
  }
  for (let value = 0; value <= 200; value += 50) {
    picture.append(svg("text", { x: x(value), y: bottom + 18, "text-anchor": "middle" }, value));
  }
  const path = (list) => list.map(([a, b], i) => `${i ? "L" : "M"}${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join("");
  const limit = Math.min(200, top);
  picture.append(
    svg("path", { class: "plain", d: path([[0, 0], [limit, limit]]) }),
    svg("path", { class: "curve", d: path(points) }),
    svg("text", { x: left, y: 12 }, "output; dashed: without normalisation"),
    svg("text", { x: left + width, y: bottom + 36, "text-anchor": "end" }, "input"));
  return picture;
}
