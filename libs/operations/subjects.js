'use strict';

// What a compiled stack has that can be watched, by kind. A subject has a name without project and stage, and the sets
// of dimensions its metrics have: one, except for a table, whose indexes are counted separately.

const PREFIX = /^watchkeeper-[a-z]+-/;
const ADDRESS = /^([A-Z]+)_URL$/;
const KEY = /^([A-Z]+)_SECRET_ARN$/;
const SOURCES = { PROJECTS: 'patchwork', LISTS: 'lore' };
const MARKETS = ['alpaca:assets', 'alphavantage:earnings-calendar', 'alphavantage:news'];
const FUNDAMENTALS = 'alphavantage:fundamentals';

const ofType = ({ resources }, type) =>
  Object.entries(resources).filter(([, resource]) => resource.Type === type);

const subject = (name, ...dimensions) => ({ name, dimensions });

const functions = (stack) =>
  ofType(stack, 'AWS::Lambda::Function')
    .filter(([, { Properties }]) => PREFIX.test(Properties.FunctionName)) // not the framework's own
    .map(([id, { Properties }]) => ({
      id,
      environment: Properties.Environment?.Variables ?? {},
      ...subject(Properties.FunctionName.replace(PREFIX, ''), { FunctionName: { Ref: id } }),
    }));

/** Functions that another resource refers to by ARN. */
const calledBy = (stack, type, property, condition = () => true) => {
  const callers = ofType(stack, type).filter(([, { Properties }]) => condition(Properties));
  const called = new Set(callers.map(([, { Properties }]) => Properties[property]['Fn::GetAtt'][0]));
  return functions(stack).filter(({ id }) => called.has(id));
};

const apiFunctions = (stack) => calledBy(stack, 'AWS::ApiGatewayV2::Integration', 'IntegrationUri');

const streamFunctions = (stack) =>
  calledBy(stack, 'AWS::Lambda::EventSourceMapping', 'FunctionName', ({ StartingPosition }) => StartingPosition);

/** Invoked asynchronously: what fails after all retries goes to a queue. */
const asynchronousFunctions = (stack) => {
  const configured = ofType(stack, 'AWS::Lambda::EventInvokeConfig');
  const kept = configured.filter(([, { Properties }]) => Properties.DestinationConfig?.OnFailure);
  const ids = new Set(kept.map(([, { Properties }]) => Properties.FunctionName.Ref));
  return functions(stack).filter(({ id }) => ids.has(id));
};

const schedules = (stack) =>
  ofType(stack, 'AWS::Events::Rule')
    .filter(([, { Properties }]) => Properties.ScheduleExpression)
    .map(([id, { Properties }]) => subject(Properties.Name.replace(PREFIX, ''), { RuleName: { Ref: id } }));

/** The rules of our own buses. For a bus other than the default one, CloudWatch counts by both names. */
const eventRules = (stack) =>
  ofType(stack, 'AWS::Events::Rule')
    .filter(([, { Properties }]) => Properties.EventPattern)
    .map(([, { Properties: { Name, EventBusName } }]) =>
      subject(Name.replace(PREFIX, ''), { EventBusName, RuleName: Name })
    );

const httpApis = (stack) =>
  ofType(stack, 'AWS::ApiGatewayV2::Api').map(([id, { Properties }]) =>
    subject(Properties.Name.replace(PREFIX, ''), { ApiId: { Ref: id } })
  );

const tables = (stack) =>
  ofType(stack, 'AWS::DynamoDB::Table').map(([id, { Properties }]) => {
    const table = { TableName: { Ref: id } };
    const indexes = (Properties.GlobalSecondaryIndexes ?? []).map(({ IndexName }) => ({
      ...table,
      GlobalSecondaryIndexName: IndexName,
    }));
    return subject(Properties.TableName.replace(PREFIX, ''), table, ...indexes);
  });

const stateMachines = (stack) =>
  ofType(stack, 'AWS::StepFunctions::StateMachine').map(([id, { Properties }]) =>
    subject(Properties.StateMachineName.replace(PREFIX, ''), { StateMachineArn: { Ref: id } })
  );

