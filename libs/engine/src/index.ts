export { type Durability, type EngineOptions } from './engine.options.js';
export { Engine } from './engine.js';
export { type Holder, holderOf } from './folder-lock.js';
export { type JournalCounts } from './journal.js';
export { keyPart, timePart, under } from './keys.js';
export { type Recovery } from './recovery.js';
export { type Table } from './table.js';
export { type Range, type Row, type Transaction, type View } from './view.js';
