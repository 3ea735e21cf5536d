import type { TimelineEntry } from '#contracts';
import { entryLine } from './entry-line.js';
import { cut, plain } from './table.js';
import { styled, type Terminal } from './terminal.js';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
const CLEAR = '\r\u001B[2K';

/** Prints entries as they come and, below them on a live terminal, what the session waits for. */
export class LiveView {
  private readonly waiting = new Map<string, string>();
  private readonly startedAt = Date.now();
  private timer: NodeJS.Timeout | undefined;
  private frame = 0;

  constructor(private readonly terminal: Terminal) {
    if (!terminal.live) return;
    this.timer = setInterval(() => this.draw(), FRAME_MS);
  }

  show(entry: TimelineEntry): void {
    const payload = entry.payload as { intent_id?: string; tool_name?: string; call?: string };
    if (payload.intent_id !== undefined) {
      if (entry.type === 'intent')
        this.waiting.set(payload.intent_id, payload.call ?? payload.tool_name ?? '');
      if (entry.type === 'observation') this.waiting.delete(payload.intent_id);
    }
    if (this.terminal.live) this.terminal.draw(CLEAR);
    this.terminal.print(entryLine(entry, this.terminal));
    this.draw();
  }

  end(): void {
    clearInterval(this.timer);
    if (this.timer !== undefined) this.terminal.draw(CLEAR);
    this.timer = undefined;
  }

  private draw(): void {
    if (this.timer === undefined) return;
    const seconds = ((Date.now() - this.startedAt) / 1000).toFixed(1);
    const names = [...this.waiting.values()].map((name) => name.replace(/^(step|undo):/, ''));
    const what = names.length === 0 ? 'thinking' : `waiting for ${names.join(', ')}`;
    this.frame = (this.frame + 1) % FRAMES.length;
    const line = cut(plain(`${FRAMES[this.frame] ?? ''} ${seconds} s  ${what}`), this.terminal.columns - 1);
    this.terminal.draw(CLEAR + styled(this.terminal, 'dim', line));
  }
}
