'use strict';

// What failed for good: the queues its letters lie in, where its work is sent again, and what the two functions that
// look after letters may do for that.

const ALL_SERVICES = 'all'; // as in watchkeeper/observability/facts.py

// Whose work the letters of a queue are, and the function that does it, or the state machine that is started with it.
// Letters of a queue without a function came from no queue.
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

// What may be invoked again: whatever is started without somebody who waits for its answer, but not `dead-letters`
// itself. An operator's order is not to be given a second time.
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

// Tables with functions on their streams, which are read again where these gave up.
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
    // A stream is named by the moment it was made.
    allow(
      ['dynamodb:GetRecords', 'dynamodb:GetShardIterator'],
      STREAMS.map((table) => arn('dynamodb', `table/${OURS}${table}/stream/*`)),
    ),
  ],
  counting: allow(['sqs:GetQueueAttributes'], lettersArns),
};
