'use strict';

/**
 * Whether new code fails: alarms of a deployment's own, which tell nobody. One failure in a minute is enough, for those
 * that call people are set for a whole stage in trouble, and a canary gets a tenth of the requests.
 */

const VERDICT = 'DeploymentAlarm';

const alarm = (AlarmName, Namespace, MetricName, dimensions, Tags) => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    AlarmName,
    AlarmDescription: 'Code fails. Tells nobody; a deployment during which this rings is rolled back.',
    Namespace,
    MetricName,
    Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 1,
    DatapointsToAlarm: 1,
    ComparisonOperator: 'GreaterThanThreshold',
    Threshold: 0,
    TreatMissingData: 'notBreaching',
    Tags,
  },
});

/** A function's errors, or those of one of its aliases or versions. */
const errorsOf = (id, functionName, of, tags) => {
  const kind = of.ExecutedVersion ? 'canary-errors' : 'deployment-errors';
  const dimensions = { FunctionName: functionName, ...of };
  return { [`${id}ErrorsAlarm`]: alarm(`${functionName}-${kind}`, 'AWS/Lambda', 'Errors', dimensions, tags) };
};

/** What callers of an HTTP API see: the function answers most failures itself, which are no errors to Lambda. */
const failuresOfApis = (resources, tags) => {
  const apis = Object.entries(resources).filter(([, { Type }]) => Type === 'AWS::ApiGatewayV2::Api');
  const alarms = apis.map(([id, { Properties }]) => [
    `${id}DeploymentErrorsAlarm`,
    alarm(`${Properties.Name}-deployment-5xx`, 'AWS/ApiGateway', '5xx', { ApiId: { Ref: id } }, tags),
  ]);
  return Object.fromEntries(alarms);
};

const addVerdict = (resources, AlarmName, alarms, Tags) => {
  const AlarmRule = { 'Fn::Join': [' OR ', Object.keys(alarms).map((id) => ({ 'Fn::Sub': `ALARM("\${${id}}")` }))] };
  Object.assign(resources, alarms, {
    [VERDICT]: {
      Type: 'AWS::CloudWatch::CompositeAlarm',
      Properties: {
        AlarmName,
        AlarmDescription: 'Code fails. A deployment during which this rings is rolled back.',
        AlarmRule,
        Tags,
      },
    },
  });
};

module.exports = { addVerdict, errorsOf, failuresOfApis };
