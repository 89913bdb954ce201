// The grid of a diff: counts that filter, the next change, one cell with its cause and history.

const DIFF_STYLE = `
.lf-grid td.lf-p1{background:color-mix(in srgb,var(--jp-warn-color1,#b26a00) 13%,transparent)}
.lf-grid td.lf-p2{background:color-mix(in srgb,var(--jp-success-color1,#2e7d32) 13%,transparent)!important}
.lf-grid td.lf-p3{background:color-mix(in srgb,var(--jp-error-color1,#c62828) 13%,transparent)}
.lf-grid td.lf-p4{color:var(--lf-soft);font-style:italic}
.lf-grid td.lf-is-added{background:color-mix(in srgb,var(--jp-success-color1,#2e7d32) 13%,transparent)}
.lf-grid td.lf-is-removed{background:color-mix(in srgb,var(--jp-error-color1,#c62828) 13%,transparent)}
.lf-grid td.lf-is-context{color:var(--lf-soft)}
.lf-grid th.lf-is-added,.lf-widget button.lf-is-added{color:var(--lf-good)}
.lf-grid th.lf-is-removed,.lf-widget button.lf-is-removed{color:var(--lf-bad)}
.lf-grid th.lf-is-changed,.lf-widget button.lf-is-changed{color:var(--lf-warn)}
.lf-widget .lf-pane dl{display:grid;grid-template-columns:max-content 1fr;gap:.15em 1em;margin:0}
.lf-widget .lf-pane dt{color:var(--lf-soft)}.lf-widget .lf-pane dd{margin:0}
.lf-widget .lf-pane button{position:sticky;float:right;top:0;margin-left:1em}
.lf-widget .lf-pane dl{overflow:hidden}
`;
const SIGN_OF = { added: "+", removed: "−", changed: "~", moved: "↕" };

function cellPane(told) {
  const entry = (title, ...parts) => [make("dt", {}, title), make("dd", {}, ...parts)];
  const value = (text, tag) => make(tag, { className: "lf-value" }, text);
  const values = told.edited
    ? [...entry("old", value(told.old, "del")), ...entry("new", value(told.new, "ins"))]
    : entry("value", value(told.new ?? told.old ?? "", "span"));
  const lines = told.history.map((line) => make("div", {}, line.join("  ")));
  return make("dl", {},
    ...entry("row", told.row), ...entry("column", told.column), ...values,
    ...(told.causes.length ? entry("cause", ...told.causes.map((text) => make("div", {}, text))) : []),
    ...(lines.length ? entry("history", ...lines) : []));
}

export function render(context) {
  return withKernel(context, async (box, ask) => {
    const view = { kinds: null, column: null, every: false };
    const header = await ask("open", { ...view, x0: 0, x1: 12, y0: 0, y1: 40 });
    const told = make("span", { className: "lf-told", role: "status", "aria-live": "polite" });
    const pane = make("div", { className: "lf-pane", role: "region", "aria-label": "cell", tabindex: "0", hidden: "" });
    box.prepend(make("style", {}, GRID_STYLE + DIFF_STYLE));
    let asked = 0;

    const grid = makeGrid({
      first: header.first,
      width: header.width,
      rows: (part) => ask("rows", { ...view, ...part }),
      paint(td, part, x, y) {
        td.classList.add(`lf-p${part.paint[x][y]}`, `lf-is-${part.sides[y][0]}`);
      },
      paintSide: (th, [kind]) => th.classList.add(`lf-is-${kind}`),
      async chosen(x, y) {
        const mine = ++asked;
        const close = make("button", { onclick: () => (pane.hidden = true), "aria-label": "close" }, "×");
        try {
          const cell = await ask("cell", { ...view, x, y });
          if (mine === asked) pane.replaceChildren(close, cellPane(cell));
        } catch (problem) {
          pane.replaceChildren(close, make("p", { className: "lf-bad" }, problem.message));
        }
        pane.hidden = false;
      },
      moved(first, last, count) {
        told.textContent = count ? `${counted(first + 1)} to ${counted(last + 1)} of ${counted(count)} row${count === 1 ? "" : "s"}` : "no rows";
      },
    });

    const changeView = async () => { pane.hidden = true; asked += 1; await grid.reset(); };
    const pressed = new Set(Object.keys(SIGN_OF).filter((kind) => header.counts[kind]));
    const chips = [...pressed].map((kind) =>
      make("button", {
        className: `lf-is-${kind}`, "aria-pressed": "true", title: `show or hide ${kind} rows`,
        onclick(event) {
          const on = pressed.has(kind);
          if (on && pressed.size === 1) return;  // one kind stays
          on ? pressed.delete(kind) : pressed.add(kind);
          event.currentTarget.setAttribute("aria-pressed", String(!on));
          view.kinds = pressed.size === chips.length ? null : [...pressed];
          changeView();
        },
      }, `${SIGN_OF[kind]} ${counted(header.counts[kind])} ${kind}`));
    const columns = make("select", { "aria-label": "column with changes", onchange: (event) => { view.column = event.target.value === "" ? null : header.changed[Number(event.target.value)][0]; changeView(); } },
      make("option", { value: "" }, "all columns"),
      ...header.changed.map(([, label, count], place) => make("option", { value: String(place) }, `${label} (${counted(count)})`)));
    const jump = async (step) => {
      const from = grid.at ?? { y: grid.top, x: -1 };
      const found = await ask("jump", { ...view, ...from, step });
      if (found) await grid.show(found.x, found.y);
      else told.textContent = step > 0 ? "no change further down" : "no change further up";
    };
    const row = make("input", { type: "number", min: "0", max: String(Math.max(header.rows_after - 1, 0)), placeholder: "row", "aria-label": "go to row", onchange: () => go() });
    const go = async () => {
      if (row.value === "") return;
      const found = await ask("place", { ...view, row: Number(row.value) });
      if (found) await grid.show(grid.at?.x ?? 0, found.y);
    };
    row.addEventListener("keydown", (event) => event.stopPropagation());
    const every = make("input", { type: "checkbox", onchange: (event) => { view.every = event.target.checked; changeView(); } });
    const bar = make("div", { className: "lf-bar", role: "toolbar", "aria-label": "what is shown" },
      ...chips,
      header.changed.length ? columns : null,
      make("label", {}, every, "unchanged rows"),
      make("button", { onclick: () => jump(-1), title: "previous change (p)" }, "↑ previous"),
      make("button", { onclick: () => jump(1), title: "next change (n)" }, "↓ next"),
      row, told);
    grid.box.addEventListener("keydown", (event) => {
      const step = { n: 1, p: -1 }[event.key];
      if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      jump(step);
    });
    box.append(bar, grid.box, pane);
    return grid.end;
  });
}
