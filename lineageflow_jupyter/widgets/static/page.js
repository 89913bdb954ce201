// What all widgets share: elements of text only, questions to the kernel, and what becomes of them when it ends.

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "className" || name === "value" || name === "checked" || name === "disabled") element[name] = value;
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const counted = (number) => number.toLocaleString("en-US");
const BUSY_AFTER = 400;

const PAGE_STYLE = `
.lf-widget{position:relative;padding-bottom:.4em!important}
.lf-widget .lf-bar{display:flex;flex-wrap:wrap;align-items:center;gap:.35em .5em;margin:.3em 0}
.lf-widget button,.lf-widget select,.lf-widget input[type=number],.lf-widget input[type=text]{font:inherit;font-size:.92em;color:inherit;
background:var(--jp-layout-color1,Canvas);border:1px solid var(--lf-line);border-radius:3px;padding:.1em .5em;height:1.9em;box-sizing:border-box}
.lf-widget option{color:var(--jp-content-font-color1,CanvasText);background:var(--jp-layout-color1,Canvas)}
.lf-widget select{max-width:16em}.lf-widget input[type=number]{width:8.5em}
.lf-widget button:not(:disabled){cursor:pointer}.lf-widget button:disabled{opacity:.5}
.lf-widget button:hover:not(:disabled){background:var(--jp-layout-color2,rgba(128,128,128,.15))}
.lf-widget button[aria-pressed=false]{opacity:.55;text-decoration:line-through}
.lf-widget :focus-visible{outline:2px solid var(--jp-brand-color1,#1976d2);outline-offset:1px}
.lf-widget label{display:inline-flex;align-items:center;gap:.3em;white-space:nowrap}
.lf-widget .lf-told{color:var(--lf-soft);margin-left:auto;white-space:nowrap}
.lf-widget .lf-busy{position:absolute;right:1em;bottom:1em;z-index:3;padding:.15em .7em;border-radius:3px;
border:1px solid var(--lf-line);background:var(--jp-layout-color1,Canvas);color:var(--lf-warn)}
.lf-widget .lf-busy[hidden]{display:none}
.lf-widget .lf-pane{border:1px solid var(--lf-line);border-top:0;padding:.4em .7em;max-height:15em;overflow:auto}
.lf-widget .lf-pane[hidden]{display:none}
.lf-widget .lf-value{white-space:pre-wrap;overflow-wrap:anywhere;font-family:var(--jp-code-font-family,monospace)}
.lf-widget del{color:var(--lf-bad)}.lf-widget ins{color:var(--lf-good);text-decoration:none}
`;

// Draws a widget as soon as the kernel has told enough of it. `draw` gets the box and `ask`, and returns a function that
// ends it, or nothing. While the box has the class lf-alive, the style of the static answer hides what is told twice.
async function withKernel({ model, el }, draw) {
  const waiting = new Map();
  let number = 0, over = false, ended = null;
  const busy = make("div", { className: "lf-busy", role: "status", hidden: "" }, "kernel busy");
  const box = make("div", { className: "lf-out lf-widget" });
  const heard = (answer) => {
    const question = waiting.get(answer.id);
    if (!question) return;
    waiting.delete(answer.id);
    clearTimeout(question.timer);
    busy.hidden = waiting.size === 0 || busy.hidden;
    if (answer.told?.gone) finish(answer.told.gone);
    else if (answer.problem) question.reject(new Error(answer.problem));
    else question.resolve(answer.told);
  };
  const ask = (what, details = {}) =>
    new Promise((resolve, reject) => {
      if (over) return;
      const id = ++number;
      waiting.set(id, { resolve, reject, timer: setTimeout(() => (busy.hidden = false), BUSY_AFTER) });
      sent({ id, ask: what, ...details });
    });
  function stop() {
    over = true;
    waiting.forEach(({ timer }) => clearTimeout(timer));
    waiting.clear();
    model.off("msg:custom", heard);
    model.off("comm_live_update", lost);
    model.off("comm:close", lost);
    ended?.();
    ended = null;
  }
  function finish(why) {
    if (over) return;
    stop();
    box.classList.remove("lf-alive");
    box.replaceChildren(make("p", { className: "lf-muted", role: "status" }, why));
  }
  // The widget manager says so of a model that lost its kernel and of one that gets it; only the former cannot send.
  const lost = () => setTimeout(() => over || sent({ ask: "alive" }), 100);
  function sent(message) {
    try {
      model.send(message);
    } catch {
      finish("the kernel that this was asked of has ended; run the cell again");
    }
  }
  model.on("msg:custom", heard);
  model.on("comm_live_update", lost);
  model.on("comm:close", lost);
  box.append(make("style", {}, LF_STYLE + PAGE_STYLE), busy);
  ended = (await draw(box, ask, el)) ?? null;
  el.append(box);
  box.classList.add("lf-alive");
  return stop;
}
