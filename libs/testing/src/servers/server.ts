import { Container, dockerAnswers } from './docker.js';
import { LocalProcess } from './local-process.js';

/** How one server is run, in either way. */
export interface ServerRecipe {
  name: string;
  /** exists already; the log goes there */
  folder: string;
  /** when this process is gone, the server goes too */
  owner: number;
  /** absent: it runs as a local process alone */
  container?: { image: string; args: readonly string[]; env: Record<string, string> };
  /** finds, or fetches, what a local process needs. @throws Error which says what to install */
  local(): Promise<{ command: string; args: readonly string[] }>;
  /** asked again and again; true when the server can be used */
  ready(): Promise<boolean>;
  readyWithinMs: number;
}

/** One server under test: killed and started again over the same data and port. */
export interface Server {
  /** undefined in a container */
  readonly pid: number | undefined;
  /** SIGKILL; resolves when the process is gone */
  kill9(): Promise<void>;
  /** Starts it again after `kill9`; resolves when it can be used. */
  restart(): Promise<void>;
  /** Ends it for good. Its data goes with its folder. */
  remove(): Promise<void>;
}

class LocalServer implements Server {
  private process: LocalProcess | undefined;
  constructor(
    private readonly recipe: ServerRecipe,
    private readonly run: { command: string; args: readonly string[] },
  ) {}

  get pid(): number | undefined {
    return this.process?.pid;
  }

  async restart(): Promise<void> {
    if (this.process?.running) await this.kill9();
    this.process = await LocalProcess.start({ ...this.recipe, ...this.run });
    await this.process.until(() => this.recipe.ready(), this.recipe.readyWithinMs);
  }

  async kill9(): Promise<void> {
    await this.process?.end('SIGKILL');
  }

  // nobody needs its data any more: no reason to let it shut down in order
  async remove(): Promise<void> {
    await this.kill9();
  }
}

class ContainerServer implements Server {
  readonly pid = undefined;
  private constructor(
    private readonly recipe: ServerRecipe,
    private readonly container: Container,
  ) {}

  static async start(
    recipe: ServerRecipe,
    { image, args, env }: NonNullable<ServerRecipe['container']>,
  ): Promise<ContainerServer> {
    const server = new ContainerServer(recipe, Container.run(image, args, env, recipe.owner));
    await server.untilReady();
    return server;
  }

  private async untilReady(): Promise<void> {
    const end = performance.now() + this.recipe.readyWithinMs;
    while (!(await this.recipe.ready())) {
      if (performance.now() > end) {
        this.container.remove();
        throw new Error(`${this.recipe.name} in a container was not ready in time`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async restart(): Promise<void> {
    this.container.restart();
    await this.untilReady();
  }

  async kill9(): Promise<void> {
    this.container.signal('SIGKILL');
  }

  async remove(): Promise<void> {
    this.container.remove();
  }
}

/**
 * Starts the server where it can: in a container when an engine answers and gives us the image, else as a local process.
 * @throws Error which says what to install
 */
export const startServer = async (recipe: ServerRecipe): Promise<Server> => {
  if (recipe.container !== undefined && dockerAnswers()) {
    try {
      return await ContainerServer.start(recipe, recipe.container);
    } catch (error) {
      console.error(`${recipe.name}: no container (${String(error)}); trying a local process`);
    }
  }
  const server = new LocalServer(recipe, await recipe.local());
  try {
    await server.restart();
  } catch (error) {
    await server.remove();
    throw error;
  }
  return server;
};
