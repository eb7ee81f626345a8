// The page: uploads files one after the other, keeps what came back, shows one picture of it.
import { LEAST_SURE, differing, dots, mean, paint, rampColour, shares, unpack } from "./view.js";

const MOST_KEPT = 24; // files; the oldest goes first
const FRAME_MS = 125; // between frames while a video plays
const at = (id) => document.getElementById(id);

const state = { about: null, items: [], item: null, index: 0, shown: null, only: null, waiting: [], timer: null };
let working = false;
let drawing = Promise.resolve();

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

const percent = (share) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)}\u00a0%`;

function say(text, done = null, most = null) {
  at("status-text").textContent = text;
  const bar = at("progress");
  bar.hidden = !text || !working;
  if (most > 1) Object.assign(bar, { value: done, max: most });
  else bar.removeAttribute("value");
}

function complain(text) {
  at("alert").textContent = text;
  at("alert").hidden = !text;
}

// ---- uploads

function take(files) {
  complain("");
  for (const file of files) {
    if (file.size > state.about.limits.bytes) {
      complain(`${file.name}: larger than ${state.about.limits.bytes / 1e6} MB; choose a smaller file`);
    } else state.waiting.push(file);
  }
  work();
}

async function work() {
  if (working) return;
  working = true;
  while (state.waiting.length) {
    const file = state.waiting.shift();
    try {
      await label(file);
    } catch (error) {
      complain(error.known ? error.message : `${file.name}: the server does not answer; is it running?`);
    }
  }
  working = false;
  say("");
}

function known(message) {
  return Object.assign(new Error(message), { known: true });
}

async function label(file) {
  say(`Labelling ${file.name} …`);
  const response = await fetch("label", {
    method: "POST",
    body: file,
    headers: { "content-type": "application/octet-stream", "x-name": encodeURIComponent(file.name) },
  });
  if (!response.ok) {
    const told = await response.json().catch(() => ({}));
    throw known(told.error || `${file.name}: the server failed (status ${response.status})`);
  }
  let item = null;
  let most = 1;
  let whole = false;
  for await (const line of lines(response.body)) {
    if (line.error) throw known(line.error);
    if (line.done) whole = true;
    else if (line.frames !== undefined) most = line.frames;
    else {
      item = item || add(file.name);
      item.frames.push(line);
      say(`Labelling ${file.name} …`, item.frames.length, most);
      if (state.item === item) {
        if (item.frames.length === 1) select(item);
        else settleFilm();
      }
    }
  }
  if (!whole) throw known(`${file.name}: the answer broke off; try again`);
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let parts = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const pieces = value.split("\n");
    parts.push(pieces.shift());
    for (const piece of pieces) {
      yield JSON.parse(parts.join(""));
      parts = [piece];
    }
  }
}

function add(name) {
  const item = { name, frames: [] };
  state.items.push(item);
  if (state.items.length > MOST_KEPT) state.items.shift();
  state.item = item;
  return item;
}

// ---- what is shown

function select(item) {
  stop();
  state.item = item;
  state.index = 0;
  state.only = null;
  settleStrip();
  settleFilm();
  show();
}

function settleStrip() {
  const strip = at("strip");
  strip.hidden = state.items.length < 2;
  strip.replaceChildren(...state.items.map((item) => {
    const picture = element("img", { src: `data:image/jpeg;base64,${item.frames[0].picture}`, alt: item.name });
    const button = element("button", { type: "button", title: item.name, onclick: () => select(item) }, picture);
    button.setAttribute("aria-current", String(item === state.item));
    return button;
  }));
}

function settleFilm() {
  const count = state.item.frames.length;
  at("film").hidden = count < 2;
  at("frame").max = count - 1;
  at("frame").value = state.index;
  moment();
}

function moment() {
  const { frames } = state.item;
  at("moment").textContent = `${frames[state.index].second.toFixed(2)} s · ${state.index + 1} of ${frames.length}`;
}

function go(index) {
  state.index = index;
  at("frame").value = index;
  moment();
  return show();
}

function stop() {
  clearTimeout(state.timer);
  state.timer = null;
  at("play").textContent = "Play";
}

async function play() {
  at("play").textContent = "Pause";
  const step = async () => {
    const began = performance.now();
    await go((state.index + 1) % state.item.frames.length);
    if (state.timer !== null) state.timer = setTimeout(step, Math.max(0, FRAME_MS - performance.now() + began));
  };
  state.timer = setTimeout(step, 0);
}

// One after the other, so that a slow picture does not overtake a later one.
function show() {
  const line = state.item.frames[state.index];
  drawing = drawing.then(async () => {
    if (line !== state.item.frames[state.index]) return;
    state.shown?.bitmap.close();
    state.shown = await unpack(line);
    state.shown.line = line;
    at("result").hidden = false;
    facts();
    draw();
  });
  return drawing;
}

function choice() {
  const mode = document.querySelector("input[name=mode]:checked").value;
  return { mode, strength: at("strength").value / 100, only: state.only };
}

function draw() {
  const { shown, about } = state;
  if (!shown) return;
  const how = choice();
  at("scale").hidden = how.mode !== "confidence";
  shown.found.forEach((found, i) => {
    const panel = at("panels").children[i];
    paint(panel.querySelector(".under"), shown, found, about.classes, how);
    dots(panel.querySelector(".dots"), shown, found, at("samples").checked);
  });
}

function facts() {
  const { shown, about } = state;
  const { size, stored } = shown.line;
  const shrunk = size[0] !== stored[0] || size[1] !== stored[1];
  const extent = `${size[1]}×${size[0]} pixels${shrunk ? ` (shrunk from ${stored[1]}×${stored[0]})` : ""}`;
  shown.found.forEach((found, i) => {
    const panel = at("panels").children[i];
    const told = panel.querySelector(".told");
    told.replaceChildren(element("strong", { textContent: `${found.milliseconds.toFixed(0)} ms` }), ` · ${extent}`);
    if (found.confidence) told.append(` · mean confidence ${percent(mean(found.confidence))}`);
    panel.querySelector(".here").textContent = "";
  });
  at("differ").textContent = shown.found.length > 1
    ? `The two give different labels to ${percent(differing(shown.found[0].labels, shown.found[1].labels))} of the pixels.`
    : "";
  at("samples-choice").hidden = !shown.found.some((found) => found.points);
  at("mode-confidence").hidden = !shown.found.some((found) => found.confidence);
  at("share").textContent = `Share of the pixels${shown.found.length > 1 ? " by the first" : ""}; choose a class to see it alone:`;
  legend(shares(shown.found[0].labels, about.classes));
}

function legend(found) {
  const order = found.sort((a, b) => b[1] - a[1]);
  at("legend").replaceChildren(...order.map(([label, share]) => {
    const { name, colour } = state.about.classes[label];
    const dot = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [key, value] of [["width", 18], ["height", 18], ["fill", `rgb(${colour.join(" ")})`]]) box.setAttribute(key, value);
    dot.append(box);
    const button = element("button", { type: "button", title: "Show this class alone" }, dot, name);
    if (share > 0) button.append(element("small", { textContent: percent(share) }));
    else button.className = "absent";
    button.setAttribute("aria-pressed", String(state.only === label));
    button.onclick = () => {
      state.only = state.only === label ? null : label;
      for (const other of at("legend").querySelectorAll("button")) other.setAttribute("aria-pressed", "false");
      button.setAttribute("aria-pressed", String(state.only === label));
      draw();
    };
    return element("li", {}, button);
  }));
}

// The class and the confidence under the pointer, in every panel at the same place.
function point(event) {
  const { shown, about } = state;
  if (!shown) return;
  const box = event.currentTarget.getBoundingClientRect();
  const x = Math.floor(((event.clientX - box.left) / box.width) * shown.width);
  const y = Math.floor(((event.clientY - box.top) / box.height) * shown.height);
  if (x < 0 || y < 0 || x >= shown.width || y >= shown.height) return;
  shown.found.forEach((found, i) => {
    const place = y * shown.width + x;
    const name = about.classes[found.labels[place]]?.name || "no class";
    const sure = found.confidence ? ` · ${percent(found.confidence[place] / 255)}` : "";
    at("panels").children[i].querySelector(".here").textContent = `here: ${name}${sure}`;
  });
}

function leave() {
  for (const here of document.querySelectorAll(".here")) here.textContent = "";
}

function save() {
  document.querySelectorAll(".picture").forEach((picture, i) => {
    const [under, over] = picture.querySelectorAll("canvas");
    const whole = element("canvas", { width: under.width, height: under.height });
    const context = whole.getContext("2d");
    context.drawImage(under, 0, 0);
    if (at("samples").checked) context.drawImage(over, 0, 0, under.width, under.height);
    whole.toBlob((blob) => {
      const address = URL.createObjectURL(blob);
      const stem = state.item.name.replace(/\.[^.]*$/, "");
      element("a", { href: address, download: `${stem}_${choice().mode}${i ? `_${i + 1}` : ""}.png` }).click();
      URL.revokeObjectURL(address);
    });
  });
}

// ---- setting up

function panel({ name, note }) {
  const picture = element("div", { className: "picture" },
    element("canvas", { className: "under" }), element("canvas", { className: "dots" }));
  picture.onpointermove = point;
  picture.onpointerleave = leave;
  const about = element("p", { className: "quiet note", textContent: note });
  const told = element("div", { className: "facts" },
    element("span", { className: "told" }), element("span", { className: "here" }));
  return element("article", { className: "panel" }, element("h3", { textContent: name }), about, picture, told);
}

async function example(number) {
  const response = await fetch(`examples/${number}`);
  take([new File([await response.blob()], `drawn street ${number + 1}.jpg`)]);
}

function ramp() {
  const context = at("ramp").getContext("2d");
  for (let i = 0; i < 256; i += 1) {
    context.fillStyle = `rgb(${rampColour(i / 255).join(" ")})`;
    context.fillRect(i, 0, 1, 1);
  }
  at("scale").firstElementChild.textContent = `${LEAST_SURE * 100} % or less`;
  at("scale").lastElementChild.textContent = "100 % sure";
}

function listen() {
  const drop = at("drop");
  addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer.files);
  });
  addEventListener("paste", (event) => take(event.clipboardData.files));
  at("files").onchange = (event) => { take(event.target.files); event.target.value = ""; };
  for (const mode of document.querySelectorAll("input[name=mode]")) mode.onchange = draw;
  at("strength").oninput = draw;
  at("samples").onchange = draw;
  at("frame").oninput = (event) => { stop(); go(Number(event.target.value)); };
  at("play").onclick = () => (state.timer === null ? play() : stop());
  at("save").onclick = save;
  addEventListener("resize", draw);
}

async function begin() {
  const response = await fetch("about");
  state.about = await response.json();
  const { title, panels, limits, examples } = state.about;
  at("title").textContent = title;
  at("limits").textContent = `Up to ${limits.bytes / 1e6} MB and ${limits.megapixels} megapixels; `
    + `of a video the first ${limits.seconds} s, ${limits.frames} frames at most.`;
  at("panels").replaceChildren(...panels.map(panel));
  at("panels").classList.toggle("single", panels.length === 1);
  at("example-list").replaceChildren(...Array.from({ length: examples }, (_, i) => element("button",
    { type: "button", title: `Label drawn street ${i + 1}`, onclick: () => example(i) },
    element("img", { src: `examples/${i}`, alt: `Drawn street ${i + 1}` }))));
  at("examples").hidden = examples === 0;
  ramp();
  listen();
  const wanted = /^#example=(\d+)$/.exec(location.hash);
  if (wanted) await example(Number(wanted[1]) - 1);
}

begin().catch(() => complain("The server does not answer; is it running?"));
