import type { MirrorMode } from './supervisor-gateway';

export interface LinkContact {
  /** Names this start of supervisord. */
  epoch: string;
  pid: number;
}

/** Keeps the mirror current while there is contact with supervisord. */
export interface StateLink {
  readonly mode: MirrorMode;
  /**
   * Resolves when the mirror holds a complete picture and will follow every change, until `onLost` is
   * called once. @throws when supervisord can't be reached
   */
  connect(onLost: (reason: string) => void): Promise<LinkContact>;
  /** Something is about to change, or has just been begun in `group`, and somebody waits for it. */
  expectChanges(group?: string): void;
  close(): void;
}
