// Encoding of lines as text: whole units, each point as the difference from the point before, in letters of five bits.
// src/pages/dams/basemap/arcs.ts decodes it.

function letters(value) {
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  let text = '';
  do {
    const part = rest & 31;
    rest >>>= 5;
    text += String.fromCharCode((rest ? part | 32 : part) + 63);
  } while (rest);
  return text;
}

export function encode(points) {
  let [px, py] = [0, 0];
  let text = '';
  for (const point of points) {
    const [x, y] = point.map(Math.round);
    if (text && x === px && y === py) continue;
    text += letters(x - px) + letters(y - py);
    [px, py] = [x, y];
  }
  return text;
}
