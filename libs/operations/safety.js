'use strict';

// What keeps a failure from being lost. A function, or one of its events, that says otherwise is left as it is.

const ASYNCHRONOUS = { maximumRetryAttempts: 2, maximumEventAge: 3600 };
const SCHEDULE = { retryPolicy: { maximumRetryAttempts: 3, maximumEventAge: 3600 } };
// A schedule comes again, and an event does not: it is tried for as long as EventBridge tries.
const EVENT = { retryPolicy: { maximumRetryAttempts: 185, maximumEventAge: 86400 } };
const SINGLE_FAILURES = { functionResponseType: 'ReportBatchItemFailures' };
// A change that can never be told is given up after fifty tries, so that it does not hold up those after it for hours.
// A function that sets such records aside itself fails only while something is down. Its streams say
// `maximumRetryAttempts: -1`: how old a record may grow, `maximumRecordAgeInSeconds`, is their only bound.
const STREAM = { ...SINGLE_FAILURES, bisectBatchOnFunctionError: true, maximumRetryAttempts: 50 };

const failSafely = (fn, provider, failures, isTrigger) => {
  fn.iamRoleStatements = [...(fn.iamRoleStatements ?? []), ...tracing(fn, provider)];
  if (isTrigger || onlyAnswers(fn)) return;
  const destinations = { onFailure: { type: 'sqs', arn: failures } };
  fill(fn, { ...ASYNCHRONOUS, destinations });
  for (const event of fn.events ?? []) {
    if (event.eventBridge) fill(event.eventBridge, { ...delivery(event.eventBridge), deadLetterQueueArn: failures });
    if (event.stream) fill(event.stream, { ...STREAM, destinations });
    if (event.sqs) fill(event.sqs, SINGLE_FAILURES);
  }
  fn.iamRoleStatements.push({ Effect: 'Allow', Action: ['sqs:SendMessage'], Resource: failures });
};

const delivery = ({ schedule }) => (schedule ? SCHEDULE : EVENT);

/** Called by the HTTP API alone: the caller hears of a failure. */
const onlyAnswers = ({ events = [] }) => events.length > 0 && events.every((event) => event.httpApi);

/** The logical ids of the functions Cognito calls: it waits for them, and tells its own caller of a failure. */
const triggersOf = ({ Resources = {} } = {}) => {
  const pools = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Cognito::UserPool');
  const called = pools.flatMap(({ Properties }) => Object.values(Properties.LambdaConfig ?? {}));
  return new Set(called.map((arn) => arn['Fn::GetAtt'][0]));
};

/** X-Ray knows no resources for these two actions. */
const tracing = (fn, provider) =>
  (fn.tracing ?? provider.tracing?.lambda)
    ? [{ Effect: 'Allow', Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], Resource: '*' }]
    : [];

const fill = (target, defaults) => {
  for (const [key, value] of Object.entries(defaults)) target[key] ??= value;
};

module.exports = { failSafely, triggersOf };
