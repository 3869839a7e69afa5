/** One process of a program: the program's id (or temporary id) and its port, 0 for a program without one. */
export interface Instance {
  owner: string;
  port: number;
}

/*
 * Ids hold no underscore, so these names can be read back. The prefix tells our groups from those of
 * others in a supervisord that is not ours alone.
 */
const PREFIX = 'hoody_';

/** The name of the instance's group, and of its one process, in supervisord. */
export function groupName({ owner, port }: Instance): string {
  return PREFIX + fileStem({ owner, port }, '_');
}

export function instanceOfGroup(group: string): Instance | null {
  const match = /^hoody_([a-z0-9-]+)(?:_(\d+))?$/.exec(group);
  return match?.[1] ? { owner: match[1], port: Number(match[2] ?? 0) } : null;
}

/** "web", or "web.3001" for an instance with a port. */
export function fileStem({ owner, port }: Instance, separator = '.'): string {
  return port === 0 ? owner : `${owner}${separator}${port}`;
}
