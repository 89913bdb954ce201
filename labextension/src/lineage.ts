/** The tab Lineage: what came from what in the active notebook. */

import type cytoscape from 'cytoscape';

import { hint } from './data';
import * as dom from './dom';
import { drawable, DrawnGraph, EARLIER, labelled, MOST } from './graph';
import { Model } from './model';
import { Navigator } from './navigate';
import { Ready, View } from './view';
import * as wire from './wire';

const { element } = dom;
const LONGEST = 22;
const CLOSER = 1.25;

export class LineageView extends View {
  private readonly box = element('div', { class: 'lf-graph-box', attributes: { tabindex: '0', role: 'application', 'aria-roledescription': 'graph' } });
  private readonly search = element('input', { class: 'lf-select', attributes: { type: 'search', placeholder: 'Find', 'aria-label': 'Find a table, cell, file or model' } });
  private readonly told = element('div', { class: 'lf-pane', attributes: { role: 'region', 'aria-live': 'polite', 'aria-label': 'Chosen node' } });
  private readonly note = element('p', { class: 'lf-hint' });
  private readonly tools: HTMLElement;
  private readonly observer: ResizeObserver;
  private cy: cytoscape.Core | null = null;
  private graph: DrawnGraph = { nodes: [], edges: [], hidden: 0 };
  private drawn = '';
  private waiting = false;

  constructor(
    model: Model,
    private readonly navigator: Navigator
  ) {
    super(model, 'Lineage', new Set(['cell_run', 'commit']));
    this.addClass('lf-lineage');
    this.tools = element(
      'div',
      { class: 'lf-tools' },
      this.search,
      dom.button('+', () => this.zoom(CLOSER), { class: 'lf-mod-minor', label: 'Closer' }),
      dom.button('−', () => this.zoom(1 / CLOSER), { class: 'lf-mod-minor', label: 'Farther' }),
      dom.button('Fit', () => this.cy?.fit(undefined, 16), { class: 'lf-mod-minor', label: 'Show the whole graph' })
    );
    this.search.addEventListener('input', () => this.find());
    this.search.addEventListener('keydown', event => event.key === 'Enter' && this.findNext());
    this.box.addEventListener('keydown', event => this.key(event));
    // Cytoscape needs an element that has a size, which this has only once it is in sight.
    this.observer = new ResizeObserver(() => {
      if (this.waiting) {
        void this.draw();
      } else {
        this.resized();
      }
    });
    this.observer.observe(this.box);
  }

  override dispose(): void {
    this.observer.disconnect();
    this.cy?.destroy();
    super.dispose();
  }

  /** Take the colours of another theme. */
  restyle(): void {
    this.cy?.style(style());
  }

  protected async load({ repository, info }: Ready): Promise<void> {
    const graph = drawable(await this.model.api.lineage(repository, { notebook: info?.path }));
    const drawn = JSON.stringify([graph, info?.path]);
    if (graph.nodes.length === 0) {
      const said = info?.tracked === false ? 'Load LineageFlow in the notebook to see what its cells do: %load_ext lineageflow_jupyter' : 'Run a cell that makes a frame: the graph shows what came from what.';
      dom.hold(this.content, hint(said));
      this.drawn = '';
      return;
    }
    dom.hold(this.content, this.tools, this.box, this.note, this.told);
    if (drawn === this.drawn && this.cy) {
      return;
    }
    this.drawn = drawn;
    this.graph = graph;
    const hidden = graph.hidden ? ` The first ${dom.count(graph.hidden)} steps are drawn as one: more than ${MOST} cannot be read.` : '';
    this.note.textContent = `Arrow keys go along the graph, Enter goes to the cell.${hidden}`;
    await this.draw();
  }

  private async draw(): Promise<void> {
    this.waiting = !this.box.clientWidth || !this.box.clientHeight;
    if (this.waiting) {
      return;
    }
    const make = await engine();
    const chosen = this.cy?.$('node:selected').first().id();
    const seen = this.cy ? { zoom: this.cy.zoom(), pan: { ...this.cy.pan() } } : null;
    const grown = this.cy?.nodes().length !== this.graph.nodes.length;
    this.cy?.destroy();
    const cy = (this.cy = make({
      container: this.box,
      elements: elements(this.graph),
      layout: { name: 'null' },
      style: style(),
      minZoom: 0.02,
      maxZoom: 3,
      boxSelectionEnabled: false
    }));
    cy.layout({ name: 'dagre', rankDir: 'TB', nodeSep: 14, rankSep: 34, animate: false } as cytoscape.LayoutOptions).run();
    if (seen && !grown) {
      cy.viewport(seen);
    } else {
      this.begin();
    }
    this.box.setAttribute('aria-label', `Lineage: ${dom.counted(this.graph.nodes.length, 'node')}, ${dom.counted(this.graph.edges.length, 'edge')}`);
    cy.on('select', 'node', event => this.choose(event.target as cytoscape.NodeSingular));
    cy.on('unselect', 'node', () => this.unchoose());
    cy.on('tap', 'node', event => void this.go((event.target as cytoscape.NodeSingular).id()));
    this.find();
    if (chosen) {
      cy.getElementById(chosen).select();
    }
  }

