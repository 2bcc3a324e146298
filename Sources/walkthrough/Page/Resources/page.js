"use strict";

// The page is whole without this script. It adds what moves: pieces show their controls only here.
const data = JSON.parse(document.getElementById("data").textContent);
const wantsStillness = matchMedia("(prefers-reduced-motion: reduce)");

/** Numbers as the rest of the page writes them: grouped, or in four significant digits. */
const grouped = (number) => Math.round(number).toLocaleString("en-US");
function digits(number, count = 4) {
  if (!Number.isFinite(number)) return "∞";
  const exponent = number === 0 ? 0 : Math.floor(Math.log10(Math.abs(number)));
  if (exponent < -4 || exponent >= count) {
    if (exponent >= count && exponent < 7) return String(Math.round(number));
    return number.toExponential(count - 1).replace(/\.?0+e/, "e");
  }
  return String(Number(number.toPrecision(count))).replace("-", "−");
}

/** The width to draw in, so that text in a drawing is as large as text beside it. */
const widthOf = (element) => Math.min(Math.max(element.clientWidth, 240), 720);

/**
 * An element of SVG with attributes, whose names are written in this script. Here as elsewhere a text
 * becomes text, never elements or code: the page's policy refuses what would make those of it.
 */
function svg(name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** A slider with its label and value, as the pieces that are there without the script have them. */
function slider(label, least, greatest, value, onChange) {
  const box = document.createElement("label");
  box.className = "slider";
  const name = document.createElement("span");
  name.textContent = label;
  const input = document.createElement("input");
  Object.assign(input, { type: "range", min: least, max: greatest, step: 1 });
  input.value = value;
  const shown = document.createElement("output");
  shown.textContent = value;
  input.addEventListener("input", () => {
    shown.textContent = input.value;
    onChange(Number(input.value));
  });
  box.append(name, input, shown);
  return { box, input, shown };
}

/** Calls `update` with the values of all controls of a piece, now and after every change. */
function watchControls(piece, update) {
  const controls = piece.querySelector(".controls");
  controls.hidden = false;
  const read = () => {
    const values = {};
    for (const input of controls.querySelectorAll("input")) {
      if (input.type === "radio") {
        if (input.checked) values[input.name] = input.value;
      } else {
        values[input.name] = Number(input.value);
        input.nextElementSibling.textContent = input.value;
      }
    }
    update(values);
  };
  controls.addEventListener("input", read);
  read();
}

// The entry of the contents that belongs to what is on the screen.
{
  const links = new Map();
  for (const link of document.querySelectorAll(".contents li a")) {
    links.set(link.getAttribute("href").slice(1), link);
  }
  let current = null;
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const link = links.get(entry.target.id);
      if (!entry.isIntersecting || !link || link === current) continue;
      current?.removeAttribute("aria-current");
      link.setAttribute("aria-current", "true");
      current = link;
      // Where the contents are a row above the text, the row follows.
      const list = link.closest("ol");
      if (list.scrollWidth > list.clientWidth) {
        list.scrollLeft = link.offsetLeft - list.offsetLeft - list.clientWidth / 3;
      }
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  for (const id of links.keys()) {
    const target = document.getElementById(id);
    if (target) observer.observe(target);
  }
}

// A piece of a formula and the lines that compute it, in each version that is shown.
for (const link of document.querySelectorAll("a[data-lines]")) {
  const lines = () => link.dataset.lines.split(" ").map((id) => document.getElementById(id))
    .filter((line) => line);
  const mark = (isOn) => {
    link.classList.toggle("chosen", isOn);
    for (const line of lines()) line.classList.toggle("chosen", isOn);
  };
  for (const event of ["mouseenter", "focus"]) link.addEventListener(event, () => mark(true));
  for (const event of ["mouseleave", "blur"]) link.addEventListener(event, () => mark(false));
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const target = lines().find((line) => !line.closest("[hidden]")) ?? lines()[0];
    const details = target?.closest("details");
    if (!details) return;
    details.open = true;
    mark(true);
    target.scrollIntoView({
      behavior: wantsStillness.matches ? "auto" : "smooth", block: "center",
    });
  });
}

// Two versions of the code side by side: which ones is chosen above them.
for (const listings of document.querySelectorAll("[data-versions]")) {
  const versions = [...listings.querySelectorAll("[data-version]")];
  if (versions.length < 2) continue;
  const selects = [0, 1].map((side) => {
    const select = document.createElement("select");
    select.setAttribute("aria-label", side === 0 ? "Version on the left" : "Version on the right");
    for (const version of versions) {
      const option = document.createElement("option");
      option.value = option.textContent = version.dataset.version;
      select.append(option);
    }
    select.selectedIndex = side;
    return select;
  });
  const update = () => {
    const chosen = selects.map((select) => select.value);
    for (const version of versions) {
      version.hidden = !chosen.includes(version.dataset.version);
      version.classList.toggle("right", version.dataset.version === chosen[1]);
    }
  };
  for (const select of selects) select.addEventListener("change", update);
  const bar = document.createElement("div");
  bar.className = "controls";
  bar.append(...selects);
  listings.before(bar);
  update();
}

// A link to a line opens the listing that it stands in; paper shows all of them.
function openTarget() {
  // No id of the page holds a character that an address would have to encode.
  const target = document.getElementById(location.hash.slice(1));
  const closed = target && target.closest("details:not([open])");
  if (closed) {
    closed.open = true;
    target.scrollIntoView();
  }
}
addEventListener("hashchange", openTarget);
openTarget();
addEventListener("beforeprint", () => {
  for (const version of document.querySelectorAll("[data-version]")) version.hidden = false;
  for (const details of document.querySelectorAll("details")) details.open = true;
});
