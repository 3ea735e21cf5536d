/** What a process does. One process may have several; without Kafka and Redis it has all. */
export const ROLES = ['api', 'commander', 'dispatcher', 'scheduler'] as const;
export type Role = (typeof ROLES)[number];

export const isRole = (name: string): name is Role => (ROLES as readonly string[]).includes(name);
