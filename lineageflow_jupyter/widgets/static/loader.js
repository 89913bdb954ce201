// Fetches the module of a widget from its kernel, once a page, and has it draw. This is all that a saved notebook
// keeps of us: without a kernel nothing is drawn, and the static answer above stays.
const modules = ((globalThis.lineageflow ??= {}).modules ??= new Map());

function fetched(model) {
  return new Promise((resolve, reject) => {
    const id = `module-${Math.random()}`;
    const heard = (answer) => {
      if (answer.id !== id) return;
      model.off("msg:custom", heard);
      if (answer.problem) return reject(new Error(answer.problem));
      const url = URL.createObjectURL(new Blob([answer.told], { type: "text/javascript" }));
      import(url).then(resolve, reject).finally(() => URL.revokeObjectURL(url));
    };
    model.on("msg:custom", heard);
    model.send({ id, ask: "module" });
  });
}

function moduleOf(model) {
  const name = model.get("module");
  if (modules.has(name)) return modules.get(name);
  // Kept only when it is there: a kernel that ends before it answers must not stand in the way of the next one.
  const found = fetched(model);
  found.then(() => modules.set(name, Promise.resolve(found)), () => {});
  return found;
}

export default {
  async render({ model, el }) {
    const { render } = await moduleOf(model);
    return render({ model, el });
  },
};
