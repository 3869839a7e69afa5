/** Arguments for a Node process that runs a script which can require the sources. */
export function nodeWithTypeScript(script: string, ...args: string[]): string[] {
  return ['-e', HOOK + script, ...args];
}

const HOOK = `
  const { transpileModule, ModuleKind, ScriptTarget } = require(${JSON.stringify(require.resolve('typescript'))});
  const compilerOptions = {
    module: ModuleKind.CommonJS, target: ScriptTarget.ES2023, esModuleInterop: true,
    experimentalDecorators: true, emitDecoratorMetadata: true, useDefineForClassFields: false,
  };
  require.extensions['.ts'] = (module, file) =>
    module._compile(transpileModule(require('fs').readFileSync(file, 'utf8'), { compilerOptions }).outputText, file);
`;
