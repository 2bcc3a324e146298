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

/** The curve on axes with numbers, and the input itself as a dashed line. */
function drawCurve(points, top, room) {
  const [left, bottom, width, height] = [44, 200, room - 62, 180];
  const x = (value) => left + value / 200 * width;
  const y = (value) => bottom - value / top * height;
  const picture = svg("svg", {
    viewBox: `0 0 ${room} 232`, role: "img", "aria-label": `Output from 0 to ${digits(top)}`,
  });
  for (let step = 0; step <= 4; step++) {
    const value = top * step / 4;
    picture.append(
      svg("line", { class: "grid-line", x1: left, x2: left + width, y1: y(value), y2: y(value) }),
      svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, digits(value, 3)),
      svg("text", { x: x(50 * step), y: bottom + 18, "text-anchor": "middle" }, 50 * step));
  }
  const path = (list) => list.map(([a, b], i) => `${i ? "L" : "M"}${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join("");
  const limit = Math.min(200, top);
  picture.append(
    svg("path", { class: "plain", d: path([[0, 0], [limit, limit]]) }),
    svg("path", { class: "curve", d: path(points) }),
    svg("text", { x: left + width, y: bottom + 30, "text-anchor": "end" }, "input"));
  return picture;
}
