// A table that shows any part of any number of rows and columns, each part when it comes into sight.

const ROW_HEIGHT = 22;
const GRID_STYLE = `
.lf-grid{position:relative;height:24.5em;border:1px solid var(--lf-line);overflow:hidden}
.lf-grid regular-table{position:absolute;inset:0;outline:none;padding:0;scrollbar-width:thin;
scrollbar-color:var(--lf-soft) transparent}
.lf-grid regular-table>div{position:absolute;inset:0;overflow:hidden}
.lf-grid table{position:absolute;overflow:hidden;border-collapse:separate!important;border-spacing:0;outline:none;color:var(--lf-text);font-size:.92em;margin:0}
.lf-grid tbody td,.lf-grid thead th:not(.rt-group-corner){transform:translate(var(--regular-table--transform-x,0px),0)}
.lf-grid tbody{transform:translate(0,var(--regular-table--transform-y,0px))}
.lf-grid tbody tr:first-child td,.lf-grid tbody tr:first-child th{clip-path:polygon(0 var(--regular-table--clip-y,0),0 100%,100% 100%,100% var(--regular-table--clip-y,0))}
.lf-grid tbody tr td:first-of-type{clip-path:polygon(var(--regular-table--clip-x,0) 0,var(--regular-table--clip-x,0) 100%,100% 100%,100% 0)}
.lf-grid tbody tr:first-child td:first-of-type{clip-path:polygon(var(--regular-table--clip-x,0) var(--regular-table--clip-y,0),var(--regular-table--clip-x,0) 100%,100% 100%,100% var(--regular-table--clip-y,0))}
.lf-grid td,.lf-grid th{white-space:pre;height:${ROW_HEIGHT}px;padding:0 .8em 0 .4em;text-align:left;box-sizing:border-box;
border:0;border-bottom:1px solid var(--lf-line);max-width:32em;overflow:hidden;text-overflow:ellipsis;cursor:default}
.lf-grid thead tr:not(.rt-autosize) th{overflow:hidden}
.lf-grid thead th{position:relative;font-weight:600;color:var(--lf-soft);background:var(--jp-layout-color1,Canvas)}
.lf-grid tbody th{font-weight:400;color:var(--lf-soft);background:var(--jp-layout-color1,Canvas)}
.lf-grid tr{background:none!important}
.lf-grid td.lf-at{box-shadow:inset 0 0 0 2px var(--jp-brand-color1,#1976d2)}
.lf-grid .rt-cell-clip{overflow:hidden;text-overflow:ellipsis}
.lf-grid .rt-column-resize{height:100%;width:8px;position:absolute;top:0;right:0;cursor:col-resize}
`;

