/** The item in the status bar: repository, branch, and how many frames are not committed. */

import { Widget } from '@lumino/widgets';

import { element } from './dom';
import { Model } from './model';

export class StatusItem extends Widget {
  private readonly text = element('button', { class: 'lf-status-text', attributes: { type: 'button' } });

  constructor(model: Model, open: () => void) {
    super();
    this.addClass('lf-status');
    this.text.addEventListener('click', open);
    this.node.append(this.text);
    model.changed.connect(() => this.tell(model));
    this.tell(model);
  }

  private tell({ state }: Model): void {
    const info = state.kind === 'ready' ? state.info : null;
    this.setHidden(!info);
    if (!info) {
      return;
    }
    const dirty = info.dirty ? ` ● ${info.dirty}` : '';
    const said = info.dirty ? `${info.dirty} not committed` : 'nothing to commit';
    this.text.textContent = `⎇ ${info.branch ?? 'no branch'}${dirty}`;
    this.text.title = `LineageFlow: branch ${info.branch ?? '(none)'}, ${said}`;
    this.text.setAttribute('aria-label', this.text.title);
  }
}
