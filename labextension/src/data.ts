/** The tab Data: datasets at HEAD, and the frames that the notebook holds. */

import * as dom from './dom';
import { isName, LiveFrame, liveFrames } from './frames';
import { runInCell } from './kernel';
import { Model } from './model';
import { Navigator } from './navigate';
import { Ready, View } from './view';
import * as wire from './wire';
import { quoted } from './words';

const { element } = dom;
const MOST_COLUMNS = 100;
const RUNS = 500;

export class DataView extends View {
  private open: string | null = null;

  constructor(
    model: Model,
    private readonly navigator: Navigator
  ) {
    super(model, 'Data', new Set(['commit', 'ref_moved', 'cell_run']));
  }

  protected async load({ repository, info }: Ready): Promise<void> {
    const notebook = info?.path;
    const [datasets, runs] = await Promise.all([
      this.model.api.datasets(repository, { notebook }),
      notebook ? this.model.api.runs(repository, { notebook, limit: RUNS }) : { runs: [] }
    ]);
    const live = liveFrames(runs.runs);
    const rows = datasets.map(each => this.datasetRow(each, repository, notebook));
    const frames = live.map(each => this.frameRow(each, datasets));
    dom.replaceChildren(
      this.content,
      heading(`Datasets${info?.branch ? ` on ${info.branch}` : ''}`, datasets.length),
      datasets.length ? list('Datasets', rows) : hint('Nothing is committed yet. A commit makes a dataset of a frame: see the tab Changes.'),
      heading('Frames in the kernel', live.length),
      live.length ? list('Frames in the kernel', frames) : hint(framesHint(info))
    );
  }

  private datasetRow(dataset: wire.Dataset, repository: string, notebook: string | undefined): HTMLElement {
    const { name } = dataset;
    const opened = this.open === name;
    const below = element('div', { class: 'lf-details', attributes: { hidden: opened ? null : '' } });
    const row = element(
      'button',
      {
        class: 'lf-row',
        title: name,
        attributes: { type: 'button', 'aria-expanded': String(opened), 'data-key': `dataset ${name}` },
        onClick: () => {
          const wasOpen = row.getAttribute('aria-expanded') === 'true';
          this.open = wasOpen ? null : name;
          this.outdate();
        }
      },
      what(name, dataset.changed ? 'changed' : ''),
      sizes(dataset, dataset.bytes === null || dataset.bytes === undefined ? '' : dom.bytes(dataset.bytes))
    );
    if (opened) {
      void this.describe(below, dataset, repository, notebook);
    }
    return element('li', { class: 'lf-item' }, row, below);
  }

  private async describe(below: HTMLElement, dataset: wire.Dataset, repository: string, notebook: string | undefined): Promise<void> {
    const { name } = dataset;
    const panel = this.model.notebook;
    const run = (line: string) => panel && void runInCell(panel, line);
    const key = dataset.key?.length ? element('p', { class: 'lf-soft' }, `key: ${dataset.key.join(', ')}`) : null;
    const actions = element(
      'div',
      { class: 'lf-actions' },
      ...(panel
        ? [
            dom.button('Diff', () => run(`%lf diff ${quoted(name)}`), { label: `Diff of ${name}`, class: 'lf-mod-minor' }),
            dom.button('Blame', () => run(`%lf blame ${quoted(name)}`), { label: `Blame of ${name}`, class: 'lf-mod-minor' }),
            dom.button('Log', () => run(`%lf log ${quoted(name)}`), { label: `Log of ${name}`, class: 'lf-mod-minor' })
          ]
        : [])
    );
    below.append(actions, ...(key ? [key] : []), schema(dataset));
    try {
      below.append(sample(await this.model.api.sample(repository, { notebook, dataset: name }), name));
    } catch (error) {
      below.append(hint(error instanceof Error ? error.message : String(error)));
    }
  }

