// Loaded into each process under test: collects garbage when the bench asks for it.
process.on('message', () => {
  for (let i = 0; i < 3; i++) globalThis.gc();
  process.send('collected');
});
// the bench alone must keep no process alive
process.channel.unref();