  /** Show all of a small graph; of a large one the end, large enough to read. */
  private begin(): void {
    const { cy } = this;
    cy?.fit(undefined, 16);
    if (cy && cy.zoom() > 1.2) {
      cy.zoom(1.2);
      cy.center();
    } else if (cy && cy.zoom() < 0.5) {
      cy.zoom(0.85);
      cy.center(cy.nodes().last());
    }
  }

  private choose(node: cytoscape.NodeSingular): void {
    const related = node.predecessors().union(node.successors()).union(node);
    this.cy?.elements().addClass('lf-far');
    related.removeClass('lf-far');
    this.tell(node.id());
  }

  private unchoose(): void {
    this.cy?.elements().removeClass('lf-far');
    this.told.replaceChildren();
  }

  private tell(id: string): void {
    const node = this.graph.nodes.find(each => each.id === id);
    if (!node || id === EARLIER) {
      this.told.replaceChildren();
      return;
    }
    const run = this.runOf(node);
    const facts = Object.entries(node.details).filter(([name, value]) => value && FACTS.has(name));
    this.told.replaceChildren(
      element('p', { class: 'lf-message-text' }, `${KINDS[node.kind] ?? node.kind} ${node.label}`),
      ...node.stale.map(reason => element('p', { class: 'lf-stale' }, `stale: ${reason}`)),
      element('dl', { class: 'lf-facts' }, ...facts.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)])),
      ...(run?.details.cell ? [dom.button('Go to the cell', () => void this.go(id), { class: 'lf-mod-minor' })] : [])
    );
  }

  /** The cell run of a node: itself, or the one that made it. */
  private runOf(node: wire.GraphNode): wire.GraphNode | undefined {
    if (node.kind === 'run') {
      return node;
    }
    const run = node.details.run ? `run:${node.details.run}` : this.graph.edges.find(edge => edge.target === node.id && edge.source.startsWith('run:'))?.source;
    return this.graph.nodes.find(each => each.id === run);
  }

  private async go(id: string): Promise<void> {
    const node = this.graph.nodes.find(each => each.id === id);
    const run = node && this.runOf(node);
    if (!run?.details.cell) {
      return;
    }
    const path = this.navigator.serverPath(run.details.notebook ?? '', this.model.path);
    if (!(await this.navigator.reveal(path, run.details.cell))) {
      this.told.append(hint('This cell is no longer in the notebook.'));
    }
  }

  private find(): void {
    const wanted = this.search.value.trim().toLowerCase();
    this.cy?.nodes().removeClass('lf-found');
    if (wanted) {
      this.cy?.nodes().filter(node => String(node.data('full')).toLowerCase().includes(wanted)).addClass('lf-found');
    }
  }

  private findNext(): void {
    const found = this.cy?.nodes('.lf-found');
    if (!found?.length) {
      return;
    }
    const place = found.toArray().findIndex(node => node.selected());
    this.select(found[(place + 1) % found.length]);
  }

  private select(node: cytoscape.NodeSingular | undefined): void {
    if (!node) {
      return;
    }
    this.cy?.$(':selected').unselect();
    node.select();
    this.cy?.center(node);
  }

  /** What is chosen stays in sight when its details take room from the graph. */
  private resized(): void {
    this.cy?.resize();
    const chosen = this.cy?.nodes(':selected');
    if (chosen?.length) {
      this.cy?.center(chosen);
    }
  }

  private zoom(by: number): void {
    const { cy } = this;
    cy?.zoom({ level: cy.zoom() * by, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
  }

  private key(event: KeyboardEvent): void {
    const { cy } = this;
    if (!cy) {
      return;
    }
    const chosen = cy.nodes(':selected').first();
    const nodes = cy.nodes();
    const beside = (step: number) => nodes[(nodes.toArray().findIndex(node => node.same(chosen)) + step + nodes.length) % nodes.length];
    if (event.key === 'Enter' && chosen.length > 0) {
      void this.go(chosen.id());
    } else if (event.key === 'Escape') {
      cy.$(':selected').unselect();
    } else if (event.key === 'ArrowDown') {
      this.select(chosen.length ? chosen.outgoers('node')[0] : nodes[0]);
    } else if (event.key === 'ArrowUp') {
      this.select(chosen.length ? chosen.incomers('node')[0] : nodes.last()[0]);
    } else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
      this.select(beside(event.key === 'ArrowRight' ? 1 : -1));
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

const KINDS: Record<string, string> = { version: 'Table', run: 'Cell', file: 'File', model: 'Model', score: 'Score' };
const FACTS = new Set(['dataset', 'rows', 'columns', 'made', 'note', 'number', 'user', 'outcome', 'opaque', 'call', 'parameters', 'metric', 'value', 'location', 'kind', 'size']);

let made: Promise<typeof cytoscape> | null = null;

/** Cytoscape with its layout, fetched when the first graph is drawn. */
function engine(): Promise<typeof cytoscape> {
  made ??= Promise.all([import('cytoscape'), import('cytoscape-dagre')]).then(([core, dagre]) => {
    core.default.use(dagre.default);
    return core.default;
  });
  return made;
}

function elements(graph: DrawnGraph): cytoscape.ElementDefinition[] {
  const labels = labelled(graph.nodes);
  return [
    ...graph.nodes.map(node => {
      const full = labels.get(node.id) ?? node.label;
      const short = Array.from(full).length > LONGEST ? `${Array.from(full).slice(0, LONGEST - 1).join('')}…` : full;
      const classes = [`lf-${node.kind}`, ...(node.stale.length ? ['lf-stale'] : []), ...(node.current ? [] : ['lf-past'])];
      return {
        data: { id: node.id, label: node.stale.length ? `${short} ⚠` : short, full, width: Math.max(34, short.length * 7 + 18) },
        classes: node.id === EARLIER ? ['lf-earlier'] : classes
      };
    }),
    ...graph.edges.map(({ source, target }) => ({ data: { id: `${source}→${target}`, source, target } }))
  ];
}

/** Colours of the theme: Cytoscape draws on a canvas, where style sheets do not reach. */
function style(): cytoscape.StylesheetJson {
  const of = getComputedStyle(document.body);
  const colour = (name: string, otherwise: string) => of.getPropertyValue(name).trim() || otherwise;
  const text = colour('--jp-ui-font-color1', '#222');
  const page = colour('--jp-layout-color1', '#fff');
  const soft = colour('--jp-layout-color2', '#eee');
  const line = colour('--jp-border-color0', '#999');
  const brand = colour('--jp-brand-color1', '#1976d2');
  const warn = colour('--jp-warn-color1', '#f57c00');
  const good = colour('--jp-success-color1', '#388e3c');
  return [
    {
      selector: 'node',
      style: {
        label: 'data(label)',
        width: 'data(width)',
        height: 26,
        shape: 'round-rectangle',
        'background-color': page,
        'border-width': 1.5,
        'border-color': brand,
        color: text,
        'font-size': 12,
        'font-family': 'sans-serif',
        'text-valign': 'center',
        'text-halign': 'center'
      }
    },
    { selector: 'node.lf-run', style: { 'background-color': soft, 'border-color': line, 'font-family': 'monospace' } },
    { selector: 'node.lf-file', style: { shape: 'cut-rectangle', 'border-color': line } },
    { selector: 'node.lf-model, node.lf-score', style: { shape: 'round-octagon', 'border-color': good } },
    { selector: 'node.lf-past', style: { 'border-style': 'dotted', color: colour('--jp-ui-font-color2', '#666') } },
    { selector: 'node.lf-stale', style: { 'border-style': 'dashed', 'border-color': warn } },
    { selector: 'node.lf-earlier', style: { 'background-color': soft, 'border-color': line, 'border-style': 'double', 'border-width': 4 } },
    { selector: 'edge', style: { width: 1.5, 'curve-style': 'bezier', 'line-color': line, 'target-arrow-shape': 'triangle', 'target-arrow-color': line, 'arrow-scale': 0.8 } },
    { selector: '.lf-far', style: { opacity: 0.3 } },
    { selector: 'node.lf-found', style: { 'background-color': colour('--jp-warn-color3', '#ffe0b2') } },
    { selector: 'node:selected', style: { 'border-width': 3, 'border-color': brand } }
  ] as cytoscape.StylesheetJson;
}