  private frameRow(frame: LiveFrame, datasets: readonly wire.Dataset[]): HTMLElement {
    const committed = datasets.find(each => each.name === (frame.dataset || frame.variable));
    const mark: '' | 'new' | 'changed' = !committed ? 'new' : committed.changed ? 'changed' : '';
    const path = this.model.path;
    const go = () => void this.navigator.reveal(path, frame.cell);
    return element(
      'li',
      { class: 'lf-item' },
      element(
        'button',
        {
          class: 'lf-row',
          title: frame.cell ? `${frame.variable}: go to the cell that left it so` : frame.variable,
          attributes: { type: 'button', 'data-key': `frame ${frame.variable}`, disabled: frame.cell ? null : '' },
          onClick: go
        },
        what(frame.variable, isName(frame.variable) ? mark : ''),
        sizes(frame, frame.made === null ? '' : `[${frame.made}]`)
      )
    );
  }
}

function framesHint(info: wire.NotebookInfo | null): string {
  if (!info) {
    return 'Open a notebook to see what it holds.';
  }
  return info.tracked
    ? 'No cell of this session has made a frame.'
    : 'Cells of this session are not recorded. Load LineageFlow in the notebook: %load_ext lineageflow_jupyter';
}

function heading(text: string, size: number): HTMLElement {
  return element('h3', { class: 'lf-heading' }, text, element('span', { class: 'lf-soft' }, ` ${dom.count(size)}`));
}

/** The first half of a row: a name, and how it stands to what is committed. */
export function what(name: string, mark: '' | 'changed' | 'new'): HTMLElement {
  return element(
    'span',
    { class: 'lf-what' },
    element('span', { class: 'lf-name' }, name),
    mark ? element('span', { class: `lf-mark lf-mod-${mark}` }, mark) : null
  );
}

/** The second half; it goes below the first where there is no room. */
export function sizes({ rows, columns }: wire.Shape, more: string): HTMLElement {
  return element(
    'span',
    { class: 'lf-sizes' },
    element('span', { class: 'lf-number', title: 'rows × columns' }, dom.shape(rows, columns)),
    more ? element('span', { class: 'lf-number lf-soft' }, more) : null
  );
}

export function hint(text: string): HTMLElement {
  return element('p', { class: 'lf-hint' }, text);
}

export function list(label: string, items: HTMLElement[]): HTMLElement {
  return element('ul', { class: 'lf-list', attributes: { 'aria-label': label } }, ...items);
}

function schema(dataset: wire.Dataset): HTMLElement {
  const columns = dataset.schema ?? [];
  const rows = columns
    .slice(0, MOST_COLUMNS)
    .map(column =>
      element('tr', {}, element('th', { attributes: { scope: 'row' } }, column.name), element('td', { class: 'lf-soft' }, column.type))
    );
  const rest = (dataset.columns_in_all ?? columns.length) - rows.length;
  return element(
    'div',
    {},
    element('div', { class: 'lf-scroll' }, element('table', { class: 'lf-schema', attributes: { 'aria-label': `Columns of ${dataset.name}` } }, ...rows)),
    rest > 0 ? hint(`and ${dom.counted(rest, 'more column')}`) : null
  );
}

function sample({ columns, rows }: wire.Sample, name: string): HTMLElement {
  const shown = columns.slice(0, MOST_COLUMNS);
  const head = element('tr', {}, ...shown.map(column => element('th', { attributes: { scope: 'col' } }, column.name)));
  const body = rows.map(row =>
    element('tr', {}, ...shown.map((_, place) => element('td', row[place] === null ? { class: 'lf-soft' } : {}, row[place] ?? 'null')))
  );
  return element(
    'div',
    { class: 'lf-scroll', attributes: { tabindex: '0', role: 'region', 'aria-label': `First rows of ${name}` } },
    element('table', { class: 'lf-sample' }, element('thead', {}, head), element('tbody', {}, ...body))
  );
}
