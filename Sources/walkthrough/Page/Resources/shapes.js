"use strict";

/**
 * The size that comes out of a window sliding over `size` rows, or the rule that is broken.
 * As `ConvolutionSpecification` and `PoolingSpecification` compute it.
 */
function outputSize({ operation, size, kernel, stride, pad }) {
  const way = size + 2 * pad - kernel;
  if (way < 0) return { rule: `kernel ${kernel}: must not be larger than the padded input ${size + 2 * pad}` };
  if (operation === "convolution") return { size: Math.floor(way / stride) + 1 };
  if (pad >= kernel) return { rule: `pad ${pad}: must be smaller than the kernel ${kernel}` };
  const count = Math.ceil(way / stride) + 1;
  const isDropped = pad > 0 && (count - 1) * stride >= size + pad;
  const windows = isDropped ? count - 1 : count;
  if ((windows - 1) * stride >= size + pad) {
    return { rule: `stride ${stride}: must not leave the last window outside the input ${size}` };
  }
  return { size: windows, isDropped };
}

/** The answer in words, with the arithmetic. */
function shapeAnswer(values) {
  const result = outputSize(values);
  if (result.rule) return result.rule;
  const { operation, size, kernel, stride, pad } = values;
  const [open, close] = operation === "convolution" ? ["⌊", "⌋"] : ["⌈", "⌉"];
  const padded = pad === 0 ? `${size}` : `${size} + 2·${pad}`;
  const dropped = result.isDropped ? " − 1, as the last window would begin beyond the input" : "";
  return `${result.size} = ${open}(${padded} − ${kernel})/${stride}${close} + 1${dropped}`;
}

for (const piece of document.querySelectorAll("[data-shapes]")) {
  const answer = piece.querySelector(".answer");
  const drawing = piece.querySelector(".drawing");
  watchControls(piece, (values) => {
    const result = outputSize(values);
    answer.textContent = shapeAnswer(values);
    answer.classList.toggle("wrong", result.rule !== undefined);
    drawing.replaceChildren(...(result.rule ? [] : drawWindows(values, result.size, widthOf(drawing))));
  });
}

/** One row of the input, its padding, and the windows on it; and what is to be seen. */
function drawWindows({ size, kernel, stride, pad }, count, width) {
  const first = -pad;
  const end = Math.max(size + pad, first + (count - 1) * stride + kernel);
  const unit = width / (end - first);
  const shown = Math.min(count, 12);
  const x = (position) => (position - first) * unit;
  const height = 40 + 9 * shown;
  const picture = svg("svg", {
    viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `${count} windows of ${kernel} over ${size} positions`,
  });
  const reach = first + (count - 1) * stride + kernel;
  for (let position = first; position < end; position++) {
    const isInside = position >= 0 && position < size;
    const kind = !isInside ? "pad" : position < reach ? "inside" : "missed";
    picture.append(svg("rect", {
      class: kind, x: x(position) + 0.5, y: 10, width: Math.max(unit - 1, 0.5), height: 18,
    }));
  }
  for (let index = 0; index < shown; index++) {
    const start = first + index * stride;
    const isOver = start + kernel > size + pad;
    const y = 38 + 9 * index;
    picture.append(svg("line", {
      class: isOver ? "window over" : "window", x1: x(start) + 1, x2: x(start + kernel) - 1, y1: y, y2: y,
    }));
  }
  const more = count > shown ? `the first ${shown} of ${count} windows` : `${count} windows`;
  const missed = Math.max(size - reach, 0);
  const left = missed > 0 ? `; the last ${missed} of the input are seen by none` : "";
  const text = document.createElement("p");
  text.className = "note";
  text.textContent = more + left;
  return [picture, text];
}

for (const piece of document.querySelectorAll("[data-order]")) {
  const answer = piece.querySelector(".answer");
  watchControls(piece, ({ order }) => {
    answer.textContent = `${answer.dataset[order]} values to normalise an image`;
  });
}
