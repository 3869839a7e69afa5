/** The JSON documents in a text, whatever white space (even none) stands between them. */
export function parseDocuments(text) {
  const documents = [];
  let rest = text.trim();
  while (rest !== '') {
    const end = endOfDocument(rest);
    documents.push(JSON.parse(rest.slice(0, end)));
    rest = rest.slice(end).trimStart();
  }
  return documents;
}

function endOfDocument(text) {
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    if (depth === 0) return index + token.length;
  }
  return text.length;
}

/**
 * Where `actual` has another shape than `expected`: another type, a missing or an additional name, another
 * number of documents. null goes with everything, and of a list only the first elements are compared.
 */
export function differences(expected, actual) {
  if (expected.length !== actual.length) {
    return [`shows ${expected.length} JSON documents, but the commands print ${actual.length}.`];
  }
  return expected.flatMap((document, index) => compare(document, actual[index], 'its output'));
}

function compare(expected, actual, path) {
  if (expected === null || actual === null) return [];
  if (typeOf(expected) !== typeOf(actual)) return [`${path} is ${typeOf(actual)}, not ${typeOf(expected)}.`];
  if (Array.isArray(expected)) return compareLists(expected, actual, path);
  if (typeof expected === 'object') return compareObjects(expected, actual, path);
  return [];
}

function compareLists(expected, actual, path) {
  if (expected.length === 0) return [];
  return actual.length === 0 ? [`${path} is an empty list.`] : compare(expected[0], actual[0], `${path}[0]`);
}

function compareObjects(expected, actual, path) {
  const missing = Object.keys(expected).filter((name) => !(name in actual));
  const additional = Object.keys(actual).filter((name) => !(name in expected));
  return [
    ...missing.map((name) => `${path} has no "${name}".`),
    ...additional.map((name) => `${path} also has "${name}".`),
    ...Object.keys(expected).flatMap((name) =>
      name in actual ? compare(expected[name], actual[name], `${path}.${name}`) : [],
    ),
  ];
}

function typeOf(value) {
  return Array.isArray(value) ? 'list' : typeof value;
}
