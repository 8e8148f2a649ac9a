'use strict';

const { concerns } = require('./alarms');
const { subjectsOf, ours } = require('./subjects');

// One dashboard for a stack: a chapter for each kind of resource it has, with widgets for all resources of the kind.

const COLUMNS = 24;
const GRAPH = { width: 8, height: 6 };
const PERIOD = 300;
const VIEW = { view: 'timeSeries', stacked: false, region: '${AWS::Region}' };
const TABLE_OPERATIONS = [
  'GetItem',
  'BatchGetItem',
  'Query',
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
  'TransactWriteItems',
];
const OUTCOMES = [
  'ok', 'not_found', 'unavailable', 'throttled', 'day_over', 'key', 'plan', 'refused', 'too_long', 'blocked', 'garbled', 'resting', 'budget',
];
const ROWS = ['RowsFetched', 'RowsStored', 'RowsUnchanged', 'RowsRefused'];

const dashboardOf = (stack, table, alarms) => ({
  Dashboard: {
    Type: 'AWS::CloudWatch::Dashboard',
    Properties: {
      DashboardName: `watchkeeper-${stack.stage}-${stack.service}`,
      DashboardBody: { 'Fn::Sub': JSON.stringify({ widgets: placed(chapters(stack, table, alarms)) }) },
    },
  },
});

const chapters = (stack, table, alarms) => [
  ...statusOf(alarms),
  ...[
    httpApis,
    functions,
    failures,
    schedules,
    events,
    streams,
    stateMachines,
    tables,
    queues,
    upstreams,
    markets,
    pushing,
    freshness,
  ].flatMap((chapter) => chapter(stack, table)),
];

const httpApis = (stack, table) =>
  chapter('HTTP API', subjectsOf(stack, 'http api'), (apis) => [
    graph('Requests', series('AWS/ApiGateway', 'Count', 'Sum', apis)),
    graph('Refused (4xx)', series('AWS/ApiGateway', '4xx', 'Sum', apis), table['client-errors']),
    graph('Failed (5xx)', series('AWS/ApiGateway', '5xx', 'Sum', apis), table['server-errors']),
    graph('Latency, ms', percentiles('AWS/ApiGateway', 'Latency', apis)),
    graph('Latency by route, ms (p99)', [search(stack, 'Latency', 'route', 'p99')]),
    graph('Errors by route', [
      search(stack, 'ClientErrors', 'route', 'Sum'),
      search(stack, 'ServerErrors', 'route', 'Sum'),
    ]),
  ]);

const functions = (stack, table) =>
  chapter('Functions', subjectsOf(stack, 'function'), (all) => [
    graph('Invocations', series('AWS/Lambda', 'Invocations', 'Sum', all)),
    graph('Errors', series('AWS/Lambda', 'Errors', 'Sum', all), table.errors),
    graph('Throttles', series('AWS/Lambda', 'Throttles', 'Sum', all), table.throttles),
    graph('Duration, ms', percentiles('AWS/Lambda', 'Duration', all)),
    graph('Concurrent executions', series('AWS/Lambda', 'ConcurrentExecutions', 'Maximum', all)),
    graph('Failed pieces of work', series('Watchkeeper', 'Failures', 'Sum', named(stack, 'function', all))),
  ]);

const failures = (stack, table) =>
  chapter('Failures', subjectsOf(stack, 'asynchronous function'), (all) => [
    graph('Not kept', series('AWS/Lambda', 'DestinationDeliveryFailures', 'Sum', all), table['failures-lost']),
  ]);

const schedules = (stack, table) =>
  chapter('Schedules', subjectsOf(stack, 'schedule'), (all) => [
    graph('Runs', series('AWS/Events', 'Invocations', 'Sum', all)),
    graph('Runs that did not start', series('AWS/Events', 'FailedInvocations', 'Sum', all)),
    graph('Not kept', series('AWS/Events', 'InvocationsFailedToBeSentToDlq', 'Sum', all), table['schedules-lost']),
  ]);

const events = (stack, table) =>
  chapter('Events', subjectsOf(stack, 'event rule'), (all) => [
    graph('Events passed on', series('AWS/Events', 'Invocations', 'Sum', all)),
    graph('Events not passed on', series('AWS/Events', 'FailedInvocations', 'Sum', all)),
    graph('Not kept', series('AWS/Events', 'InvocationsFailedToBeSentToDlq', 'Sum', all), table['events-lost']),
  ]);

const streams = (stack, table) =>
  chapter('Streams', subjectsOf(stack, 'stream function'), (readers) => [
    graph('Age of what is read, ms', series('AWS/Lambda', 'IteratorAge', 'Maximum', readers), table['publishing-late']),
  ]);

