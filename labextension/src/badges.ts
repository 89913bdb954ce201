/** A line below the source of each cell: which frames its last run read, and which it made or changed. */

import { Cell } from '@jupyterlab/cells';
import { NotebookPanel } from '@jupyterlab/notebook';
import { PanelLayout, Widget } from '@lumino/widgets';

import { RequestFailed } from './api';
import { Coalesced } from './coalesced';
import { element, shape } from './dom';
import { difference } from './frames';
import { Model } from './model';
import * as wire from './wire';

const RUNS = 500;
const MOST = 4;

class Badge extends Widget {
  constructor() {
    super({ node: element('div', { class: 'lf-badge', attributes: { role: 'note' } }) });
  }
}

export class Badges {
  private readonly work = new Coalesced(() => this.load());
  private readonly placed = new WeakMap<Cell, Badge>();
  private last = new Map<string, wire.CellRun>();
  private watched: NotebookPanel | null = null;
  private wanted = true;

  constructor(
    private readonly model: Model,
    private readonly open: (cell: string) => void
  ) {
    model.changed.connect((_, reasons) => {
      if (reasons.has('cell_run') || reasons.has('place')) {
        this.work.ask();
      }
    });
  }

  /** Whether badges are shown. */
  show(wanted: boolean): void {
    this.wanted = wanted;
    this.work.ask();
  }

  private async load(): Promise<void> {
    const { state, notebook: panel } = this.model;
    if (panel !== this.watched) {
      this.watched = panel;
      panel?.content.model?.cells.changed.connect(() => this.watched === panel && this.place());
    }
    this.last = new Map();
    if (this.wanted && panel && state.kind === 'ready' && state.info) {
      try {
        const { runs } = await this.model.api.runs(state.repository, { notebook: state.info.path, limit: RUNS });
        runs.forEach(run => run.cell && this.last.set(run.cell, run));
      } catch (error) {
        if (!(error instanceof RequestFailed)) {
          throw error;
        }
      }
    }
    this.place();
  }

  private place(): void {
    for (const cell of this.watched?.content.widgets ?? []) {
      const run = cell.model.type === 'code' ? this.last.get(cell.model.id) : undefined;
      if (run && (run.reads.length || run.writes.length)) {
        void cell.ready.then(() => this.fill(cell, run));
      } else {
        this.placed.get(cell)?.dispose();
        this.placed.delete(cell);
      }
    }
  }

  private fill(cell: Cell, run: wire.CellRun): void {
    if (cell.isDisposed || this.last.get(cell.model.id) !== run) {
      return;
    }
    let badge = this.placed.get(cell);
    if (!badge || badge.isDisposed) {
      badge = new Badge();
      this.placed.set(cell, badge);
      const layout = cell.layout as PanelLayout;
      // Below the source: behind the header and the input.
      layout.insertWidget(2, badge);
    }
    const writes = run.writes.filter(each => each.after ?? each.before);
    const written = new Set(writes.map(each => (each.after ?? each.before)!.variable));
    const reads = run.reads.map(each => each.variable);
    const told = `reads ${reads.join(', ') || 'nothing'}; writes ${Array.from(written).join(', ') || 'nothing'}`;
    const button = element(
      'button',
      { class: 'lf-badge-text', title: told, attributes: { type: 'button', 'aria-label': `${told}: show the lineage` }, onClick: () => this.open(cell.model.id) },
      element('span', { class: 'lf-soft' }, few(reads)),
      reads.length ? ' ' : null,
      element('span', { class: 'lf-arrow', attributes: { 'aria-hidden': 'true' } }, '→'),
      ' ',
      ...(writes.length ? writes.slice(0, MOST).flatMap((each, at) => [at ? ', ' : '', ...write(each)]) : [element('span', { class: 'lf-soft' }, 'only read')]),
      writes.length > MOST ? ` and ${writes.length - MOST} more` : null
    );
    badge.node.replaceChildren(button);
  }
}

function few(names: string[]): string {
  const rest = names.length - MOST;
  return rest > 0 ? `${names.slice(0, MOST).join(', ')} and ${rest} more` : names.join(', ');
}

function write(each: wire.FrameWrite): HTMLElement[] {
  const { before, after } = each;
  if (!after) {
    return [element('span', { class: 'lf-gone' }, `${before?.variable ?? ''} gone`)];
  }
  const size = shape(after.rows, after.columns);
  const more = difference(each);
  return [element('span', { class: 'lf-made' }, after.variable), element('span', { class: 'lf-soft' }, more ? ` ${size} (${more})` : ` ${size}`)];
}
