import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigModule, getConfigToken, registerAs } from '@nestjs/config';
import type { Settings, SettingsSlice } from './settings.js';

/** The injection token of one slice of the settings: `@Inject(settingsToken('http')) settings: HttpSettings`. */
export const settingsToken = (slice: SettingsSlice): string => getConfigToken(slice);

/** Hands the settings out by slices. They were read and checked before; nothing here looks at the environment. */
@Module({})
export class SettingsModule {
  static forRoot(settings: Settings): DynamicModule {
    const slices = Object.keys(settings) as SettingsSlice[];
    return {
      module: SettingsModule,
      imports: [
        ConfigModule.forRoot({
          isGlobal: true,
          // the environment was read once already; a second reading could differ
          ignoreEnvFile: true,
          ignoreEnvVars: true,
          load: slices.map((slice) => registerAs(slice, () => settings[slice] ?? {})),
        }),
      ],
    };
  }
}