const stateMachines = (stack, table) =>
  chapter('State machines', subjectsOf(stack, 'state machine'), (all) => [
    graph('Executions', series('AWS/States', 'ExecutionsStarted', 'Sum', all)),
    graph('Failed', series('AWS/States', 'ExecutionsFailed', 'Sum', all), table['projections-failed']),
    graph('Timed out', series('AWS/States', 'ExecutionsTimedOut', 'Sum', all), table['projections-cut-off']),
    graph('Duration, ms', percentiles('AWS/States', 'ExecutionTime', all)),
  ]);

const tables = (stack, table) =>
  chapter('Tables', subjectsOf(stack, 'table'), (all) => [
    graph('Read units', withIndexes('ConsumedReadCapacityUnits', all)),
    graph('Write units', withIndexes('ConsumedWriteCapacityUnits', all)),
    graph('Throttled reads', withIndexes('ReadThrottleEvents', all), table['read-throttles']),
    graph('Throttled writes', withIndexes('WriteThrottleEvents', all), table['write-throttles']),
    graph('Latency, ms', all.flatMap(latencies)),
  ]);

const queues = (stack, table) => {
  const [work, dead] = [subjectsOf(stack, 'work queue'), subjectsOf(stack, 'dead-letter queue')];
  const waiting = (of) => series('AWS/SQS', 'ApproximateNumberOfMessagesVisible', 'Maximum', of);
  const oldest = series('AWS/SQS', 'ApproximateAgeOfOldestMessage', 'Maximum', work);
  return chapter('Queues', [...work, ...dead], () => [
    graph('Waiting messages', waiting(work)),
    graph('Oldest message, s', oldest, table['oldest-message']),
    graph('Dead letters', waiting(dead), table['dead-letters']),
    graph('Time from sending to taking, s', percentiles('Watchkeeper', 'QueueAge', named(stack, 'queue', work))),
  ]);
};

const upstreams = (stack, table) =>
  chapter('Upstreams', subjectsOf(stack, 'upstream'), (all) => [
    graph('Latency, ms', percentiles('Watchkeeper', 'UpstreamLatency', all)),
    graph('Requests by outcome', all.flatMap(outcomes)),
    graph('Circuit breaker open', series('Watchkeeper', 'BreakerOpen', 'Maximum', all), table['breaker-open']),
    ...ROWS.map((metric) => graph(words(metric), series('Watchkeeper', metric, 'Sum', sources(stack)))),
  ]);

const sources = (stack) => [...subjectsOf(stack, 'source'), ...subjectsOf(stack, 'market source')];

/** Each service shows what it measures: ingest its requests, scheduler what is to be pollenated and the coverage. */
const markets = (stack, table) => {
  const all = subjectsOf(stack, 'market source');
  const chapters = { ingest: asking, scheduler: wanting };
  return chapters[stack.service] ? chapter('Markets', all, (found) => chapters[stack.service](stack, table, found)) : [];
};

const asking = (stack, table, all) => {
  const keyed = subjectsOf(stack, 'keyed upstream');
  return [
    graph('Calls of AlphaVantage', [
      line('Watchkeeper', 'AlphaVantageCallsUsed', ours(stack, {}), 'used', 'Sum'),
      line('Watchkeeper', 'AlphaVantageThrottled', ours(stack, {}), 'throttled', 'Sum'),
    ]),
    graph('Calls left of the day', [line('Watchkeeper', 'AlphaVantageBudgetLeft', ours(stack, {}), 'left', 'Minimum')]),
    graph('Pollenations by outcome', [search(stack, 'Pollenations', 'outcome', 'Sum')]),
    graph('Keys or plans refused', series('Watchkeeper', 'UpstreamRefused', 'Sum', keyed), table['upstream-refused']),
    graph('Answers refused', series('Watchkeeper', 'AnswersImplausible', 'Sum', all), table['answers-implausible']),
  ];
};

const wanting = (stack) => [
  graph('Assets by age', [search(stack, 'AssetsByAge', 'age', 'Maximum')]),
  graph('Pollenations needed', [search(stack, 'PollenationsNeeded', 'reason', 'Sum')]),
  graph('Pollenations left out', [search(stack, 'PollenationsLeftOut', 'reason', 'Sum')]),
];

const pushing = (stack, table) =>
  chapter('Reminders', subjectsOf(stack, 'push service'), (all) => [
    graph('Longest wait, s', series('Watchkeeper', 'ReminderWait', 'Maximum', all), table['reminders-late']),
    graph('Reminders by outcome', [search(stack, 'RemindersSettled', 'outcome', 'Sum')]),
    graph(
      'Refused for credentials',
      series('Watchkeeper', 'PushCredentialErrors', 'Sum', all),
      table['push-credentials']
    ),
    graph('Devices switched off', series('Watchkeeper', 'DevicesSwitchedOff', 'Sum', all)),
    graph('Requests by outcome', all.flatMap(outcomes)),
    graph('Latency, ms', percentiles('Watchkeeper', 'UpstreamLatency', all)),
  ]);

