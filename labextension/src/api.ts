/** The server's REST interface, and why an answer may not have come. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import * as wire from './wire';

/** What kind of trouble: no extension in this server, no server, no permission, or something the server explains. */
export type Trouble = 'absent' | 'unreachable' | 'forbidden' | 'refused';

export class RequestFailed extends Error {
  constructor(
    readonly trouble: Trouble,
    problem: string,
    readonly remedy: string = '',
    readonly code: string = ''
  ) {
    super(problem);
  }
}

interface Kept {
  tag: string;
  body: unknown;
}

const MOST_KEPT = 64;

export class Api {
  private kept = new Map<string, Kept>();

  constructor(private settings: ServerConnection.ISettings) {}

  async repositories(): Promise<wire.Repository[]> {
    return (await this.get<{ repositories: wire.Repository[] }>(['repositories'])).repositories;
  }

  notebook(path: string): Promise<wire.NotebookInfo> {
    return this.get(['notebook'], { path });
  }

  log(repository: string, query: { revision?: string; dataset?: string; after?: string; notebook?: string; limit: number }): Promise<wire.LogPage> {
    return this.of(repository, ['log'], query);
  }

  commit(repository: string, id: string): Promise<wire.CommitChanges> {
    return this.of(repository, ['commits', id]);
  }

  async datasets(repository: string, query: { notebook?: string }): Promise<wire.Dataset[]> {
    return (await this.of<{ datasets: wire.Dataset[] }>(repository, ['datasets'], query)).datasets;
  }

  sample(repository: string, query: { notebook?: string; dataset: string }): Promise<wire.Sample> {
    return this.of(repository, ['sample'], query);
  }

  lineage(repository: string, query: { notebook?: string; name?: string; column?: string; direction?: string }): Promise<wire.Graph> {
    return this.of(repository, ['lineage'], query);
  }

  runs(repository: string, query: { notebook: string; after?: number; limit: number }): Promise<wire.RunsPage> {
    return this.of(repository, ['runs'], query);
  }

  private of<T>(repository: string, path: string[], query: object = {}): Promise<T> {
    return this.get(['repositories', repository, ...path], query);
  }

  /** Ask for a document; one that has not changed is not sent again. */
  private async get<T>(path: string[], query: object = {}): Promise<T> {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
    const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    const below = path.map(part => encodeURIComponent(part)).join('/') + (search ? `?${search}` : '');
    const known = this.kept.get(below);
    const headers: Record<string, string> = known ? { 'If-None-Match': known.tag } : {};
    let answer: Response;
    try {
      const url = URLExt.join(this.settings.baseUrl, 'lineageflow', below);
      // Not `no-store`, JupyterLab's default: it would make each address unique. Our own store below answers 304.
      answer = await ServerConnection.makeRequest(url, { headers, cache: 'no-cache' }, this.settings);
    } catch {
      throw new RequestFailed('unreachable', 'The Jupyter server does not answer', 'It is asked again as soon as it is back');
    }
    if (answer.status === 304 && known) {
      return known.body as T;
    }
    if (!answer.ok) {
      throw await failed(answer);
    }
    const body = await answer.json();
    const tag = answer.headers.get('ETag');
    if (tag) {
      this.kept.delete(below);
      this.kept.set(below, { tag, body });
      if (this.kept.size > MOST_KEPT) {
        this.kept.delete(this.kept.keys().next().value as string);
      }
    }
    return body as T;
  }
}

async function failed(answer: Response): Promise<RequestFailed> {
  const said = (await answer.json().catch(() => null)) as { error?: wire.Problem } | null;
  const error = said?.error;
  if (error?.problem) {
    return new RequestFailed(answer.status === 403 ? 'forbidden' : 'refused', error.problem, error.remedy ?? '', error.code);
  }
  if (answer.status === 404) {
    return new RequestFailed('absent', 'The LineageFlow extension of the Jupyter server is not running');
  }
  if (answer.status === 401 || answer.status === 403) {
    return new RequestFailed('forbidden', 'You may not read LineageFlow on this server', 'Ask whoever runs the server for permission to read the resource "lineageflow"');
  }
  if (answer.status >= 502 && answer.status <= 504) {
    return new RequestFailed('unreachable', 'The Jupyter server does not answer', 'It is asked again as soon as it is back');
  }
  return new RequestFailed('refused', `The server failed to answer (${answer.status})`, 'The log of the Jupyter server says why');
}
