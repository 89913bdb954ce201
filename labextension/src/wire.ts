/** What the server's extension answers and announces. Keys are only ever added; one that is missing is an older server. */

export interface Repository {
  id: string;
  path: string;
  name: string;
  branch?: string;
}

export interface NotebookInfo {
  path: string;
  repository: string | null;
  /** Why the repository cannot be used. */
  problem?: Problem | null;
  workspace: string | null;
  head: Head | null;
  branch: string | null;
  /** Whether cells of the present kernel session were recorded. */
  tracked: boolean;
  kernel: string | null;
  offers_loading: boolean;
  runs: number;
  dirty: number;
}

export interface Head {
  branch: string | null;
  commit: Commit | null;
}

export interface Author {
  name: string;
  email: string;
}

export interface Commit {
  id: string;
  parents: string[];
  author: Author;
  time: string | null;
  message: string;
  datasets: string[];
  branches?: string[];
  tags?: string[];
}

export interface LogPage {
  commits: Commit[];
  next?: string | null;
}

export interface Shape {
  rows: number;
  columns: number;
}

export interface Change {
  dataset: string;
  state: string;
  before: Shape | null;
  after: Shape | null;
  columns_added: string[];
  columns_dropped: string[];
  columns_changed: string[];
  cells: Record<string, number> | null;
}

export interface CommitChanges {
  commit: Commit;
  changes: Change[];
}

export interface Column {
  name: string;
  type: string;
  role: string;
}

export interface Dataset {
  name: string;
  rows: number;
  columns: number;
  bytes?: number | null;
  key?: string[];
  schema?: Column[];
  /** Columns of which `schema` lists the first. */
  columns_in_all?: number;
  /** Whether the notebook's frame of this name differs; null or missing: nobody knows. */
  changed?: boolean | null;
}

export interface Sample {
  rows_in_all?: number;
  columns_in_all?: number;
  columns: Column[];
  rows: (string | null)[][];
}

export interface FrameState {
  variable: string;
  dataset: string;
  table: string | null;
  rows: number;
  columns: number;
  note: string;
}

export interface FrameWrite {
  before: FrameState | null;
  after: FrameState | null;
  seen: boolean;
}

export interface CellRun {
  run: string;
  sequence: number;
  notebook: string;
  cell: string;
  number: number | null;
  started: string | null;
  outcome: string;
  session: string;
  reads: FrameState[];
  writes: FrameWrite[];
}

export interface RunsPage {
  runs: CellRun[];
  next?: string | null;
}

export interface GraphNode {
  id: string;
  kind: 'version' | 'column' | 'run' | 'operation' | 'file' | 'model' | 'score';
  label: string;
  details: Record<string, string>;
  stale: string[];
  current: boolean;
}

export interface GraphEdge {
  source: string;
  target: string;
  kind: string;
  evidence: string;
  influence: string;
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

export interface Problem {
  code: string;
  problem: string;
  remedy: string | null;
}

/** What an event says, whichever it is. */
export interface Announcement {
  schema_id: string;
  event_id: string;
  sequence: number;
  repository: string;
  notebook: string;
}

export type EventKind = 'commit' | 'ref_moved' | 'cell_run' | 'check_failed';