// `rows(window)` promises {count, y0, x0, heads, sides, texts, …}: texts column by column, each a text or [old, new];
// `paint(td, window, x, y)` gives a cell its looks; `chosen(x, y)` hears of clicks and Enter.
function makeGrid({ first, width, rows, paint, paintSide, chosen, moved }) {
  const table = document.createElement("regular-table");
  const box = make("div", { className: "lf-grid", tabindex: "0", role: "region", "aria-label": "rows; arrow keys move, Enter tells more of a cell" }, table);
  let shown = first, epoch = 0, at = null, count = first.count;
  const fit = () => (box.style.height = `min(24.5em, ${(count + 1) * ROW_HEIGHT + 14}px)`);
  fit();

  const nodeOf = (text) => {
    if (typeof text === "string") return text;
    return make("span", {}, make("del", {}, text[0]), " → ", make("ins", {}, text[1]));
  };
  const holds = (part, x0, y0, x1, y1) =>
    part && part.epoch === epoch && part.x0 <= x0 && part.y0 <= y0 &&
    part.x0 + part.heads.length >= x1 && part.y0 + part.sides.length >= y1;
  first.epoch = epoch;

  table.setDataListener(async (x0, y0, x1, y1) => {
    x1 = Math.min(x1, width);
    if (x1 <= x0 || y1 <= y0) return { num_rows: count, num_columns: width, num_row_headers: 1, num_column_headers: 1, data: [] };
    let part = shown;
    // An answer to what was asked before the choice of rows changed is dropped, and asked again.
    while (!holds(part, x0, Math.min(y0, count), x1, Math.min(y1, count))) {
      const asked = epoch;
      part = await rows({ x0, x1, y0, y1 });
      part.epoch = asked;
      if (asked === epoch) { count = part.count; fit(); break; }
    }
    shown = part;
    const [dx, dy] = [x0 - part.x0, y0 - part.y0];
    const height = Math.max(0, Math.min(y1, part.y0 + part.sides.length) - y0);
    return {
      num_rows: count,
      num_columns: width,
      data: Array.from({ length: Math.min(x1 - x0, part.heads.length - dx) }, (_, x) => part.texts[x + dx].slice(dy, dy + height).map(nodeOf)),
      column_headers: part.heads.slice(dx, dx + x1 - x0).map(([title]) => [title]),
      row_headers: part.sides.slice(dy, dy + height).map((side) => [side[1]]),
    };
  });

  table.addStyleListener(() => {
    for (const td of table.querySelectorAll("tbody td")) {
      const meta = table.getMeta(td);
      td.className = "";
      if (!meta || !shown) continue;
      const [x, y] = [meta.x - shown.x0, meta.y - shown.y0];
      if (!shown.texts[x] || shown.texts[x][y] === undefined) continue;
      paint(td, shown, x, y);
      td.classList.toggle("lf-at", at !== null && at.x === meta.x && at.y === meta.y);
    }
    for (const th of table.querySelectorAll("tbody th")) {
      const meta = table.getMeta(th);
      th.className = "";
      const side = meta && shown?.sides[meta.y - shown.y0];
      if (side) paintSide?.(th, side);
    }
    for (const th of table.querySelectorAll("thead th")) {
      const meta = table.getMeta(th);
      const head = meta && meta.x !== undefined && shown?.heads[meta.x - shown.x0];
      if (head && head[1] !== "same") th.title = head[1]; else th.removeAttribute("title");
    }
    const { first, last } = inSight();
    moved?.(first, last, count);
  });

  function inSight() {
    const places = [...table.querySelectorAll("tbody tr")].map((row) => table.getMeta(row.lastElementChild)?.y).filter((y) => y !== undefined);
    return places.length ? { first: Math.min(...places), last: Math.max(...places) } : { first: 0, last: -1 };
  }
  const visibleRows = () => Math.max(1, inSight().last - inSight().first - 1);

  async function show(x, y) {
    at = { x, y };
    const { first, last } = inSight();
    const ySeen = y >= first && y < last - 1;
    if (!ySeen) scrollTo(Math.max(0, y - Math.floor(visibleRows() / 3)));
    // How wide columns are that were never in sight is not known: a few steps lead there.
    for (let step = 0; step < 8; step += 1) {
      const edge = table.getBoundingClientRect();
      const cells = [...table.querySelectorAll("tbody tr:first-child td")];
      const places = cells.map((td) => table.getMeta(td)?.x ?? 0);
      const cell = cells[places.indexOf(x)];
      const box = cell?.getBoundingClientRect();
      const side = table.querySelector("tbody th")?.offsetWidth ?? 0;
      const fits = box && box.left >= edge.left + side - 1 && (box.right <= edge.right || box.width > edge.width / 2);
      if (fits) break;
      const from = table.scrollLeft;
      if (!box) table.scrollLeft += (x < places[0] ? x - places[0] : x - places[places.length - 1]) * 80;
      else table.scrollLeft += box.right > edge.right ? Math.max(box.right - edge.right, 40) : box.left - edge.left - side - 10;
      if (table.scrollLeft === from) break;
      await new Promise(requestAnimationFrame);
      await table.draw();
    }
    await new Promise(requestAnimationFrame);
    return table.draw();
  }
  // The table's own way to a row is wrong where all rows together are higher than a browser can scroll.
  function scrollTo(y) {
    const rowsInSight = table.clientHeight / ROW_HEIGHT - 1;
    const share = Math.min(1, y / Math.max(1, count - rowsInSight));
    table.scrollTop = Math.round(share * (table.scrollHeight - table.clientHeight));
  }

  table.addEventListener("click", (event) => {
    const td = event.target.closest?.("td");
    const meta = td && table.getMeta(td);
    if (!meta || meta.x === undefined) return;
    at = { x: meta.x, y: meta.y };
    box.focus({ preventScroll: true });
    table.draw();
    chosen(meta.x, meta.y);
  });
  const keys = {
    ArrowDown: () => [0, 1], ArrowUp: () => [0, -1], ArrowLeft: () => [-1, 0], ArrowRight: () => [1, 0],
    PageDown: () => [0, visibleRows()], PageUp: () => [0, -visibleRows()],
    Home: () => [-width, 0], End: () => [width, 0],
  };
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && at) chosen(at.x, at.y);
    else if (keys[event.key]) {
      const [dx, dy] = keys[event.key]();
      const from = at ?? { x: 0, y: inSight().first - (dy > 0 ? 1 : 0) };
      const clamp = (value, most) => Math.min(Math.max(value, 0), Math.max(most - 1, 0));
      show(clamp(from.x + dx, width), clamp(from.y + dy, count));
    } else return;
    event.preventDefault();
    event.stopPropagation();  // else the notebook moves to another cell
  });

  // Lab draws into an element that is not in the page yet: there is nothing to measure before it is.
  let size = "";
  const watch = new ResizeObserver(() => {
    const now = `${box.clientWidth}×${box.clientHeight}`;
    if (!box.clientWidth || now === size) return;
    size = now;
    table.draw();
  });
  watch.observe(box);
  return {
    box,
    show,
    get at() { return at; },
    get top() { return inSight().first; },
    async reset() { epoch += 1; at = null; shown = null; table.scrollTop = 0; const part = await rows({ x0: 0, x1: 12, y0: 0, y1: 40 }); part.epoch = epoch; shown = part; count = part.count; fit(); return table.draw(); },
    end: () => watch.disconnect(),
  };
}
