/** Waits until the machine's clock has gone on by at least `ms`: a timer may fire up to a millisecond early. */
export const realTime = async (ms: number): Promise<void> => {
  const end = performance.now() + ms;
  for (let left = ms; left > 0; left = end - performance.now())
    await new Promise((resolve) => setTimeout(resolve, Math.ceil(left)));
};