/** Only in the service that measures it: the others have the sources, too. */
const freshness = (stack, table) => {
  const ages = { 'Age of the facts, s': table['freshness-late'], 'Age of the markets, s': table['markets-late'] };
  const graphs = Object.entries(ages).flatMap(([title, rule]) => {
    const sources = concerns(rule, stack) ? subjectsOf(stack, rule.watches) : [];
    if (sources.length === 0) return [];
    return [graph(title, series('Watchkeeper', 'FreshnessAge', 'Maximum', sources), rule)];
  });
  return chapter('Freshness', graphs, () => graphs);
};

const statusOf = (alarms) => {
  const names = Object.values(alarms).map(({ Properties }) => Properties.AlarmName);
  if (names.length === 0) return [];
  const arn = (name) => `arn:\${AWS::Partition}:cloudwatch:\${AWS::Region}:\${AWS::AccountId}:alarm:${name}`;
  const height = 2 + Math.ceil(names.length / 6);
  return [{ type: 'alarm', width: COLUMNS, height, properties: { title: 'Alarms', alarms: names.map(arn) } }];
};

const chapter = (title, subjects, widgets) =>
  subjects.length === 0 ? [] : [heading(title), ...widgets(subjects)];

const heading = (title) => ({
  type: 'text',
  width: COLUMNS,
  height: 1,
  properties: { markdown: `## ${title}` },
});

const graph = (title, metrics, rule) => ({
  type: 'metric',
  ...GRAPH,
  properties: { ...VIEW, title, metrics, period: PERIOD, ...(rule && limit(rule)) },
});

/** The alarm's threshold as a line; its period is the graph's, so that both refer to the same sums. */
const limit = (rule) => ({
  period: rule.period,
  annotations: { horizontal: [{ label: 'alarm', value: rule.threshold }] },
});

const series = (namespace, metric, stat, subjects) =>
  subjects.map(({ name, dimensions }) => line(namespace, metric, dimensions[0], name, stat));

const percentiles = (namespace, metric, subjects) =>
  ['p50', 'p99'].flatMap((stat) =>
    subjects.map(({ name, dimensions }) => line(namespace, metric, dimensions[0], `${name} ${stat}`, stat))
  );

const withIndexes = (metric, tables) =>
  tables.flatMap(({ name, dimensions }) =>
    dimensions.map((one) => {
      const label = [name, one.GlobalSecondaryIndexName].filter(Boolean).join(' ');
      return line('AWS/DynamoDB', metric, one, label, 'Sum');
    })
  );

const latencies = ({ name, dimensions: [table] }) =>
  TABLE_OPERATIONS.map((Operation) =>
    line('AWS/DynamoDB', 'SuccessfulRequestLatency', { ...table, Operation }, `${name} ${Operation}`, 'Average')
  );

const outcomes = ({ name, dimensions: [upstream] }) =>
  OUTCOMES.map((outcome) =>
    line('Watchkeeper', 'UpstreamRequests', { ...upstream, outcome }, `${name} ${outcome}`, 'Sum')
  );

/** All that have been measured: the routes are not known here. */
const search = ({ stage, service }, metric, dimension, stat) => {
  const where = `MetricName="${metric}" stage="${stage}" service="${service}"`;
  const expression = `SEARCH('{Watchkeeper,stage,service,${dimension}} ${where}', '${stat}', ${PERIOD})`;
  return [{ expression, id: metric.toLowerCase(), label: words(metric) }];
};

/** The same subjects, by their dimension in our own metrics. */
const named = (stack, dimension, subjects) =>
  subjects.map(({ name, dimensions: [one] }) => ({
    name,
    dimensions: [ours(stack, { [dimension]: Object.values(one)[0] })],
  }));

const line = (namespace, metric, dimensions, label, stat) => [
  namespace,
  metric,
  ...Object.entries(dimensions).flatMap(([name, value]) => [name, substituted(value)]),
  { label, stat },
];

/** A template's reference, as Fn::Sub writes it. */
const substituted = (value) => {
  if (value.Ref) return `\${${value.Ref}}`;
  if (value['Fn::GetAtt']) return `\${${value['Fn::GetAtt'].join('.')}}`;
  return value;
};

/** `Rows fetched` of RowsFetched. */
const words = (metric) => metric.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** Left to right, then below; a widget as wide as the board begins and ends a row. */
const placed = (widgets) => {
  let [x, y, rowHeight] = [0, 0, 0];
  return widgets.map((widget) => {
    if (x + widget.width > COLUMNS) [x, y, rowHeight] = [0, y + rowHeight, 0];
    const at = { x, y };
    x += widget.width;
    rowHeight = Math.max(rowHeight, widget.height);
    return { ...at, ...widget };
  });
};

module.exports = { dashboardOf };
