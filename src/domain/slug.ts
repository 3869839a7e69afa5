import slugify from 'slugify';

/** Path words of the API that can't be ids: `POST /programs/edit/start` must mean one thing. */
export const RESERVED_IDS: readonly string[] = ['add', 'edit', 'remove', 'reset', 'restore', 'backups'];
export const MAX_ID_LENGTH = 64;

/** "Web Server" -> "web-server", "Café" -> "cafe". Letters are transliterated where possible, all else becomes "-". */
export function slugOf(name: string): string {
  return name
    .normalize('NFC')
    .replace(/\p{L}/gu, (letter) => slugify(letter, { remove: /(?!)/ }))
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}
