'use strict';

// Dead letters: their queues, where they are redriven to, and the permissions of the two functions that manage them.

const ALL_SERVICES = 'all'; // as in watchkeeper/observability/facts.py

// The service that the letters of a queue belong to, and the function that processes them, or the state machine that is
// started with them. Letters of a queue without a function did not come from a queue.
const QUEUES = {
  patches: { service: 'ingest', function: 'fetch-patches' },
  discussions: { service: 'ingest', function: 'fetch-discussions' },
  threads: { service: 'ingest', function: 'fetch-threads' },
  pollenation: { service: 'ingest', function: 'pollenate-asset' },
  facts: { service: 'ingest', function: 'record-facts' },
  publication: { service: 'ingest', function: 'publish-events' },
  projections: { service: 'ingest', machine: 'projections' },
  erasures: { service: 'api', function: 'erase' },
  failures: { service: ALL_SERVICES, dlq: 'failures' },
};

// Functions that may be invoked again: all that are started without a caller waiting for the answer, except `dead-letters`
// itself. An operator's command must not be repeated.
const FUNCTIONS = [
  // ingest
  'fetch-patches',
  'fetch-discussions',
  'fetch-threads',
  'refresh-discussions',
  'publish-changes',
  'sync-assets',
  'sync-earnings-calendar',
  'sync-news-sentiment',
  'pollenate-asset',
  'mark-earnings-processed',
  'publish-events',
  'evaluate-alerts',
  'publish-facts',
  'record-facts',
  'rebuild-read-model',
  // api
  'erase',
  'watch-access',
  // scheduler
  'check-freshness',
  'process-reminders',
  'check-push-receipts',
  'trigger-earnings-pollenation',
  'trigger-regular-pollenation',
  'check-coverage',
  'check-dead-letters',
];

// Tables with functions on their streams, which are read again from where a function gave up.
const STREAMS = ['patches', 'series', 'discussions', 'progress', 'breakers', 'event-store'];

const OURS = 'watchkeeper-${sls:stage}-';
const arn = (service, resource) =>
  `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${resource}`;
const url = (queue) => `\${param:queueUrlPrefix}-${queue}`;
const machineArn = (name) => arn('states', `stateMachine:${OURS}${name}`);
const allow = (Action, arns) => ({ Effect: 'Allow', Action, Resource: arns.map((one) => ({ 'Fn::Sub': one })) });

const queues = Object.entries(QUEUES).map(([name, queue]) => ({ name, dlq: `${name}-dlq`, ...queue }));
const lettersArns = queues.map(({ dlq }) => arn('sqs', OURS + dlq));
const worked = queues.filter((queue) => queue.function);
const machines = queues.filter(({ machine }) => machine);

const asText = (described) => JSON.stringify(Object.fromEntries(queues.map((queue) => [queue.name, described(queue)])));

const tended = ({ name, dlq, function: worker = null, machine }) => ({
  dlq: url(dlq),
  queue: worker && url(name),
  function: worker,
  ...(machine && { machine: machineArn(machine) }),
});

module.exports = {
  queues: asText(tended),
  counted: asText(({ dlq, service }) => ({ dlq: url(dlq), service })),
  functions: FUNCTIONS.join(','),
  tending: [
    allow(
      ['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'],
      lettersArns,
    ),
    allow(['sqs:SendMessage'], worked.map(({ name }) => arn('sqs', OURS + name))),
    allow(['lambda:InvokeFunction'], FUNCTIONS.map((name) => arn('lambda', `function:${OURS}${name}`))),
    allow(['states:StartExecution'], machines.map(({ machine }) => machineArn(machine))),
    // A stream is named after its creation time.
    allow(
      ['dynamodb:GetRecords', 'dynamodb:GetShardIterator'],
      STREAMS.map((table) => arn('dynamodb', `table/${OURS}${table}/stream/*`)),
    ),
  ],
  counting: allow(['sqs:GetQueueAttributes'], lettersArns),
};
