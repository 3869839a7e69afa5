// CI shares its machine: a test of real processes that loses a race there is shown in the log, and tried once more.
if (process.env.CI) jest.retryTimes(1, { logErrorsBeforeRetry: true });
