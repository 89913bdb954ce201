/** Ways to cells: the notebook is opened where it is closed, the cell scrolled to and flashed. */

import { PageConfig } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { NotebookPanel } from '@jupyterlab/notebook';

const FLASH = 'lf-mod-flash';

export class Navigator {
  constructor(private readonly documents: IDocumentManager | null) {}

  /** Show a cell; false where there is none of this id in the notebook. */
  async reveal(path: string, cell: string): Promise<boolean> {
    const opened = this.documents?.openOrReveal(path);
    if (!(opened instanceof NotebookPanel) || !cell) {
      return false;
    }
    await opened.revealed;
    await opened.context.ready;
    const notebook = opened.content;
    const place = notebook.widgets.findIndex(each => each.model.id === cell);
    const found = notebook.widgets[place];
    if (!found) {
      return false;
    }
    notebook.deselectAll();
    notebook.activeCellIndex = place;
    await notebook.scrollToCell(found, 'center');
    found.node.classList.remove(FLASH);
    void found.node.offsetWidth; // an animation that is set anew begins anew only after a layout
    found.node.classList.add(FLASH);
    found.node.addEventListener('animationend', () => found.node.classList.remove(FLASH), { once: true });
    return true;
  }

  /** Path for the server of a notebook, as the kernel calls it: absolute, or beside the notebook that is open. */
  serverPath(recorded: string, active: string): string {
    if (!recorded || recorded === active || recorded.endsWith(`/${active}`)) {
      return active;
    }
    const root = PageConfig.getOption('serverRoot').replace(/\/$/, '');
    if (root && !root.startsWith('~') && recorded.startsWith(`${root}/`)) {
      return recorded.slice(root.length + 1);
    }
    // JupyterLab writes the home folder as "~", and does not say where it is.
    const below = root.startsWith('~') ? recorded.indexOf(`${root.slice(1)}/`, 1) : -1;
    if (root.length > 1 && below > 0) {
      return recorded.slice(below + root.length);
    }
    const folder = active.includes('/') ? active.slice(0, active.lastIndexOf('/') + 1) : '';
    return folder + recorded.slice(recorded.lastIndexOf('/') + 1);
  }
}
