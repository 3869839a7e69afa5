import { IsText } from '../../validation/text-rules';

export class RestoreDto {
  /**
   * The name of a backup, as `GET /programs/backups` lists it.
   * @example "programs.backup-2025-01-15T10-30-00-000Z.json"
   */
  @IsText(1, 128)
  backup: string;
}
