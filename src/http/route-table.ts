import { Injectable } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

/** Knows which methods a path has, so that a wrong method can be told from a wrong path. */
@Injectable()
export class RouteTable {
  private readonly routes = new Map<string, { pattern: RegExp; methods: Set<string> }>();

  /** To be called before any route is registered. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', ({ url, method }) => {
      for (const name of [method].flat()) this.add(url, name);
    });
  }

  private add(url: string, method: string): void {
    let route = this.routes.get(url);
    if (route === undefined) {
      const pattern = new RegExp(`^${url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+')}$`);
      this.routes.set(url, (route = { pattern, methods: new Set() }));
    }
    route.methods.add(method);
  }

  /** In the order of the alphabet; empty when there is no such path. */
  methodsOf(path: string): string[] {
    const found = [...this.routes.values()].filter((route) => route.pattern.test(path));
    return [...new Set(found.flatMap((route) => [...route.methods]))].sort();
  }
}
