import { IDisposable } from '@lumino/disposable';

/** Work that is asked for more often than it need be done: one at a time, and what comes meanwhile is one more time. */
export class Coalesced implements IDisposable {
  private timer = 0;
  private running = false;
  private again = false;
  private disposed = false;

  constructor(
    private work: () => Promise<void>,
    private delay: number = 60
  ) {}

  get isDisposed(): boolean {
    return this.disposed;
  }

  ask(): void {
    if (this.disposed || this.timer) {
      return;
    }
    if (this.running) {
      this.again = true;
      return;
    }
    this.timer = window.setTimeout(() => void this.run(), this.delay);
  }

  private async run(): Promise<void> {
    this.timer = 0;
    this.running = true;
    try {
      await this.work();
    } finally {
      this.running = false;
      if (this.again) {
        this.again = false;
        this.ask();
      }
    }
  }

  dispose(): void {
    this.disposed = true;
    window.clearTimeout(this.timer);
  }
}
