// Conflicts of a merge: a line each, with a button for each side and a place to type another value.

const RESOLVER_STYLE = `
.lf-widget .lf-conflicts{overflow:auto;max-height:30em;border:1px solid var(--lf-line)}
.lf-widget .lf-conflicts table{border-collapse:separate;border-spacing:0;width:100%;font-size:.92em;margin:0}
.lf-widget .lf-conflicts tr{background:none!important}
.lf-widget .lf-conflicts th,.lf-widget .lf-conflicts td{text-align:left;white-space:pre;padding:.2em .5em;border:0;border-bottom:1px solid var(--lf-line);max-width:24em;overflow:hidden;text-overflow:ellipsis}
.lf-widget .lf-conflicts thead th{position:sticky;top:0;z-index:1;background:var(--jp-layout-color1,Canvas);color:var(--lf-soft);font-weight:600}
.lf-widget .lf-conflicts td button{max-width:20em;overflow:hidden;text-overflow:ellipsis;font-family:var(--jp-code-font-family,monospace)}
.lf-widget .lf-conflicts td button[aria-pressed]{opacity:1;text-decoration:none}
.lf-widget .lf-conflicts td button[aria-pressed=true]{border-color:var(--lf-good);box-shadow:inset 0 0 0 1px var(--lf-good);font-weight:600}
.lf-widget .lf-conflicts input{width:9em}
.lf-widget progress{width:9em;accent-color:var(--jp-brand-color1,#1976d2)}
.lf-widget .lf-go{border-color:var(--lf-good)!important;font-weight:600}
.lf-widget pre{white-space:pre-wrap;margin:.3em 0;font-family:var(--jp-code-font-family,monospace);color:inherit;background:none}
`;
const PAGE = 100;

export function render(context) {
  return withKernel(context, async (box, ask) => {
    let view = await ask("open");
    const problem = make("p", { className: "lf-bad", role: "alert" });
    const table = make("div", { className: "lf-conflicts", tabindex: "0", role: "region", "aria-label": "conflicts" });
    const bar = make("div", { className: "lf-bar", role: "toolbar", "aria-label": "decide many" });

    async function tell(what, details) {
      try {
        view = await ask(what, { start: view.start, ...details });
        problem.textContent = "";
        draw();
      } catch (error) {
        problem.textContent = error.message;
      }
    }
    async function goOn(event) {
      event.currentTarget.disabled = true;
      try {
        const done = await ask("continue");
        const said = make("pre", { role: "status" }, done.said);
        if (!done.rows) return box.replaceChildren(...box.querySelectorAll("style"), said);
        view = done.rows;
        problem.textContent = "";
        box.prepend(said);
      } catch (error) {
        problem.textContent = error.message;
      }
      draw();
    }
    const of = make("select", { "aria-label": "which conflicts" }, make("option", { value: "" }, "all that are open"),
      ...view.columns.map(([, label], place) => make("option", { value: String(place) }, `those in ${label}`)));
    const many = (side) => make("button", { onclick: () => tell("all", { side, column: of.value === "" ? null : view.columns[Number(of.value)][0] }) }, side);

    function lineOf(row) {
      const decide = (details) => tell("choose", { dataset: row.dataset, at: row.at, ...details });
      const side = (name) => make("td", {}, make("button", {
        title: name, "aria-label": `${name}: ${row[name]}`,
        "aria-pressed": String(row.side === name),
        onclick: () => decide({ side: name }),
      }, row[name]));
      const typed = make("input", { type: "text", "aria-label": "another value", placeholder: "another value",
        value: row.resolved !== null && row.side === null ? row.resolved : "",
        onchange: (event) => event.target.value !== "" && decide({ text: event.target.value }) });
      typed.addEventListener("keydown", (event) => event.stopPropagation());
      return make("tr", { className: row.resolved === null ? "lf-open" : "" },
        make("td", { className: row.resolved === null ? "lf-bad" : "lf-good", title: row.resolved === null ? "open" : "decided" }, row.resolved === null ? "?" : "✓"),
        make("td", {}, row.dataset), make("th", { scope: "row" }, row.where), make("td", {}, row.kind === "row" ? "whole row" : row.column),
        side("base"), side("ours"), side("theirs"), make("td", {}, row.kind === "cell" ? typed : null));
    }
    function draw() {
      const focus = document.activeElement && table.contains(document.activeElement) ? [...table.querySelectorAll("button,input")].indexOf(document.activeElement) : -1;
      const heads = ["", "dataset", "row", "column", "base", "ours", "theirs", "or"];
      table.replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, ...heads.map((title) => make("th", { scope: "col" }, title)))),
        make("tbody", {}, ...view.rows.map(lineOf))));
      table.querySelectorAll("button,input")[focus]?.focus();
      const last = Math.min(view.start + PAGE, view.count);
      const turn = (start, text) => make("button", { disabled: start < 0 || start >= view.count, onclick: () => tell("open", { start }) }, text);
      bar.replaceChildren(of, many("base"), many("ours"), many("theirs"),
        ...(view.count > PAGE ? [turn(view.start - PAGE, "↑ earlier"), turn(view.start + PAGE, "↓ later")] : []),
        make("progress", { max: String(view.count), value: view.decided, "aria-label": "decided" }),
        make("button", { className: "lf-go", disabled: view.decided < view.count, onclick: goOn }, "continue"),
        make("span", { className: "lf-told", role: "status" }, `${counted(view.decided)} of ${counted(view.count)} decided${view.count > PAGE ? `; ${counted(view.start + 1)} to ${counted(last)} are shown` : ""}`));
    }
    box.prepend(make("style", {}, RESOLVER_STYLE));
    box.append(bar, problem, table);
    draw();
  });
}
