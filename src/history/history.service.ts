import { Injectable } from '@nestjs/common';
import type { StateChange } from '../domain/changes';
import { ChangeJournal, type StateEntry } from '../events/change-journal';
import { DEFAULT_HISTORY_LIMIT, type HistoryDto, type TransitionDto } from './history.dto';
import { isCrash, isRestart } from './run-ends';

const HOUR_MS = 3_600_000;

export interface HistoryOptions {
  /** Only the instance on this port. */
  port?: number;
  limit?: number;
}

/** What happened to a program, out of the changes that the journal remembers. */
@Injectable()
export class HistoryService {
  constructor(private readonly journal: ChangeJournal) {}

  /** Reads the journal's index of this program only. A program that is not known has an empty history. */
  history(program: string, { port, limit = DEFAULT_HISTORY_LIMIT }: HistoryOptions = {}): HistoryDto {
    const hourAgo = Date.now() - HOUR_MS;
    const transitions: TransitionDto[] = [];
    const laterByPort = new Map<number | null, { change: StateChange; recent: boolean }>();
    let lastCrash: TransitionDto | null = null;
    let crashes = 0;
    let restarts = 0;

    for (const entry of this.journal.statesOf(program)) {
      const { change } = entry;
      if (port !== undefined && change.port !== port) continue;
      const recent = Date.parse(change.time) >= hourAgo;
      const later = laterByPort.get(change.port);

      if (transitions.length < limit) transitions.push(transitionOf(entry));
      if (isCrash(change)) {
        lastCrash ??= transitionOf(entry);
        if (recent) crashes += 1;
      }
      if (later?.recent && isRestart(change, later.change)) restarts += 1;

      laterByPort.set(change.port, { change, recent });
      if (!recent && lastCrash && transitions.length === limit) break;
    }
    for (const { change, recent } of laterByPort.values())
      if (recent && isRestart(null, change)) restarts += 1;
    return { transitions, crashes_last_hour: crashes, last_crash: lastCrash, restarts_last_hour: restarts };
  }
}

function transitionOf({ id, change }: StateEntry): TransitionDto {
  const { type: _type, program: _program, ...transition } = change;
  return { id: String(id), ...transition };
}