const queues = (stack, isWanted) => {
  const mappings = ofType(stack, 'AWS::Lambda::EventSourceMapping');
  const worked = new Set(mappings.map(([, { Properties }]) => Properties.EventSourceArn['Fn::GetAtt'][0]));
  return ofType(stack, 'AWS::SQS::Queue')
    .filter(([id]) => isWanted(worked.has(id)))
    .map(([id, { Properties }]) =>
      subject(Properties.QueueName.replace(PREFIX, ''), { QueueName: { 'Fn::GetAtt': [id, 'QueueName'] } })
    );
};

const workQueues = (stack) => queues(stack, (hasFunction) => hasFunction);

/** Queues without a consumer: the dead-letter queues, and failures. */
const deadLetterQueues = (stack) => queues(stack, (hasFunction) => !hasFunction);

/** A function that calls an upstream shares its circuit breaker, and has its address in a variable of its name, PATCHWORK_URL, or where
    its address and our key to it are, ALPACA_SECRET_ARN. */
const upstreams = (stack) => upstreamsNamed(stack, (variable, value) => address(variable, value) ?? key(variable));

/** Those that need a key. */
const keyedUpstreams = (stack) => upstreamsNamed(stack, key);

const upstreamsNamed = (stack, nameIn) => {
  const asking = functions(stack).filter(({ environment }) => environment.BREAKERS_TABLE);
  const variables = asking.flatMap(({ environment }) => Object.entries(environment));
  const names = new Set(variables.map(([variable, value]) => nameIn(variable, value)).filter(Boolean));
  return [...names].sort().map((upstream) => subject(upstream, ours(stack, { upstream })));
};

const address = (variable, value) => (typeof value === 'string' ? ADDRESS.exec(variable)?.[1].toLowerCase() : undefined);

const key = (variable) => KEY.exec(variable)?.[1].toLowerCase();

/** Where reminders are pushed to; the functions that do so have its address. */
const pushServices = (stack) => {
  const pushing = functions(stack).some(({ environment }) => environment.EXPO_URL);
  return pushing ? [subject('expo', ours(stack, { upstream: 'expo' }))] : [];
};

/** The projects and lists that the service's functions watch. */
const sources = (stack) => {
  const named = functions(stack).flatMap(({ environment }) =>
    Object.entries(SOURCES).flatMap(([variable, kind]) =>
      (environment[variable] ?? '')
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean)
        .map((name) => `${kind}:${name}`)
    )
  );
  return [...new Set(named)].sort().map((source) => subject(source.replace(':', '-'), ours(stack, { source })));
};

/** What the markets watch reads as a whole. */
const marketSources = (stack) => ofMarkets(stack, MARKETS);

/** What it stores: also what it reads asset by asset. */
const marketTables = (stack) => ofMarkets(stack, [...MARKETS, FUNDAMENTALS]);

/** A function with access to its assets has access to all of it. */
const ofMarkets = (stack, names) => {
  const isWatching = functions(stack).some(({ environment }) => environment.ASSETS_TABLE);
  return isWatching ? names.map((source) => subject(source.replace(':', '-'), ours(stack, { source }))) : [];
};

/** The dimensions of a metric of our own: watchkeeper/metrics.py. */
const ours = ({ stage, service }, dimensions) => ({ stage, service, ...dimensions });

const KINDS = {
  'function': functions,
  'api function': apiFunctions,
  'stream function': streamFunctions,
  'asynchronous function': asynchronousFunctions,
  'schedule': schedules,
  'event rule': eventRules,
  'http api': httpApis,
  'state machine': stateMachines,
  'table': tables,
  'work queue': workQueues,
  'dead-letter queue': deadLetterQueues,
  'upstream': upstreams,
  'keyed upstream': keyedUpstreams,
  'push service': pushServices,
  'source': sources,
  'market source': marketSources,
  'market table': marketTables,
};

const subjectsOf = (stack, kind) => {
  if (!KINDS[kind]) throw new Error(`alarms.yml: nothing is known that is a "${kind}"`);
  return KINDS[kind](stack);
};

module.exports = { subjectsOf, ours };
