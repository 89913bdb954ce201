/** Lines that run in the kernel of the active notebook, as if the user had typed them. */

import { NotebookActions, NotebookPanel } from '@jupyterlab/notebook';
import { ISessionContext } from '@jupyterlab/apputils';
import { KernelMessage } from '@jupyterlab/services';

export interface Outcome {
  ok: boolean;
  /** What the line answered, or why it failed. */
  text: string;
  /** Whether the kernel does not know `%lf`. */
  unloaded: boolean;
}

export const LOAD = '%load_ext lineageflow_jupyter';

/** Run a line beside the notebook: it gets no cell and no number. */
export async function runAside(session: ISessionContext, line: string): Promise<Outcome> {
  const kernel = session.session?.kernel;
  if (!kernel || kernel.status === 'dead') {
    return { ok: false, text: 'The notebook has no running kernel: start one from the Kernel menu', unloaded: false };
  }
  const said: string[] = [];
  const future = kernel.requestExecute({ code: line, store_history: false, allow_stdin: false, stop_on_error: false });
  future.onIOPub = message => {
    said.push(told(message));
  };
  const reply = await future.done;
  const content = reply?.content;
  let text = said.join('').replace(/\u001b\[[0-9;]*m/g, '').trim();
  if (content?.status === 'error' && !text) {
    text = `${content.ename}: ${content.evalue}`;
  }
  const unloaded = /magic function `%lf` not found/.test(text);
  return { ok: content?.status === 'ok' && !/^UsageError/m.test(text), text, unloaded };
}

function told(message: KernelMessage.IIOPubMessage): string {
  if (KernelMessage.isStreamMsg(message)) {
    return message.content.text;
  }
  if (KernelMessage.isDisplayDataMsg(message) || KernelMessage.isExecuteResultMsg(message)) {
    const plain = message.content.data['text/plain'];
    return `${Array.isArray(plain) ? plain.join('') : String(plain ?? '')}\n`;
  }
  if (KernelMessage.isErrorMsg(message)) {
    return `${message.content.ename}: ${message.content.evalue}\n`;
  }
  return '';
}

/** Put a line into a new cell below the active one, and run it: for answers that want to be looked at. */
export async function runInCell(panel: NotebookPanel, line: string): Promise<void> {
  const notebook = panel.content;
  NotebookActions.insertBelow(notebook);
  notebook.activeCell?.model.sharedModel.setSource(line);
  await NotebookActions.run(notebook, panel.sessionContext);
}
