import { Injectable } from '@nestjs/common';
import { Semaphore } from 'async-mutex';
import { KeyedMutex } from './concurrency';

/** Changes under way at once; further ones wait. Small, since async-mutex counts down from it at each release. */
const EVERYBODY = 256;

/** Changes of one program come one after the other; a change of all waits for, and holds up, every other. */
@Injectable()
export class ProgramLocks {
  private readonly owners = new KeyedMutex();
  private readonly all = new Semaphore(EVERYBODY);

  async forOne<T>(owner: string, run: () => Promise<T>): Promise<T> {
    return await this.all.runExclusive(() => this.owners.runExclusive(owner, run), 1);
  }

  async forAll<T>(run: () => Promise<T>): Promise<T> {
    return await this.all.runExclusive(run, EVERYBODY);
  }
}
