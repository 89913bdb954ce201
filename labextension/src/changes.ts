/** The tab Changes: what is not committed, and the box that commits it. */

import { hint, list, sizes, what } from './data';
import * as dom from './dom';
import { isName, LiveFrame, liveFrames } from './frames';
import { LOAD, runAside, runInCell } from './kernel';
import { Model } from './model';
import { line, Ready, View } from './view';
import * as wire from './wire';
import { commitLine, quoted } from './words';

const { element } = dom;
const RUNS = 500;

interface Change {
  variable: string;
  dataset: string;
  state: 'changed' | 'new';
  frame: LiveFrame;
}

export class ChangesView extends View {
  private readonly listed = element('div', {});
  private readonly message = element('textarea', {
    class: 'lf-message',
    attributes: { rows: '2', placeholder: 'What changed, and why', 'aria-label': 'Message of the commit', 'data-key': 'message' }
  });
  private readonly commit = dom.button('Commit', () => void this.run(), { class: 'lf-mod-main' });
  private readonly preview = element('code', { class: 'lf-preview', attributes: { 'aria-label': 'The line that will run' } });
  private readonly answer = element('p', { class: 'lf-answer', attributes: { role: 'status' } });
  private readonly form: HTMLElement;
  private readonly loading: HTMLElement;
  private changes: Change[] = [];
  private readonly chosen = new Map<string, boolean>();

  constructor(model: Model) {
    super(model, 'Changes', new Set(['commit', 'ref_moved', 'cell_run']));
    this.addClass('lf-changes');
    this.form = element('div', { class: 'lf-form' }, this.message, this.commit, this.preview, this.answer);
    this.loading = line('Load LineageFlow in the notebook', [LOAD], model);
    this.message.addEventListener('input', () => this.check());
    this.message.addEventListener('keydown', event => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        event.stopPropagation(); // else JupyterLab runs the active cell
        void this.run();
      }
    });
    this.check();
  }

  protected async load({ repository, info }: Ready): Promise<void> {
    if (!info) {
      this.missing(hint('Open a notebook: what is not committed is what its kernel holds.'));
      return;
    }
    const [datasets, page] = await Promise.all([
      this.model.api.datasets(repository, { notebook: info.path }),
      this.model.api.runs(repository, { notebook: info.path, limit: RUNS })
    ]);
    this.changes = changesOf(liveFrames(page.runs), datasets);
    const rows = this.changes.map(each => this.row(each));
    dom.replaceChildren(
      this.listed,
      rows.length ? list('Changes that are not committed', rows) : hint(info.tracked ? 'Nothing has changed since the last commit.' : 'Cells of this session are not recorded, and so no changes are known.')
    );
    dom.hold(this.content, ...(info.tracked ? [] : [this.loading]), this.listed, this.form);
    this.check();
  }

  private row(change: Change): HTMLElement {
    const { variable, dataset, state, frame } = change;
    const box = element('input', { attributes: { type: 'checkbox', 'data-key': `take ${variable}` } });
    box.checked = this.takes(change);
    box.addEventListener('change', () => {
      this.chosen.set(variable, box.checked);
      this.check();
    });
    const panel = this.model.notebook;
    const diff =
      state === 'changed' && panel
        ? dom.button('Diff', () => void runInCell(panel, `%lf diff ${quoted(dataset)}`), { label: `Diff of ${dataset}`, class: 'lf-mod-minor' })
        : null;
    return element(
      'li',
      { class: 'lf-item lf-change' },
      element(
        'label',
        { class: 'lf-row', title: variable === dataset ? variable : `${variable}, of the dataset ${dataset}` },
        box,
        what(variable, state),
        sizes(frame, '')
      ),
      diff
    );
  }

  /** What was chosen; else what a bare commit takes: changed datasets, but no new frames. */
  private takes({ variable, state }: Change): boolean {
    return this.chosen.get(variable) ?? state === 'changed';
  }

  private taken(): string[] {
    return this.changes.filter(each => this.takes(each)).map(each => each.variable);
  }

  private check(): void {
    const names = this.taken();
    const ready = names.length > 0 && this.message.value.trim() !== '';
    this.commit.disabled = !ready;
    this.commit.title = ready ? 'Ctrl+Enter' : 'Choose what to commit, and write a message';
    this.preview.textContent = names.length ? commitLine(names, this.message.value.trim() || '…') : '';
  }

  private async run(): Promise<void> {
    const panel = this.model.notebook;
    if (this.commit.disabled || !panel) {
      return;
    }
    const line = commitLine(this.taken(), this.message.value);
    this.commit.disabled = true;
    const busy = panel.sessionContext.session?.kernel?.status === 'busy';
    this.say(busy ? 'The kernel is busy: the commit comes after what it does now…' : 'Committing…');
    const outcome = await runAside(panel.sessionContext, line);
    this.say(outcome.text, !outcome.ok);
    if (outcome.ok) {
      this.message.value = '';
      this.chosen.clear();
    }
    this.model.outdate('commit');
    this.check();
  }

  private say(text: string, failed: boolean = false): void {
    this.answer.textContent = text;
    this.answer.classList.toggle('lf-mod-failed', failed);
  }
}

function changesOf(frames: readonly LiveFrame[], datasets: readonly wire.Dataset[]): Change[] {
  const found: Change[] = [];
  for (const frame of frames) {
    const dataset = frame.dataset || frame.variable;
    const committed = datasets.find(each => each.name === dataset);
    if (isName(frame.variable) && !frame.variable.startsWith('_') && (!committed || committed.changed)) {
      found.push({ variable: frame.variable, dataset, state: committed ? 'changed' : 'new', frame });
    }
  }
  return found.sort((a, b) => a.state.localeCompare(b.state));
}
