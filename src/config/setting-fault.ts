import { DormouseError } from '#contracts';

/** One wrong setting. */
export interface SettingFault {
  setting: string;
  expected: string;
  came: string;
  /** what to do */
  advice: string;
}

export const fault = (setting: string, expected: string, came: string, advice: string): SettingFault => ({
  setting,
  expected,
  came,
  advice,
});

const sentence = (f: SettingFault): string =>
  `  ${f.setting}: expected ${f.expected}; came ${f.came}.\n    ${f.advice}`;

/** Raised once for all that is wrong with the environment; its message is made to be printed as it is. */
export class SettingsError extends DormouseError {
  constructor(readonly faults: readonly SettingFault[]) {
    const count = faults.length === 1 ? 'a setting is wrong' : `${faults.length} settings are wrong`;
    super('invalid_settings', `${count}\n\n${faults.map(sentence).join('\n')}`, {
      details: { settings: faults.map((f) => ({ ...f })) },
    });
  }
}
