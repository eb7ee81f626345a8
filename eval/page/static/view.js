// Draws what was found in a picture: labels or confidence over it, samples as dots.

// Dark where the network is unsure, bright where it is sure; read off at even distances.
const ANCHORS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
export const LEAST_SURE = 0.3; // what the ramp begins with; below it all is as dark

export function rampColour(share) {
  const place = Math.min(1, Math.max(0, share)) * (ANCHORS.length - 1);
  const low = Math.min(ANCHORS.length - 2, Math.floor(place));
  return ANCHORS[low].map((level, i) => Math.round(level + (place - low) * (ANCHORS[low + 1][i] - level)));
}

const RAMP = Array.from({ length: 256 }, (_, level) =>
  rampColour((level / 255 - LEAST_SURE) / (1 - LEAST_SURE)));

function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

async function unpacked(text, Kind) {
  if (text === null) return null;
  const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Kind(await new Response(stream).arrayBuffer());
}

// A line of the server, made ready to be drawn; kept compressed until then.
export async function unpack(line) {
  const blob = new Blob([bytesOf(line.picture)], { type: "image/jpeg" });
  const [bitmap, found] = await Promise.all([
    createImageBitmap(blob),
    Promise.all(line.found.map(async (each) => ({
      labels: await unpacked(each.labels, Uint8Array),
      confidence: await unpacked(each.confidence, Uint8Array),
      points: await unpacked(each.points, Uint16Array),
      milliseconds: each.milliseconds,
    }))),
  ]);
  return { bitmap, found, height: line.size[0], width: line.size[1] };
}

// How a picture is shown: mode, strength 0..1, the one class that is kept bright or null.
export function paint(canvas, shown, found, classes, choice) {
  const { height, width } = shown;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(shown.bitmap, 0, 0);
  if (choice.mode === "picture") return;
  const picture = context.getImageData(0, 0, width, height);
  const level = picture.data;
  const sure = choice.mode === "confidence" && found.confidence;
  for (let i = 0, at = 0; i < height * width; i += 1, at += 4) {
    const label = found.labels[i];
    const colour = sure ? RAMP[found.confidence[i]] : classes[label]?.colour;
    let strength = choice.strength;
    if (choice.only !== null && label !== choice.only) strength *= 0.25;
    if (!colour) continue;
    // Over grey, so that no colour of the picture is taken for one of the ramp.
    const grey = 0.3 * level[at] + 0.59 * level[at + 1] + 0.11 * level[at + 2];
    for (let c = 0; c < 3; c += 1) {
      const under = sure ? grey : level[at + c];
      level[at + c] = under + strength * (colour[c] - under);
    }
  }
  context.putImageData(picture, 0, 0);
}

// Dots in a canvas of its own, at the pixels of the screen, so that they stay round and fine.
export function dots(canvas, shown, found, visible) {
  const box = canvas.parentElement.getBoundingClientRect();
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(box.width * scale);
  canvas.height = Math.round(box.height * scale);
  if (!visible || !found.points) return;
  const context = canvas.getContext("2d");
  const count = found.points.length / 2;
  const spacing = Math.sqrt((canvas.width * canvas.height) / count);
  const radius = Math.min(3 * scale, Math.max(0.6, spacing * 0.17));
  for (const [colour, r] of [["rgb(0 0 0 / 55%)", radius * 1.6], ["#fff", radius]]) {
    context.fillStyle = colour;
    for (let i = 0; i < count; i += 1) {
      const y = (found.points[2 * i] / 65535) * canvas.height;
      const x = (found.points[2 * i + 1] / 65535) * canvas.width;
      context.fillRect(x - r, y - r, 2 * r, 2 * r);
    }
  }
}

// Share of each class in a label map, most first: [label, share].
export function shares(labels, classes) {
  const counts = new Array(classes.length).fill(0);
  for (const label of labels) if (label < counts.length) counts[label] += 1;
  return counts.map((count, label) => [label, count / labels.length]);
}

export function mean(levels) {
  let sum = 0;
  for (const level of levels) sum += level;
  return sum / levels.length / 255;
}

export function differing(first, second) {
  let count = 0;
  for (let i = 0; i < first.length; i += 1) count += first[i] !== second[i];
  return count / first.length;
}
