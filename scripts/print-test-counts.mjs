// Prints `N passed, N failed` from the file that jest writes. A file of tests that could not run at all counts
// as one failure, and so does a jest that wrote no result.
import { existsSync, readFileSync } from 'node:fs';

const [resultFile] = process.argv.slice(2);
const result = existsSync(resultFile)
  ? JSON.parse(readFileSync(resultFile, 'utf8'))
  : { numPassedTests: 0, numFailedTests: 0, numRuntimeErrorTestSuites: 1 };
console.log(
  `${result.numPassedTests} passed, ${result.numFailedTests + result.numRuntimeErrorTestSuites} failed`,
);
