export { type Environment, misspelt, readServerUrl, readSettings } from './read-settings.js';
export { isRole, type Role, ROLES } from './roles.js';
export { type SettingFault, SettingsError } from './setting-fault.js';
export { SettingsModule, settingsToken } from './settings.module.js';
export type {
  EngineSettings,
  HttpSettings,
  LogSettings,
  OpenAiSettings,
  ProcessSettings,
  ProtocolSettings,
  ServerSettings,
  Settings,
  SettingsSlice,
  ToolSettings,
} from './settings.js';
export { SETTING_NAMES, type SettingName } from './table.js';
