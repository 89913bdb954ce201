/** What the kernel holds, as its recorded cell runs tell. */

import * as wire from './wire';

export interface LiveFrame extends wire.FrameState {
  /** Number of the cell run that left it so; null: unknown. */
  made: number | null;
  cell: string;
}

/** Frames of the latest kernel session, by variable, in the state in which the last cell left them. */
export function liveFrames(runs: readonly wire.CellRun[]): LiveFrame[] {
  const session = runs[runs.length - 1]?.session;
  const held = new Map<string, LiveFrame>();
  for (const run of runs) {
    if (run.session !== session) {
      continue;
    }
    for (const { before, after } of run.writes) {
      if (before && before.variable !== after?.variable) {
        held.delete(before.variable);
      }
      if (after) {
        held.set(after.variable, { ...after, made: run.number, cell: run.cell });
      }
    }
    for (const read of run.reads) {
      if (!held.has(read.variable)) {
        held.set(read.variable, { ...read, made: null, cell: '' });
      }
    }
  }
  return Array.from(held.values());
}

/** Whether `%lf commit` can be told this name. */
export function isName(variable: string): boolean {
  return /^[\p{L}_][\p{L}\p{N}_]*$/u.test(variable);
}

/** How many rows and columns a write added or took, such as "−2 rows"; "" where it left them. */
export function difference({ before, after }: wire.FrameWrite): string {
  if (!before || !after) {
    return '';
  }
  const told = [
    signed(after.rows - before.rows, 'row'),
    signed(after.columns - before.columns, 'column')
  ];
  return told.filter(each => each).join(', ');
}

function signed(value: number, noun: string): string {
  if (value === 0) {
    return '';
  }
  const size = Math.abs(value);
  return `${value < 0 ? '−' : '+'}${size.toLocaleString('en')} ${noun}${size === 1 ? '' : 's'}`;
}
