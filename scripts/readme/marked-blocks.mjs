/** The ```bash blocks that follow a `<!-- ci -->` line, each with the ```json block after it, if there is one. */
export function markedBlocks(markdown) {
  const fences = [...markdown.matchAll(/^```(\w*)[^\n]*\n(.*?)^```\s*$/gms)];
  return fences.flatMap((fence, index) => {
    const [, language, code] = fence;
    if (language !== 'bash' || !/<!-- ci -->\s*$/.test(markdown.slice(0, fence.index))) return [];
    const next = fences[index + 1];
    const expected = next?.[1] === 'json' ? next[2] : null;
    return [{ line: markdown.slice(0, fence.index).split('\n').length, code, expected }];
  });
}
