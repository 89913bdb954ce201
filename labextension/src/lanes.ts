/** Where commits and the lines between them are drawn: each branch of the history has a lane. */

export interface LaneRow {
  /** Lane of the commit's dot. */
  lane: number;
  /** Lines through this row, from a lane at its top to one at its bottom; null: it ends or begins at the dot. */
  lines: { from: number | null; to: number | null }[];
  /** How many lanes there are. */
  width: number;
}

/** Lays out commits one after another, children before parents, so that pages can follow one another. */
export class Lanes {
  /** What each lane waits for. */
  private waiting: (string | null)[] = [];

  add(commit: { id: string; parents: readonly string[] }): LaneRow {
    const above = this.waiting.slice();
    let lane = above.indexOf(commit.id);
    if (lane < 0) {
      lane = this.free();
    }
    const below = above.map(each => (each === commit.id ? null : each));
    this.waiting = below;
    const into: number[] = [];
    commit.parents.forEach((parent, place) => {
      let at = this.waiting.indexOf(parent);
      if (at < 0) {
        at = place === 0 ? lane : this.free();
        this.waiting[at] = parent;
      }
      into.push(at);
    });
    const lines: LaneRow['lines'] = [];
    above.forEach((each, from) => {
      if (each === commit.id) {
        lines.push({ from, to: null });
      } else if (each !== null) {
        lines.push({ from, to: from });
      }
    });
    into.forEach(to => lines.push({ from: null, to }));
    while (this.waiting.length && this.waiting[this.waiting.length - 1] === null) {
      this.waiting.pop();
    }
    return { lane, lines, width: Math.max(above.length, this.waiting.length, lane + 1) };
  }

  private free(): number {
    const found = this.waiting.indexOf(null);
    if (found >= 0) {
      return found;
    }
    this.waiting.push(null);
    return this.waiting.length - 1;
  }
}

const SVG = 'http://www.w3.org/2000/svg';
const STEP = 12;
const MOST_LANES = 8;

/** Draw a row, `height` pixels high. */
export function drawn(row: LaneRow, height: number): SVGSVGElement {
  const x = (lane: number) => (Math.min(lane, MOST_LANES - 1) + 0.5) * STEP;
  const width = Math.min(row.width, MOST_LANES) * STEP;
  const middle = height / 2;
  const svg = document.createElementNS(SVG, 'svg');
  set(svg, { class: 'lf-lanes', width, height, viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' });
  for (const { from, to } of row.lines) {
    const [x1, y1] = from === null ? [x(row.lane), middle] : [x(from), 0];
    const [x2, y2] = to === null ? [x(row.lane), middle] : [x(to), height];
    const path = document.createElementNS(SVG, 'path');
    const bend = (y1 + y2) / 2;
    set(path, { d: `M${x1} ${y1}C${x1} ${bend} ${x2} ${bend} ${x2} ${y2}`, class: `lf-lane lf-lane-${(to ?? from ?? 0) % 5}` });
    svg.append(path);
  }
  const dot = document.createElementNS(SVG, 'circle');
  set(dot, { cx: x(row.lane), cy: middle, r: 4, class: `lf-dot lf-lane-${row.lane % 5}` });
  svg.append(dot);
  return svg;
}

function set(node: Element, attributes: Record<string, string | number>): void {
  for (const [name, value] of Object.entries(attributes)) {
    node.setAttribute(name, String(value));
  }
}
