import { EFFECT_CLASSES, type Plan } from '#contracts';

/** Three to six steps over tools of every effect class, some in a row, some at once; each runs at most `longestMs`. */
export const randomPlan = (random: () => number, longestMs = 150): Plan => {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const count = 3 + Math.floor(random() * 4);
  return {
    steps: Array.from({ length: count }, (_, i) => ({
      id: `s${i}`,
      tool: `do_${pick(EFFECT_CLASSES)}`,
      parameters: { ms: Math.floor(random() * longestMs) },
      ...(i > 0 && random() < 0.4 ? { after: [`s${Math.floor(random() * i)}`] } : {}),
    })),
  };
};
