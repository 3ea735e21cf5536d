// Preloaded by a process whose clock is to be wrong: SIGUSR2 puts it ten seconds back, and another one right again.
const now = Date.now.bind(Date);
let shiftMs = 0;
Date.now = () => now() + shiftMs;
process.on('SIGUSR2', () => {
  shiftMs = shiftMs === 0 ? -10_000 : 0;
});
