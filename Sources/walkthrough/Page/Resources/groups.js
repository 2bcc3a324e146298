"use strict";

// Groups of a convolution on and off: a kernel sees 1/groups of the channels.
for (const piece of document.querySelectorAll("[data-groups]")) {
  const layer = data.layers.find((layer) => layer.anchor === piece.dataset.groups);
  const control = piece.querySelector(".control");
  const input = control.querySelector("input");
  const answer = control.querySelector("output");
  control.hidden = false;
  const update = () => {
    const groups = input.checked ? layer.groups : 1;
    const weights = layer.weights * layer.groups / groups;
    const added = weights - layer.weights;
    answer.textContent = `${grouped(weights + layer.biases)} parameters in ${layer.name}, `
      + `${grouped(data.parameters + added)} in the network; `
      + `${grouped(layer.macs * layer.groups / groups)} MACs`;
    piece.classList.toggle("joined", !input.checked);
  };
  input.addEventListener("change", update);
  update();
}
