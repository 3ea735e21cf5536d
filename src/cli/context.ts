import type { Command } from 'commander';
import { readServerUrl } from '../config/read-settings.js';
import { ApiClient } from './api-client.js';
import type { ExitCode } from './exit-codes.js';
import type { Terminal } from './view/terminal.js';

/** What a command works with. */
export interface CommandContext {
  client: ApiClient;
  terminal: Terminal;
  /** whose sessions; undefined: the default one's */
  tenant: string | undefined;
  /** print JSON for machines */
  json: boolean;
  /** the exit code, when the command is done */
  exit: (code: ExitCode) => void;
}

interface GlobalOptions {
  url?: string;
  tenant?: string;
  json?: boolean;
}

/** Makes a command's context from the options that all commands share. */
export class Context {
  constructor(
    private readonly terminal: Terminal,
    private readonly exit: (code: ExitCode) => void,
  ) {}

  /** What a command has that may do without a server. */
  local(command: Command): Omit<CommandContext, 'client'> {
    const { tenant, json } = command.optsWithGlobals<GlobalOptions>();
    return { tenant, terminal: this.terminal, json: json === true, exit: this.exit };
  }

  /** Where the server is. Errors: SettingsError when DORMOUSE_URL, HOST or PORT is wrong */
  urlOf(command: Command): string {
    const { url } = command.optsWithGlobals<GlobalOptions>();
    return readServerUrl(url === undefined ? process.env : { DORMOUSE_URL: url });
  }

  /** Errors: SettingsError when DORMOUSE_URL, HOST or PORT is wrong */
  of(command: Command): CommandContext {
    const local = this.local(command);
    return { ...local, client: new ApiClient(this.urlOf(command), local.tenant) };
  }
}
