import type { TimelineEntry } from '#contracts';
import { entryLine } from './entry-line.js';
import { cut, plain } from './table.js';
import { styled, type Terminal } from './terminal.js';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
const CLEAR = '\r\u001B[2K';

interface Told {
  intent_id?: string;
  tool_name?: string;
  call?: string;
  held?: boolean;
  type?: string;
  refused?: string;
}

const approvalOf = (call: string): string => `approval of ${call}`;

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
    this.note(entry);
    if (this.terminal.live) this.terminal.draw(CLEAR);
    this.terminal.print(entryLine(entry, this.terminal));
    this.draw();
  }

  private note({ type, payload }: TimelineEntry): void {
    const { intent_id: id, tool_name, call = tool_name ?? '', held, ...told } = payload as Told;
    if (id === undefined) return;
    const waits = this.waiting.get(id);
    const name = call.replace(/^(step|undo):/, '');
    if (type === 'intent') this.waiting.set(id, held === true ? approvalOf(name) : name);
    else if (told.type !== 'approval') this.waiting.delete(id);
    else if (told.refused === undefined && waits !== undefined)
      this.waiting.set(id, waits.slice(approvalOf('').length));
  }

  end(): void {
    clearInterval(this.timer);
    if (this.timer !== undefined) this.terminal.draw(CLEAR);
    this.timer = undefined;
  }

  private draw(): void {
    if (this.timer === undefined) return;
    const seconds = ((Date.now() - this.startedAt) / 1000).toFixed(1);
    const names = [...this.waiting.values()];
    const what = names.length === 0 ? 'thinking' : `waiting for ${names.join(', ')}`;
    this.frame = (this.frame + 1) % FRAMES.length;
    const line = cut(plain(`${FRAMES[this.frame] ?? ''} ${seconds} s  ${what}`), this.terminal.columns - 1);
    this.terminal.draw(CLEAR + styled(this.terminal, 'dim', line));
  }
}
