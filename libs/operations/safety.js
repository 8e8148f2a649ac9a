'use strict';

// What keeps a failure from being lost. Settings of a function, or of one of its events, take precedence.

const ASYNCHRONOUS = { maximumRetryAttempts: 2, maximumEventAge: 3600 };
const SCHEDULE = { retryPolicy: { maximumRetryAttempts: 3, maximumEventAge: 3600 } };
// A schedule fires again, an event does not: it is retried for as long as EventBridge allows.
const EVENT = { retryPolicy: { maximumRetryAttempts: 185, maximumEventAge: 86400 } };
const SINGLE_FAILURES = { functionResponseType: 'ReportBatchItemFailures' };
// A change that can never be published is given up after fifty attempts, so that it does not block later ones for
// hours. A function that dead-letters such records itself fails only while something is down. Its streams have
// `maximumRetryAttempts: -1`: the age of a record, `maximumRecordAgeInSeconds`, is their only limit.
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

/** Only called by the HTTP API: the caller sees a failure. */
const onlyAnswers = ({ events = [] }) => events.length > 0 && events.every((event) => event.httpApi);

/** The logical ids of the functions Cognito calls: it waits for them, and reports a failure to its own caller. */
const triggersOf = ({ Resources = {} } = {}) => {
  const pools = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Cognito::UserPool');
  const called = pools.flatMap(({ Properties }) => Object.values(Properties.LambdaConfig ?? {}));
  return new Set(called.map((arn) => arn['Fn::GetAtt'][0]));
};

/** X-Ray supports no resources for these two actions. */
const tracing = (fn, provider) =>
  (fn.tracing ?? provider.tracing?.lambda)
    ? [{ Effect: 'Allow', Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], Resource: '*' }]
    : [];

const fill = (target, defaults) => {
  for (const [key, value] of Object.entries(defaults)) target[key] ??= value;
};

module.exports = { failSafely, triggersOf };
