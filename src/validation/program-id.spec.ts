import { idOfName } from './program-id';

it.each([
  ['Web Server', 'web-server'],
  ['Apache2', 'apache2'],
  ['Café', 'cafe'],
])('%s gets the id %s', (name, id) => expect(idOfName(name)).toBe(id));

it.each([['!!!'], ['add'], ['Edit'], ['RESET'], ['backups'], ['x'.repeat(65)]])(
  '%s can have no id',
  (name) => {
    expect(() => idOfName(name)).toThrow(
      expect.objectContaining({
        code: 'VALIDATION_ERROR',
        extra: {
          details: [{ field: 'name', message: expect.stringMatching(/^name gives the id/) as string }],
        },
      }),
    );
  },
);
